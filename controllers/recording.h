// What a checkpoint knows of the resources that our finalizer holds. Pure; held_runs.h acts on it. The objects'
// annotations are the witness, since a blob may be gone by the time its resource is recorded.
#pragma once

#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "controllers/run_store.h"

namespace abo::controllers {

// Marks done what is held and unknown, in the checkpoint of the container it belongs to. Returns those that were not
// known; one of a container that nobody remembers has nothing to be recorded in and counts as known.
[[nodiscard]] std::vector<HeldRun> record(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                                          std::vector<HeldRun> held);

// Those of a watcher's held resources that its checkpoint knows: their finalizers may go.
[[nodiscard]] std::vector<HeldRun> recorded(const checkpoint::Checkpoint& checkpoint,
                                            std::string_view watcher_uid, std::vector<HeldRun> held);

}  // namespace abo::controllers
