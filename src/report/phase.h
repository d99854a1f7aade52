// What became of a created resource, read off the object itself: Job conditions, a Workflow's status.phase, and for any
// other kind the conditions and words that most controllers agree on, and else kstatus's rules (sigs.k8s.io/cli-utils,
// pkg/kstatus). Where those take silence for success this is more careful, as resources are counted and deleted by it.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace abo::report {

enum class Phase : std::uint8_t { Pending, Running, Succeeded, Failed };

[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] inline bool finished(Phase phase) {
  return phase == Phase::Succeeded || phase == Phase::Failed;
}

// How the objects of a kind tell what became of them.
enum class Telling : std::uint8_t {
  Job,    // by the conditions Complete and Failed and nothing else
  Phase,  // by status.phase: Workflows, Pods
  General,  // by conditions, by words such as a RayJob's jobStatus, else as kstatus has it; no status: not begun
  Nothing,  // not at all, as the kind has no status (a ConfigMap): done as it is made, until a status says otherwise
};
// has_status: the kind has a status subresource.
[[nodiscard]] Telling telling_of(std::string_view group, std::string_view kind, bool has_status);

struct Outcome {
  Phase phase = Phase::Pending;
  std::optional<ServiceTime> finished_at{};  // the cluster's time
  // Done being made, but not over: it is in use (Ready, Bound), or says nothing of itself. No reason to delete it.
  bool stays = false;
  std::string failure{};  // of one that failed, why (report/failure.h)
};

[[nodiscard]] Outcome outcome_of(const json::object& object, Telling telling);

}  // namespace abo::report
