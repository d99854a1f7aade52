// Resources that still carry our finalizer: what the checkpoint does not know of them is put into it, and once it is
// written the finalizers go. Steps 2 and 8 of the exactly-once protocol (docs/exactly-once.md).
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "controllers/recording.h"
#include "controllers/run_store.h"
#include "controllers/services.h"
#include "report/status.h"

namespace abo::controllers {

// record(), and what it recorded as jobs for the status. Pure.
[[nodiscard]] std::vector<report::TriggeredJob> absorb(checkpoint::Checkpoint& checkpoint,
                                                       std::string_view watcher_uid,
                                                       const std::vector<HeldRun>& held,
                                                       const RunTracker& runs);

// Reads the resources of a watcher with a quorum into the tracker's store: after a create whose outcome is unknown.
//
// One kind is enough, though the template's kind may change in between: row.sweep is only set by a TriggerStage, which
// runs after stay_current(), which has swept and cleared what was there before. So it never holds a kind that a later
// one could push out. A process that dies in between lists all kinds anew (RunTracker::start). A kind that is served no
// more has no resources; in another version than before, it is looked for in that.
[[nodiscard]] Task<Result<void>> sweep(Services& services, WatchId watch, std::string ns,
                                       std::string watcher_name);

// Those whose finalizer may be tried now: held for Settings::recording_hold (step 9), and not waiting after a failure.
[[nodiscard]] std::vector<HeldRun> releasable(const Services& services, std::vector<HeldRun> held);

// Takes the finalizers off those of them that are releasable. What fails is counted, logged and left for later, ever more
// slowly (1 s to 5 min); nothing depends on it but that the objects can go. When the API server is away the rest is not
// tried.
[[nodiscard]] Task<void> release(Services& services, std::vector<HeldRun> held);

// This one could not be released: it is not releasable for a while.
void try_later(const Services& services, const HeldRun& run);

// When release() should be called again for this watcher; nothing when nothing is held.
[[nodiscard]] std::optional<MonoTime> next_release(const Services& services, std::string_view owner);

}  // namespace abo::controllers
