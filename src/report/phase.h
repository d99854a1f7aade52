// What became of a created resource, read off the object itself: Job conditions, a Workflow's status.phase,
// and for any other kind the conditions that kstatus and most controllers agree on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace abo::report {

enum class Phase : std::uint8_t { Pending, Running, Succeeded, Failed };

[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] inline bool finished(Phase phase) {
  return phase == Phase::Succeeded || phase == Phase::Failed;
}

struct Outcome {
  Phase phase = Phase::Pending;
  std::optional<ServiceTime> finished_at;  // the cluster's time
};

[[nodiscard]] Outcome outcome_of(const json::object& object);

}  // namespace abo::report
