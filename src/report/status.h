// The status document of a watcher, decoded, changed as a value, and encoded again. What a status held that
// this version does not know is dropped, but for the checkpoint, which is carried as it is: src/checkpoint
// reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/reason.h"
#include "base/time.h"

namespace abo::report {

struct Condition {
  std::string type;    // "Ready", "Reconciling", "Stalled"
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;
  std::string last_transition_time;
  std::int64_t observed_generation = 0;
  friend bool operator==(const Condition&, const Condition&) = default;
};

struct LastPoll {
  std::int64_t listed = 0;
  std::int64_t matched = 0;
  std::int64_t triggered = 0;
  std::int64_t duration_milliseconds = 0;
};

struct TriggeredJob {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string blob_name;
  std::string etag;
  std::string blob_last_modified;
  std::string triggered_at;
  std::string phase;
  std::string finished_at;
  std::string message{};  // of one that failed: why
  friend bool operator==(const TriggeredJob&, const TriggeredJob&) = default;
};

struct SetAsideBlob {
  std::string name;
  std::string etag;
  std::string reason;
  std::string message;
  friend bool operator==(const SetAsideBlob&, const SetAsideBlob&) = default;
};

struct Status {
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;
  std::string last_poll_time;
  std::string next_poll_time;
  std::string last_trigger_time;
  std::optional<LastPoll> last_poll;
  std::int64_t active = 0;
  std::int64_t pending = 0;
  std::int64_t triggered = 0;
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
  std::int64_t set_aside = 0;
  std::vector<TriggeredJob> triggered_jobs;   // newest first
  std::vector<SetAsideBlob> set_aside_blobs;  // newest first
  json::value checkpoint;                     // null when there is none
};

inline constexpr std::size_t max_set_aside_blobs = 20;

// Never fails: a field of the wrong type reads as absent, since a damaged status must not stop its watcher.
[[nodiscard]] Status status_from_json(const json::value& status);
// Cut to what the schema takes (api/v1alpha1/fit.h).
[[nodiscard]] json::object to_json(const Status& status);

// True when a reader would learn nothing new: equal but for the times and the duration of the last poll.
[[nodiscard]] bool says_the_same(const Status& a, const Status& b);

// Newest first, no longer than `limit`.
void remember(Status& status, TriggeredJob job, std::size_t limit);
void remember(Status& status, SetAsideBlob blob);

}  // namespace abo::report
