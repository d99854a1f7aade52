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

}  // namespace

std::vector<report::TriggeredJob> absorb(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                                         const std::vector<HeldRun>& held, const RunTracker& runs) {
  std::vector<report::TriggeredJob> found;
  for (const HeldRun& run : record(checkpoint, watcher_uid, held)) {
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

Task<Result<void>> sweep(Services& services, WatchId watch, std::string ns, std::string watcher_name) {
  kube::ListOptions options{.label_selector = fmt::format("{}={}", render::watcher_label,
                                                          render::watcher_label_value(watcher_name))};
  auto listed = co_await kube::list(
      services.kube, services.runs.resource_of(watch).path(ns), options, [&](json::object&& object) {
        // Held ones, also under a name that is known: the watch may still tell of an earlier object. What is not held is
        // recorded, and the watch's matter alone, which knows better by now what has gone.
        if (recording_finalizer_index(object))
          services.runs.store().upsert(watch, object, services.clock.mono());
        return Result<void>{};
      });
  if (!listed && listed.error().kind != ErrorKind::NotFound) co_return pass(listed);
  co_return Result<void>{};
}

namespace {

// So many in a row that could not be released speak for the rest: each may have taken as long as a request may.
constexpr std::size_t max_failures_in_a_row = 8;

struct ReleaseRound {
  bool away = false;  // the API server was found to be
  std::size_t failures_in_a_row = 0;

  [[nodiscard]] bool over() const { return away || failures_in_a_row >= max_failures_in_a_row; }
};

Task<void> release_one(Services& services, const HeldRun& run, ReleaseRound& round) {
  if (round.over() || !services.may_act()) co_return;
  auto removed = co_await remove_recording_finalizer(services.kube, services.runs.resource_of(run.watch), run,
                                                     0, services.may_act);
  if (removed) {
    round.failures_in_a_row = 0;
    services.runs.store().recorded(run.watch, run.ns, run.name, run.uid);
    services.telemetry.released(run);
  } else if (removed.error().kind != ErrorKind::Canceled) {
    ++round.failures_in_a_row;
    // An API server that is away is told of once, by others. But one broken kind can look the same, so it has its pause.
    round.away = api_is_away(removed.error());
    bool tell = run.release_failures == (round.away ? 1U : 0U);
    services.telemetry.release_failed(run, removed.error(), tell);
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
  ReleaseRound round;
  co_await concurrently(held.size(), requests_in_flight,
                        [&](std::size_t i) { return release_one(services, held[i], round); });
}

void try_later(const Services& services, const HeldRun& run) {
  auto pause = backoff(run.release_failures + 1, services.random());
  services.runs.store().release_failed(run, services.clock.mono() + pause);
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
