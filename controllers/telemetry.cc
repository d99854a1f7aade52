#include "controllers/telemetry.h"

#include <fmt/format.h>

#include <algorithm>

namespace abo::controllers {
namespace {

double seconds(std::chrono::milliseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

Telemetry::Telemetry(runtime::Logger& log, OperatorMetrics& metrics, WatcherGauges& gauges,
                     kube::EventRecorder& events, const Clock& clock)
    : log_(log), metrics_(metrics), gauges_(gauges), events_(events), clock_(clock) {}

void Telemetry::triggered(const WatcherRow& row, const report::TriggeredJob& job, bool existed,
                          std::chrono::milliseconds latency) {
  if (!row.gone) metrics_.triggered(row.ns, row.name, existed ? "existed" : "created");
  if (!existed) metrics_.trigger_latency.with().observe(std::max(0.0, seconds(latency)));
  log_.info(existed ? "resource exists already" : "resource created", {{"watcher", row.key()},
                                                                       {"kind", job.kind},
                                                                       {"name", job.name},
                                                                       {"blob", job.blob_name},
                                                                       {"etag", job.etag}});
  if (row.gone) return;
  tell(row, kube::EventType::Normal, "BlobTriggered",
       fmt::format("{} {} for blob {} (ETag {})", job.kind, job.name, job.blob_name, job.etag));
}

void Telemetry::set_aside(const WatcherRow& row, const listing::BlobItem& blob, const Error& error) {
  metrics_.set_aside.with({std::string(to_string(error.reason))}).add();
  log_.warn("blob set aside", {{"watcher", row.key()},
                               {"blob", blob.name},
                               {"etag", blob.etag},
                               {"reason", to_string(error.reason)},
                               {"error", error.message}});
  if (row.gone) return;
  tell(row, kube::EventType::Warning, "BlobSetAside",
       fmt::format("Blob {} will not be triggered ({}): {}", blob.name, to_string(error.reason),
                   error.message));
}

void Telemetry::create_failed(const WatcherRow& row, const listing::BlobItem& blob, const Error& error) {
  if (!row.gone) metrics_.triggered(row.ns, row.name, "failed");
  log_.warn("resource not created", {{"watcher", row.key()},
                                     {"blob", blob.name},
                                     {"reason", to_string(error.reason)},
                                     {"error", error.message}});
}

void Telemetry::replay_started(const WatcherRow& row, ServiceTime since) {
  std::string time = format_rfc3339(since);
  log_.info("replay started", {{"watcher", row.key()}, {"since", time}});
  tell(row, kube::EventType::Normal, "ReplayStarted",
       fmt::format("Replays blobs last modified since {}, oldest first", time));
}

void Telemetry::release_failed(const HeldRun& run, const Error& error, bool tell) {
  metrics_.release_failures.with().add();
  if (!tell) return;
  log_.warn("finalizer not removed yet; trying again",
            {{"namespace", run.ns}, {"name", run.name}, {"error", error.message}});
}

void Telemetry::released(const HeldRun& run) {
  if (run.release_failures == 0) return;
  log_.info("finalizer removed after all", {{"namespace", run.ns}, {"name", run.name}});
}

void Telemetry::listing(const WatcherRow& row, std::int64_t blobs, std::chrono::seconds so_far) {
  log_.info("listing goes on", {{"watcher", row.key()}, {"blobs", blobs}, {"seconds", so_far.count()}});
}

void Telemetry::history_deleted(const WatcherRow& row, std::size_t count) {
  log_.info("finished resources deleted, as the history limits want it",
            {{"watcher", row.key()}, {"count", static_cast<std::int64_t>(count)}});
}

void Telemetry::history_failed(const WatcherRow& row, const Error& error, bool tell_it) {
  if (row.gone || !tell_it) return;
  log_.warn("finished resources not deleted yet; trying again",
            {{"watcher", row.key()}, {"reason", to_string(error.reason)}, {"error", error.message}});
  if (disposition(error) != Disposition::StallUntilChanged) return;
  tell(row, kube::EventType::Warning, std::string(to_string(error.reason)),
       fmt::format("Finished resources beyond the history limits are not deleted: {}", error.message));
}

void Telemetry::polled(WatcherRow& row, const PassNumbers& numbers) {
  if (row.gone) return;
  WatcherFigures& figures = row.figures;
  figures.active = numbers.runs.active;
  if (numbers.verdict.health == report::Health::Suspended) return;
  bool ready = numbers.verdict.health == report::Health::Ready;
  figures.health = ready ? WatcherFigures::Health::Ready : WatcherFigures::Health::NotReady;
  if (numbers.complete) {  // else what waits is what waited before
    figures.pending = numbers.pending;
    figures.oldest_pending = numbers.oldest_pending.value_or(ServiceTime{});
  }
  if (ready) figures.last_success = clock_.wall();
  metrics_.polled(row.ns, row.name, ready ? "success" : to_string(numbers.verdict.reason));
  metrics_.poll_duration.with().observe(seconds(numbers.duration));
  metrics_.blobs_listed.with().add(static_cast<double>(numbers.listed));
  metrics_.blobs_matched.with().add(static_cast<double>(numbers.matched));
  if (log_.enabled(runtime::LogLevel::Debug)) {
    log_.debug("polled", {{"watcher", row.key()},
                          {"listed", numbers.listed},
                          {"matched", numbers.matched},
                          {"triggered", numbers.triggered},
                          {"pending", numbers.pending},
                          {"milliseconds", static_cast<std::int64_t>(numbers.duration.count())}});
  }
}

// Each failing poll, for whoever looks closely; that the watcher turned is told once, by turned().
void Telemetry::poll_failed(const WatcherRow& row, const Error& error) {
  log_.debug("poll failed", {{"watcher", row.key()},
                             {"reason", to_string(error.reason)},
                             {"error", error.message},
                             {"request", error.trace}});
}

void Telemetry::report_failed(const WatcherRow& row, const Error& error) {
  if (row.gone || !is_news(report_failures_[row.uid], error)) return;
  log_.warn("status not written, trying again",
            {{"watcher", row.key()}, {"reason", to_string(error.reason)}, {"error", error.message}});
}

void Telemetry::turned(const WatcherRow& row, const report::Verdict& verdict) {
  bool well = verdict.health == report::Health::Ready || verdict.health == report::Health::Suspended;
  if (well) {
    log_.info("watcher",
              {{"watcher", row.key()}, {"reason", to_string(verdict.reason)}, {"detail", verdict.message}});
  } else {
    log_.warn("watcher",
              {{"watcher", row.key()}, {"reason", to_string(verdict.reason)}, {"detail", verdict.message}});
  }
  tell(row, well ? kube::EventType::Normal : kube::EventType::Warning, std::string(to_string(verdict.reason)),
       verdict.message);
}

void Telemetry::credential_expiring(const WatcherRow& row, const std::string& warning) {
  log_.warn("credential expiring", {{"watcher", row.key()}, {"detail", warning}});
  tell(row, kube::EventType::Warning, "CredentialExpiring", warning);
}

void Telemetry::api_away(const Error& error) {
  log_.warn("the API server is away; nothing is begun until it is back", {{"error", error.message}});
}

void Telemetry::api_back() {
  log_.info("the API server is back");
}

void Telemetry::watch_restarted() {
  metrics_.kubernetes_watch_restarts.with().add();
}

// The same failure again is told once a minute: a kind that is not served fails for as long as the operator runs.
bool Telemetry::is_news(LastFailure& last, const Error& error) const {
  MonoTime now = clock_.mono();
  if (last.message == error.message && now - last.told < std::chrono::minutes{1}) return false;
  last = {error.message, now};
  return true;
}

void Telemetry::watch_failed(std::string_view what, const Error& error) {
  if (!is_news(watch_failures_[std::string(what)], error)) return;
  log_.warn("watch failed, trying again",
            {{"resource", what}, {"reason", to_string(error.reason)}, {"error", error.message}});
}

void Telemetry::bug(std::string_view what) {
  metrics_.bugs.with().add();
  log_.error("internal error", {{"error", what}});
}

void Telemetry::forget(const WatcherRow& row) {
  metrics_.forget(row.ns, row.name);
  gauges_.remove(row);
  report_failures_.erase(row.uid);
}

void Telemetry::tell(const WatcherRow& row, kube::EventType type, std::string reason, std::string message) {
  events_.record({.object = {"mlops.example.com/v1alpha1", "AzureBlobWatcher", row.ns, row.name, row.uid},
                  .type = type,
                  .reason = std::move(reason),
                  .message = std::move(message)});
}

}  // namespace abo::controllers
