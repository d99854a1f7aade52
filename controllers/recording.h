// What a checkpoint knows of the resources that our finalizer holds. Pure; held_runs.h acts on it. The objects'
// annotations are the witness, since a blob may be gone by the time its resource is recorded.
#pragma once

#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "controllers/run_store.h"

namespace abo::controllers {

// Marks done what is held and unknown, in the checkpoint of the container it belongs to. Returns those that were not
// known. One that the checkpoint does not speak of has nothing to be recorded in and counts as known: its container was
// forgotten, or its version belongs to a later replay than the one it was made by.
[[nodiscard]] std::vector<HeldRun> record(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                                          std::vector<HeldRun> held);

// Those of a watcher's held resources that its checkpoint knows: their finalizers may go.
[[nodiscard]] std::vector<HeldRun> recorded(const checkpoint::Checkpoint& checkpoint,
                                            std::string_view watcher_uid, std::vector<HeldRun> held);

// True when each of them is done by this checkpoint. False also for those that it does not speak of: it may be an old one,
// from before a replay, so it is read again before it is believed.
[[nodiscard]] bool knows_all(const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                             const std::vector<HeldRun>& held);

}  // namespace abo::controllers
