// What is told of the work, in one place: each method says one thing to the log, to the metrics and, where users should
// see it, as an Event. Nothing here can fail or wait, and no secret passes through: only names, reasons and messages.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/time.h"
#include "controllers/operator_metrics.h"
#include "controllers/pass_report.h"
#include "controllers/run_store.h"
#include "controllers/watcher_gauges.h"
#include "controllers/watcher_row.h"
#include "kube/events.h"
#include "listing/blob_item.h"
#include "report/conditions.h"
#include "report/status.h"
#include "runtime/log.h"

namespace abo::controllers {

class Telemetry {
 public:
  // All outlive it.
  Telemetry(runtime::Logger& log, OperatorMetrics& metrics, WatcherGauges& gauges,
            kube::EventRecorder& events, const Clock& clock);

  void triggered(const WatcherRow& row, const report::TriggeredJob& job, bool existed,
                 std::chrono::milliseconds latency);
  void set_aside(const WatcherRow& row, const listing::BlobItem& blob, const Error& error);
  void create_failed(const WatcherRow& row, const listing::BlobItem& blob, const Error& error);
  void replay_started(const WatcherRow& row, ServiceTime since);
  // Told when it begins to fail and when it has gone after all; each failure is counted.
  void release_failed(const HeldRun& run, const Error& error, bool tell);  // counted, and told if it is news
  void released(const HeldRun& run);
  // Finished resources beyond the history limits. The failure is counted as a request; told if it is news.
  void history_deleted(const WatcherRow& row, std::size_t count);
  void history_failed(const WatcherRow& row, const Error& error, bool tell);

  // A listing that is still going on.
  void listing(const WatcherRow& row, std::int64_t blobs, std::chrono::seconds so_far);
  void polled(WatcherRow& row, const PassNumbers& numbers);
  void poll_failed(const WatcherRow& row, const Error& error);
  void report_failed(const WatcherRow& row, const Error& error);
  void turned(const WatcherRow& row, const report::Verdict& verdict);
  void credential_expiring(const WatcherRow& row, const std::string& warning);

  // An outage of the API server, and its end.
  void api_away(const Error& error);
  void api_back();

  void watch_restarted();
  void watch_failed(std::string_view what, const Error& error);
  void bug(std::string_view what);

  // A watcher there is; its row stays where it is until it is forgotten.
  void know(const WatcherRow& row) { gauges_.add(row); }
  // The watcher is gone: its series and its memory here end.
  void forget(const WatcherRow& row);

 private:
  void tell(const WatcherRow& row, kube::EventType type, std::string reason, std::string message);

  runtime::Logger& log_;
  OperatorMetrics& metrics_;
  WatcherGauges& gauges_;
  kube::EventRecorder& events_;
  const Clock& clock_;
  struct LastFailure {
    std::string message;
    MonoTime told{};
  };
  [[nodiscard]] bool is_news(LastFailure& last, const Error& error) const;

  std::unordered_map<std::string, LastFailure> watch_failures_;   // by resource
  std::unordered_map<std::string, LastFailure> report_failures_;  // by watcher UID
};

}  // namespace abo::controllers
