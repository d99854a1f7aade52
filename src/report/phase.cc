#include "report/phase.h"

namespace abo::report {
namespace {

std::optional<ServiceTime> time_at(const json::object& object, std::initializer_list<std::string_view> path) {
  return parse_rfc3339(find_string(object, path));
}

// The transition time of a condition that is True, or nothing.
struct Met {
  bool met = false;
  std::optional<ServiceTime> since;
};

Met condition(const json::object& object, std::string_view type) {
  const json::array* conditions = find_array(object, {"status", "conditions"});
  if (!conditions) return {};
  for (const json::value& entry : *conditions) {
    const json::object* c = entry.if_object();
    if (c && find_string(*c, {"type"}) == type && find_string(*c, {"status"}) == "True") {
      return {true, time_at(*c, {"lastTransitionTime"})};
    }
  }
  return {};
}

// Workflows, Pods and many custom resources.
std::optional<Phase> phase_field(std::string_view phase) {
  if (phase == "Succeeded" || phase == "Complete" || phase == "Completed") return Phase::Succeeded;
  if (phase == "Failed" || phase == "Error") return Phase::Failed;
  if (phase == "Running") return Phase::Running;
  if (phase == "Pending") return Phase::Pending;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Pending:
      return "Pending";
    case Phase::Running:
      return "Running";
    case Phase::Succeeded:
      return "Succeeded";
    case Phase::Failed:
      return "Failed";
  }
  return "Pending";
}

Outcome outcome_of(const json::object& object) {
  for (std::string_view type : {"Failed", "Stalled"}) {
    if (Met c = condition(object, type); c.met) return {Phase::Failed, c.since};
  }
  for (std::string_view type : {"Complete", "Succeeded"}) {
    if (Met c = condition(object, type); c.met) return {Phase::Succeeded, c.since};
  }
  if (auto phase = phase_field(find_string(object, {"status", "phase"}))) {
    return {*phase, finished(*phase) ? time_at(object, {"status", "finishedAt"}) : std::nullopt};
  }
  bool started = find_int(object, {"status", "active"}).value_or(0) > 0;
  return {started ? Phase::Running : Phase::Pending, std::nullopt};
}

}  // namespace abo::report
