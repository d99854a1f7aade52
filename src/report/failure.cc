#include "report/failure.h"

#include <fmt/format.h>

#include <string_view>

#include "base/text.h"

namespace abo::report {
namespace {

std::string joined(std::string_view reason, std::string_view message) {
  if (reason.empty() || message.empty()) return std::string(reason.empty() ? message : reason);
  return fmt::format("{}: {}", reason, message);
}

// What says of a condition that it is this resource's failure.
bool tells_of_failure(const json::object& condition) {
  std::string_view type = find_string(condition, {"type"}), status = find_string(condition, {"status"});
  return (status == "True" && (type == "Failed" || type == "Stalled")) ||
         (status == "False" && type == "Succeeded");
}

std::string by_condition(const json::object& object) {
  const json::array* all = find_array(object, {"status", "conditions"});
  if (!all) return {};
  for (const json::value& entry : *all) {
    const json::object* c = entry.if_object();
    if (c && tells_of_failure(*c)) return joined(find_string(*c, {"reason"}), find_string(*c, {"message"}));
  }
  return {};
}

// Argo's own message is empty, or names a node; the words are in the nodes, one for each try of each step. An earlier
// failure may have been made good by a later try, so the last one counts.
std::string by_workflow_step(const json::object& object) {
  const json::value* found = find(object, {"status", "nodes"});
  const json::object* nodes = found ? found->if_object() : nullptr;
  if (!nodes) return {};
  const json::object* last = nullptr;
  for (const auto& entry : *nodes) {
    const json::object* node = entry.value().if_object();
    if (!node || find_string(*node, {"type"}) != "Pod" || find_string(*node, {"message"}).empty()) continue;
    std::string_view phase = find_string(*node, {"phase"});
    if (phase != "Failed" && phase != "Error") continue;
    // RFC 3339 in UTC and whole seconds, so texts compare as times do.
    if (!last || find_string(*last, {"finishedAt"}) < find_string(*node, {"finishedAt"})) last = node;
  }
  return last ? joined(find_string(*last, {"displayName"}), find_string(*last, {"message"})) : std::string();
}

}  // namespace

std::string failure_of(const json::object& object) {
  std::string text = by_workflow_step(object);
  if (text.empty()) text = by_condition(object);
  if (text.empty())
    text = joined(find_string(object, {"status", "reason"}), find_string(object, {"status", "message"}));
  return bounded_text(text, max_failure_text);
}

}  // namespace abo::report
