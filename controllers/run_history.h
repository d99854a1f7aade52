// Keeps a watcher to its successfulHistoryLimit and failedHistoryLimit, as CronJob does: finished resources beyond them are
// deleted, those that ended first go first. In the name of spec.serviceAccountName, as they were created.
//
// Deleting frees a name, so it must not come before the record (step 8 of docs/exactly-once.md). Each resource is read with
// a quorum right before, and goes only if it is ours and this watcher's, says itself that it finished, and carries our
// finalizer no more; under its uid and resourceVersion, so that nothing else can be met. And while a creation of this
// watcher may still be under way, nothing goes: its name, or the other name, could come free for it.
#pragma once

#include <optional>

#include "controllers/services.h"
#include "controllers/watcher_row.h"

namespace abo::controllers {

struct HistoryKept {
  std::optional<MonoTime> due;   // there is more to delete then
  bool warning_changed = false;  // row.history.warning
  bool api_down = false;         // the API server is away
};

// Deletes some of what is more than the row's limits, a few at once, for two seconds at most. What may not be deleted is
// said in row.history.warning and tried again with a backoff (1 s to 5 min). To be called at the end of a pass, when all
// that could be created is: other requests go first.
[[nodiscard]] Task<HistoryKept> keep_history(Services& services, WatcherRow& row);

}  // namespace abo::controllers
