// For tests and checks: a registry as the operator has it, in which every metric has a series, so that its exposition
// shows all names and labels there are.
#pragma once

#include <string>

#include "controllers/operator_metrics.h"
#include "controllers/watcher_gauges.h"
#include "runtime/metrics.h"
#include "runtime/process_metrics.h"
#include "runtime/system_clock.h"

namespace abo::controllers {

class EverySeries {
 public:
  explicit EverySeries(bool per_watcher)
      : metrics_(registry_, per_watcher), gauges_(registry_, clock_, per_watcher) {
    runtime::add_process_metrics(registry_);
    auto now = std::chrono::floor<std::chrono::seconds>(clock_.wall());
    row_.ns = "ml";
    row_.name = "datasets";
    row_.figures = {.health = WatcherFigures::Health::Ready,
                    .active = 1,
                    .pending = 1,
                    .oldest_pending = now,
                    .last_success = now,
                    .credential_expires = now,
                    .expiry_told = {}};
    gauges_.add(row_);
    metrics_.polled(row_.ns, row_.name, "success");
    metrics_.triggered(row_.ns, row_.name, "created");
    metrics_.azure_requests.with({"ListBlobs", "200"}).add();
    metrics_.kubernetes_requests.with({"get", "200"}).add();
    metrics_.poll_duration.with().observe(0.01);
    metrics_.trigger_latency.with().observe(10);
  }

  [[nodiscard]] std::string expose() const { return registry_.expose(); }

 private:
  runtime::SystemClock clock_;
  runtime::Registry registry_;
  OperatorMetrics metrics_;
  WatcherGauges gauges_;
  WatcherRow row_;
};

}  // namespace abo::controllers
