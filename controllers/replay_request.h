// What the annotation mlops.example.com/replay-since of a watcher asks for. Pure; src/checkpoint/replay.h is what it leads
// to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "checkpoint/checkpoint.h"

namespace abo::controllers {

inline constexpr std::string_view replay_annotation = "mlops.example.com/replay-since";
// What is said of a value from which replay_since() makes no time.
inline constexpr std::string_view no_time =
    "is no time in RFC 3339 (such as 2026-01-31T00:00:00Z), so nothing is replayed";

// The annotation's value; "" when the watcher has none.
[[nodiscard]] std::string_view replay_wish(const json::object& watcher);

// The second from which on versions are to be triggered again; nothing when the value is no time in RFC 3339. A fraction
// counts: no version of a second that began before it is meant.
[[nodiscard]] std::optional<ServiceTime> replay_since(std::string_view wish);

// The time of a replay that is still to begin in the checkpoint's container.
[[nodiscard]] std::optional<ServiceTime> replay_due(const checkpoint::Checkpoint& checkpoint,
                                                    std::string_view wish);

// For the Ready condition, with a space before it: why the wish comes to nothing; "" when it does not.
[[nodiscard]] std::string replay_warning(const checkpoint::Checkpoint& checkpoint, std::string_view wish);

}  // namespace abo::controllers
