#include "report/phase.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "report/failure.h"

namespace abo::report {
namespace {

using Names = std::initializer_list<std::string_view>;

enum class Truth : std::uint8_t { Absent, Unknown, False, True };

// A condition, and since when it is as it is.
struct Stand {
  Truth truth = Truth::Absent;
  std::optional<ServiceTime> since{};
};

Truth truth_of(std::string_view status) {
  if (status == "True") return Truth::True;
  return status == "False" ? Truth::False : Truth::Unknown;
}

const json::array* conditions(const json::object& object) {
  return find_array(object, {"status", "conditions"});
}

Stand condition(const json::object& object, std::string_view type) {
  const json::array* all = conditions(object);
  if (!all) return {};
  for (const json::value& entry : *all) {
    const json::object* c = entry.if_object();
    if (c && find_string(*c, {"type"}) == type)
      return {truth_of(find_string(*c, {"status"})), parse_rfc3339(find_string(*c, {"lastTransitionTime"}))};
  }
  return {};
}

// The first of these conditions that is True.
std::optional<Stand> met(const json::object& object, Names types) {
  for (std::string_view type : types) {
    if (Stand c = condition(object, type); c.truth == Truth::True) return c;
  }
  return std::nullopt;
}

std::optional<ServiceTime> end_time(const json::object& object) {
  // Workflow; Job-like kinds; RayJob; SparkApplication.
  for (std::string_view field : {"finishedAt", "completionTime", "endTime", "terminationTime"}) {
    if (auto time = parse_rfc3339(find_string(object, {"status", field}))) return time;
  }
  return std::nullopt;
}

bool has(const json::object& object, Names fields) {
  return std::ranges::any_of(
      fields, [&](std::string_view field) { return !find_string(object, {"status", field}).empty(); });
}

// ---- words ----

// In order of weight: the heaviest of all that a status says counts. A retry weighs most, since it follows a failure.
// Settled: not the end of a job, but nothing to wait for either (a claim that is Bound).
enum class Word : std::uint8_t { None, Settled, Other, Pending, Running, Succeeded, Failed, Again };

bool one_of(std::string_view word, Names words) {
  return std::ranges::find(words, word) != words.end();
}

Word meaning(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (word.empty()) return Word::None;
  if (one_of(word, {"succeeded", "success", "successful", "complete", "completed", "finished"}))
    return Word::Succeeded;
  if (one_of(word, {"failed", "failure", "error", "errored", "aborted", "terminated", "stopped", "canceled",
                    "cancelled"}))
    return Word::Failed;
  if (one_of(word, {"retrying", "restarting", "pending_rerun"})) return Word::Again;
  if (one_of(word, {"pending", "new", "submitted", "queued", "waiting"})) return Word::Pending;
  if (word == "running") return Word::Running;
  if (one_of(word, {"bound", "ready", "available", "healthy", "deployed"})) return Word::Settled;
  return Word::Other;
}

// What the fields say in which controllers put one word.
Word spoken(const json::object& object) {
  Word heaviest = Word::None;
  auto hear = [&](Names path) { heaviest = std::max(heaviest, meaning(find_string(object, path))); };
  hear({"status", "phase"});
  hear({"status", "state"});
  hear({"status", "state", "phase"});  // Volcano
  hear({"status", "jobStatus"});       // RayJob
  hear({"status", "jobDeploymentStatus"});
  hear({"status", "jobStatus", "state"});         // Flink
  hear({"status", "applicationState", "state"});  // Spark
  return heaviest;
}

// A word that tells where a job stands. Nothing: kstatus shall judge.
std::optional<Outcome> by_word(const json::object& object, Word word) {
  switch (word) {
    case Word::Succeeded:
      return Outcome{Phase::Succeeded, end_time(object)};
    case Word::Failed:
      return Outcome{Phase::Failed, end_time(object)};
    case Word::Again:
    case Word::Running:
      return Outcome{Phase::Running};
    case Word::Pending:
      return Outcome{Phase::Pending};
    case Word::None:
    case Word::Settled:
    case Word::Other:
      break;
  }
  return std::nullopt;
}

// ---- one way of telling each ----

Outcome job(const json::object& object) {
  if (auto c = met(object, {"Failed"})) return {Phase::Failed, c->since};
  if (auto c = met(object, {"Complete"})) return {Phase::Succeeded, c->since};
  bool started = find_int(object, {"status", "active"}).value_or(0) > 0;
  return {started ? Phase::Running : Phase::Pending};
}

Outcome phase_field(const json::object& object) {
  Word word = meaning(find_string(object, {"status", "phase"}));
  if (auto told = by_word(object, word)) return *told;
  return {word == Word::None ? Phase::Pending : Phase::Running};
}

bool is_outdated(const json::object& object) {
  auto seen = find_int(object, {"status", "observedGeneration"});
  auto wanted = find_int(object, {"metadata", "generation"});
  return seen && wanted && *seen != *wanted;
}

bool lacks_replicas(const json::object& object) {
  auto wanted = find_int(object, {"spec", "replicas"});
  bool counts =
      find_int(object, {"status", "replicas"}) || find_int(object, {"status", "unavailableReplicas"});
  return wanted && counts && find_int(object, {"status", "readyReplicas"}).value_or(0) < *wanted;
}

// What begins and ends. Succeeded is False in Tekton and all of Knative's kin when it has failed, Unknown before.
std::optional<Outcome> ends(const json::object& object) {
  if (auto c = met(object, {"Failed"})) return Outcome{Phase::Failed, c->since};
  if (auto c = met(object, {"Complete", "Completed", "Succeeded"}))
    return Outcome{Phase::Succeeded, c->since};
  Stand succeeded = condition(object, "Succeeded");
  if (succeeded.truth == Truth::False) return Outcome{Phase::Failed, succeeded.since};
  if (succeeded.truth == Truth::Unknown) return Outcome{Phase::Running};
  return by_word(object, spoken(object));
}

// What is as it should be, and in use: that is no end, so unless the object names one it stays.
Outcome in_place(const json::object& object, Phase phase, std::optional<ServiceTime> since = {}) {
  auto end = end_time(object);
  return {.phase = phase, .finished_at = end ? end : since, .stays = !end};
}

// What is kept as it should be. kstatus's conditions, in its order.
std::optional<Outcome> settles(const json::object& object) {
  if (met(object, {"Reconciling"}) || lacks_replicas(object)) return Outcome{Phase::Running};
  if (auto c = met(object, {"Stalled"})) return in_place(object, Phase::Failed, c->since);
  for (std::string_view type : {"Ready", "Available"}) {
    Stand c = condition(object, type);
    if (c.truth == Truth::True) return in_place(object, Phase::Succeeded, c.since);
    if (c.truth != Truth::Absent) return Outcome{Phase::Running};
  }
  return std::nullopt;
}

// It has a status that none of the rules knows. kstatus takes it for current; but what has a start and no end, or speaks
// of a state in other words, is more likely at work.
Outcome anything_else(const json::object& object) {
  Word word = spoken(object);
  if (word == Word::Settled) return in_place(object, Phase::Succeeded);
  if (auto end = end_time(object)) return {Phase::Succeeded, end};
  const json::array* some = conditions(object);
  bool works = word == Word::Other || (some && !some->empty()) || has(object, {"startTime", "startedAt"});
  if (works) return {Phase::Running};
  return {.phase = Phase::Succeeded, .stays = true};
}

bool has_any_status(const json::object& object) {
  const json::value* status = find(object, {"status"});
  return status && status->is_object() && !status->get_object().empty();
}

Outcome general(const json::object& object) {
  if (!has_any_status(object)) return {Phase::Pending};
  if (is_outdated(object)) return {Phase::Running};
  if (auto told = ends(object)) return *told;
  if (auto told = settles(object)) return *told;
  return anything_else(object);
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

Telling telling_of(std::string_view group, std::string_view kind, bool has_status) {
  if (group == "batch" && kind == "Job") return Telling::Job;
  if ((group == "argoproj.io" && kind == "Workflow") || (group.empty() && kind == "Pod"))
    return Telling::Phase;
  bool always_current = group == "batch" && kind == "CronJob";  // its status may stay empty for a year
  return has_status && !always_current ? Telling::General : Telling::Nothing;
}

namespace {

Outcome stand_of(const json::object& object, Telling telling) {
  switch (telling) {
    case Telling::Job:
      return job(object);
    case Telling::Phase:
      return phase_field(object);
    case Telling::General:
      return general(object);
    case Telling::Nothing:
      if (has_any_status(object)) return general(object);
      return {.phase = Phase::Succeeded, .stays = true};
  }
  return {};
}

}  // namespace

Outcome outcome_of(const json::object& object, Telling telling) {
  Outcome outcome = stand_of(object, telling);
  if (outcome.phase == Phase::Failed) outcome.failure = failure_of(object);
  return outcome;
}

}  // namespace abo::report
