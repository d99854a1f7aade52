// Postponed blobs as work: which of them are due, and when the next one will be. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/time.h"
#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"
#include "controllers/trigger_stage.h"
#include "report/conditions.h"

namespace abo::controllers {

// Postponed blobs whose time has come, and copies that are complete now. Oldest first.
[[nodiscard]] std::vector<Work> due_work(const checkpoint::Checkpoint& known,
                                         const checkpoint::Selection& selection,
                                         const checkpoint::Identity& identity, WallTime now);

// Until the next postponed blob is due; nothing when none waits for a time.
[[nodiscard]] std::optional<std::chrono::milliseconds> next_due(const checkpoint::Checkpoint& known,
                                                                WallTime now);

// A blob whose creation fails, if there is one: what the Ready condition must tell of. nullptr otherwise.
[[nodiscard]] const checkpoint::Postponed* first_failing(const checkpoint::Checkpoint& known);

}  // namespace abo::controllers
