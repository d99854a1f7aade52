// The operator's counters and histograms, named once (the gauges that speak of watchers are in watcher_gauges.h). Prefix
// azure_blob_operator_; never a label per blob, and histograms carry no watcher. Series of a watcher end with it; without
// per-watcher series the same counters are summed over all watchers and lack these two labels.
#pragma once

#include <string>
#include <string_view>

#include "runtime/metrics.h"

namespace abo::controllers {

class OperatorMetrics {
 public:
  explicit OperatorMetrics(runtime::Registry& registry, bool per_watcher = true);

  void polled(std::string_view ns, std::string_view watcher, std::string_view result);
  void triggered(std::string_view ns, std::string_view watcher, std::string_view result);

  runtime::Family<runtime::Gauge>& build_info;  // {version}
  runtime::Family<runtime::Gauge>& leader;      // 1 while this replica acts
  runtime::Family<runtime::Histogram>& poll_duration;
  runtime::Family<runtime::Histogram>& trigger_latency;
  runtime::Family<runtime::Counter>& blobs_listed;
  runtime::Family<runtime::Counter>& blobs_matched;
  runtime::Family<runtime::Counter>& set_aside;       // {reason}
  runtime::Family<runtime::Counter>& azure_requests;  // {operation,code}
  runtime::Family<runtime::Counter>& azure_throttled;
  runtime::Family<runtime::Counter>& kubernetes_requests;  // {verb,code}
  runtime::Family<runtime::Counter>& kubernetes_watch_restarts;
  runtime::Family<runtime::Counter>& events_dropped;
  runtime::Family<runtime::Counter>& release_failures;
  runtime::Family<runtime::Counter>& bugs;

  // Ends the series of one watcher.
  void forget(std::string_view ns, std::string_view watcher);

 private:
  [[nodiscard]] std::vector<std::string> values(std::string_view ns, std::string_view watcher,
                                                std::string_view result) const;

  runtime::Family<runtime::Counter>& polls_;     // {namespace,watcher,result}
  runtime::Family<runtime::Counter>& triggers_;  // {namespace,watcher,result}
  runtime::Registry& registry_;
  bool per_watcher_;
};

}  // namespace abo::controllers
