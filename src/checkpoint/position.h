// Where a blob stands in the one order in which blobs are taken: by Last-Modified, then by name (bytewise).
// The order in which a service lists names is never relied on.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/time.h"

namespace abo::checkpoint {

struct Position {
  ServiceTime last_modified{};
  std::string name;

  friend auto operator<=>(const Position&, const Position&) = default;
};

// True when the blob stands behind `position`; no copy of its name is made.
[[nodiscard]] inline bool is_past(const Position& position, ServiceTime last_modified,
                                  std::string_view name) {
  if (last_modified != position.last_modified) return last_modified > position.last_modified;
  return name > position.name;
}

// The position that has everything up to and including second `time` at or before it, and nothing later: no
// blob has an empty name.
[[nodiscard]] inline Position end_of(ServiceTime time) {
  return {time + std::chrono::seconds{1}, {}};
}

// The position that has everything before second `time` at or before it, and nothing of that second.
[[nodiscard]] inline Position start_of(ServiceTime time) {
  return {time, {}};
}

}  // namespace abo::checkpoint
