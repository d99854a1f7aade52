#include "controllers/held_runs.h"

#include <fmt/format.h>

#include "controllers/api_outage.h"
#include "controllers/concurrently.h"
#include "controllers/finalizer.h"
#include "controllers/poll_schedule.h"
#include "kube/list.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

// A finalizer that may go, but waits for its record, is looked at again after this long.
constexpr std::chrono::seconds release_again{5};

MonoTime releasable_at(const Services& services, const HeldRun& run) {
  return std::max(run.seen + services.settings.recording_hold, run.not_before);
}

// True when the object stands for a version in that container: its key says so.
bool belongs(const HeldRun& run, std::string_view source, std::string_view watcher_uid) {
  return TriggerKey::of(watcher_uid, source, run.blob.name, run.blob.etag).hex() == run.trigger_key;
}

// The previous checkpoint of the run's container, or nullptr.
json::value* previous_of(json::array& previous, const HeldRun& run, std::string_view watcher_uid) {
  for (json::value& entry : previous) {
    if (entry.is_object() && belongs(run, find_string(entry.get_object(), {"source"}), watcher_uid))
      return &entry;
  }
  return nullptr;
}

// Marks one run done in the checkpoint of its container. False when that knew it, or when nobody remembers the
// container: then there is nothing to record it in.
bool record(checkpoint::Checkpoint& checkpoint, const HeldRun& run, std::string_view watcher_uid) {
  auto key = TriggerKey::from_hex(run.trigger_key);
  if (!key) return false;
  if (belongs(run, checkpoint.source, watcher_uid)) {
    if (checkpoint.is_done(*key, listing::view(run.blob))) return false;
    checkpoint.mark_done(*key, listing::view(run.blob));
    return true;
  }
  json::value* entry = previous_of(checkpoint.previous, run, watcher_uid);
  auto earlier =
      entry ? checkpoint::from_json(*entry) : Result<checkpoint::Checkpoint>(std::unexpected(Error{}));
  if (!earlier || earlier->is_done(*key, listing::view(run.blob))) return false;
  earlier->mark_done(*key, listing::view(run.blob));
  *entry = checkpoint::to_json(*earlier);
  return true;
}

}  // namespace

std::vector<report::TriggeredJob> absorb(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                                         const std::vector<HeldRun>& held, const RunTracker& runs) {
  std::vector<report::TriggeredJob> found;
  for (const HeldRun& run : held) {
    if (!record(checkpoint, run, watcher_uid)) continue;
    const kube::Resource& resource = runs.resource_of(run.watch);
    found.push_back({.api_version = resource.api_version(),
                     .kind = resource.kind,
                     .name = run.name,
                     .blob_name = run.blob.name,
                     .etag = run.blob.etag,
                     .blob_last_modified = format_rfc3339(run.blob.last_modified),
                     .triggered_at = {},
                     .phase = "Pending",
                     .finished_at = {}});
  }
  return found;
}

Task<Result<void>> sweep(Services& services, kube::Resource resource, WatchId watch, std::string ns,
                         std::string watcher_name) {
  kube::ListOptions options{.label_selector = fmt::format("{}={}", render::watcher_label,
                                                          render::watcher_label_value(watcher_name))};
  auto listed = co_await kube::list(services.kube, resource.path(ns), options, [&](json::object&& object) {
    // What the watch has told already is newer than a page of a list.
    bool known =
        services.runs.store().outcome(watch, ns, find_string(object, {"metadata", "name"})).has_value();
    if (!known) services.runs.store().upsert(watch, object, services.clock.mono());
    return Result<void>{};
  });
  if (!listed && listed.error().kind != ErrorKind::NotFound) co_return pass(listed);
  co_return Result<void>{};
}

namespace {

// `away`: whether the API server was found to be.
Task<void> release_one(Services& services, const HeldRun& run, bool& away) {
  if (away || !services.may_act()) co_return;
  auto removed = co_await remove_recording_finalizer(services.kube, services.runs.resource_of(run.watch), run,
                                                     0, services.may_act);
  if (removed) {
    services.runs.store().recorded(run.watch, run.ns, run.name, run.uid);
    services.telemetry.released(run);
  } else if (api_is_away(removed.error())) {
    away = true;
  } else if (removed.error().kind != ErrorKind::Canceled) {
    services.telemetry.release_failed(run, removed.error());
    try_later(services, run);
  }
}

}  // namespace

std::vector<HeldRun> releasable(const Services& services, std::vector<HeldRun> held) {
  MonoTime now = services.clock.mono();
  std::erase_if(held, [&](const HeldRun& run) { return releasable_at(services, run) > now; });
  return held;
}

Task<void> release(Services& services, std::vector<HeldRun> held) {
  held = releasable(services, std::move(held));
  bool away = false;
  co_await concurrently(held.size(), requests_in_flight,
                        [&](std::size_t i) { return release_one(services, held[i], away); });
}

void try_later(const Services& services, const HeldRun& run) {
  auto pause = backoff(run.release_failures + 1, services.random());
  services.runs.store().release_failed(run, services.clock.mono() + pause);
}

std::vector<HeldRun> recorded(const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                              std::vector<HeldRun> held) {
  checkpoint::Checkpoint scratch = checkpoint;
  std::erase_if(held, [&](const HeldRun& run) { return record(scratch, run, watcher_uid); });
  return held;
}

std::optional<MonoTime> next_release(const Services& services, std::string_view owner) {
  std::optional<MonoTime> next;
  for (const HeldRun& run : services.runs.store().held(owner)) {
    MonoTime due = releasable_at(services, run);
    if (!next || due < *next) next = due;
  }
  MonoTime now = services.clock.mono();
  if (next && *next <= now) next = now + release_again;
  return next;
}

}  // namespace abo::controllers
