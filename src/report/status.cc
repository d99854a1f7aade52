#include "report/status.h"

#include <algorithm>

#include "api/v1alpha1/fit.h"

namespace abo::report {
namespace {

std::string text(const json::object& object, std::string_view key) {
  return std::string(find_string(object, {key}));
}
std::int64_t number(const json::object& object, std::string_view key) {
  return find_int(object, {key}).value_or(0);
}

// Calls `read` with every object of the list under `key`.
template <class Read>
void each(const json::object& object, std::string_view key, Read read) {
  const json::array* list = find_array(object, {key});
  if (!list) return;
  for (const json::value& entry : *list) {
    if (const json::object* fields = entry.if_object()) read(*fields);
  }
}

Condition read_condition(const json::object& c) {
  return {text(c, "type"),
          text(c, "status"),
          text(c, "reason"),
          text(c, "message"),
          text(c, "lastTransitionTime"),
          number(c, "observedGeneration")};
}

TriggeredJob read_job(const json::object& j) {
  return {text(j, "apiVersion"),  text(j, "kind"),  text(j, "name"),
          text(j, "blobName"),    text(j, "etag"),  text(j, "blobLastModified"),
          text(j, "triggeredAt"), text(j, "phase"), text(j, "finishedAt"),
          text(j, "message")};
}

void put(json::object& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

json::value write(const Condition& c) {
  return json::object{{"type", c.type},
                      {"status", c.status},
                      {"reason", c.reason},
                      {"message", c.message},
                      {"lastTransitionTime", c.last_transition_time},
                      {"observedGeneration", c.observed_generation}};
}

json::value write(const TriggeredJob& j) {
  json::object out{
      {"apiVersion", j.api_version}, {"kind", j.kind}, {"name", j.name}, {"blobName", j.blob_name}};
  put(out, "etag", j.etag);
  put(out, "blobLastModified", j.blob_last_modified);
  put(out, "triggeredAt", j.triggered_at);
  put(out, "phase", j.phase);
  put(out, "finishedAt", j.finished_at);
  put(out, "message", j.message);
  return out;
}

json::value write(const SetAsideBlob& b) {
  return json::object{{"name", b.name}, {"etag", b.etag}, {"reason", b.reason}, {"message", b.message}};
}

template <class T>
json::array write_all(const std::vector<T>& list) {
  json::array out;
  for (const T& entry : list) out.push_back(write(entry));
  return out;
}

auto counts(const Status& s) {
  return std::tuple{s.observed_generation, s.active, s.pending,  s.triggered,
                    s.succeeded,           s.failed, s.set_aside};
}

auto findings(const Status& s) {
  return s.last_poll ? std::tuple{true, s.last_poll->listed, s.last_poll->matched, s.last_poll->triggered}
                     : std::tuple{false, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}};
}

}  // namespace

Status status_from_json(const json::value& value) {
  Status out;
  const json::object* status = value.if_object();
  if (!status) return out;
  out.observed_generation = number(*status, "observedGeneration");
  each(*status, "conditions", [&](const json::object& c) { out.conditions.push_back(read_condition(c)); });
  out.last_poll_time = text(*status, "lastPollTime");
  out.next_poll_time = text(*status, "nextPollTime");
  out.last_trigger_time = text(*status, "lastTriggerTime");
  if (const json::object* poll = find_object(*status, {"lastPoll"})) {
    out.last_poll = {number(*poll, "listed"), number(*poll, "matched"), number(*poll, "triggered"),
                     number(*poll, "durationMilliseconds")};
  }
  out.active = number(*status, "active");
  out.pending = number(*status, "pending");
  out.triggered = number(*status, "triggered");
  out.succeeded = number(*status, "succeeded");
  out.failed = number(*status, "failed");
  out.set_aside = number(*status, "setAside");
  each(*status, "triggeredJobs", [&](const json::object& j) { out.triggered_jobs.push_back(read_job(j)); });
  each(*status, "setAsideBlobs", [&](const json::object& b) {
    out.set_aside_blobs.push_back({text(b, "name"), text(b, "etag"), text(b, "reason"), text(b, "message")});
  });
  if (const json::value* checkpoint = status->if_contains("checkpoint")) out.checkpoint = *checkpoint;
  return out;
}

json::object to_json(const Status& s) {
  json::object out{{"observedGeneration", s.observed_generation},
                   {"conditions", write_all(s.conditions)},
                   {"active", s.active},
                   {"pending", s.pending},
                   {"triggered", s.triggered},
                   {"succeeded", s.succeeded},
                   {"failed", s.failed},
                   {"setAside", s.set_aside}};
  put(out, "lastPollTime", s.last_poll_time);
  put(out, "nextPollTime", s.next_poll_time);
  put(out, "lastTriggerTime", s.last_trigger_time);
  if (s.last_poll) {
    out["lastPoll"] = json::object{{"listed", s.last_poll->listed},
                                   {"matched", s.last_poll->matched},
                                   {"triggered", s.last_poll->triggered},
                                   {"durationMilliseconds", s.last_poll->duration_milliseconds}};
  }
  if (!s.triggered_jobs.empty()) out["triggeredJobs"] = write_all(s.triggered_jobs);
  if (!s.set_aside_blobs.empty()) out["setAsideBlobs"] = write_all(s.set_aside_blobs);
  api::fit_status(out);
  if (!s.checkpoint.is_null()) out["checkpoint"] = s.checkpoint;
  return out;
}

bool says_the_same(const Status& a, const Status& b) {
  return counts(a) == counts(b) && findings(a) == findings(b) && a.conditions == b.conditions &&
         a.last_trigger_time == b.last_trigger_time && a.triggered_jobs == b.triggered_jobs &&
         a.set_aside_blobs == b.set_aside_blobs && a.last_poll_time.empty() == b.last_poll_time.empty();
}

void remember(Status& status, TriggeredJob job, std::size_t limit) {
  auto& jobs = status.triggered_jobs;
  std::erase_if(jobs, [&](const TriggeredJob& j) {
    return j.api_version == job.api_version && j.kind == job.kind && j.name == job.name && j.etag == job.etag;
  });
  jobs.insert(jobs.begin(), std::move(job));
  if (jobs.size() > limit) jobs.resize(limit);
}

void remember(Status& status, SetAsideBlob blob) {
  auto& blobs = status.set_aside_blobs;
  std::erase_if(blobs, [&](const SetAsideBlob& b) { return b.name == blob.name && b.etag == blob.etag; });
  blobs.insert(blobs.begin(), std::move(blob));
  if (blobs.size() > max_set_aside_blobs) blobs.resize(max_set_aside_blobs);
}

}  // namespace abo::report
