#include "report/conditions.h"

#include <algorithm>

#include "base/text.h"

namespace abo::report {
namespace {

constexpr std::size_t max_message = 1024;

void set(Status& status, Condition wanted, WallTime now) {
  auto same_type = [&](const Condition& c) { return c.type == wanted.type; };
  auto at = std::ranges::find_if(status.conditions, same_type);
  bool turned = at == status.conditions.end() || at->status != wanted.status;
  wanted.last_transition_time =
      turned ? format_rfc3339(std::chrono::floor<std::chrono::seconds>(now)) : at->last_transition_time;
  if (at == status.conditions.end()) {
    status.conditions.push_back(std::move(wanted));
  } else {
    *at = std::move(wanted);
  }
}

std::string truth(bool value) {
  return value ? "True" : "False";
}

}  // namespace

Verdict verdict_of(const Error& error) {
  bool stalled = disposition(error) == Disposition::StallUntilChanged;
  return {stalled ? Health::Stalled : Health::Retrying, error.reason, error.message};
}

void set_conditions(Status& status, const Verdict& verdict, std::int64_t generation, WallTime now) {
  std::string reason(to_string(verdict.reason));
  std::string message = bounded_text(verdict.message, max_message - 3);
  auto put = [&](std::string type, bool value) {
    set(status, {std::move(type), truth(value), reason, message, {}, generation}, now);
  };
  put("Ready", verdict.health == Health::Ready);
  put("Reconciling", verdict.health == Health::Retrying);
  put("Stalled", verdict.health == Health::Stalled);
  status.observed_generation = generation;
}

const Condition* ready(const Status& status) {
  auto at = std::ranges::find_if(status.conditions, [](const Condition& c) { return c.type == "Ready"; });
  return at == status.conditions.end() ? nullptr : &*at;
}

bool turned(const Status& before, const Status& after) {
  const Condition *was = ready(before), *is = ready(after);
  if (!was || !is) return was != is;
  return was->status != is->status || was->reason != is->reason;
}

}  // namespace abo::report
