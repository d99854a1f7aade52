// Every metric of the operator, named once. Prefix azure_blob_operator_; never a label per blob, and histograms carry
// no watcher, so that a thousand watchers cost a few series each. Series of a watcher end with it.
#pragma once

#include <string>
#include <string_view>

#include "runtime/metrics.h"

namespace abo::controllers {

class OperatorMetrics {
 public:
  explicit OperatorMetrics(runtime::Registry& registry);

  runtime::Family<runtime::Gauge>& build_info;  // {version}
  runtime::Family<runtime::Gauge>& leader;      // 1 while this replica acts
  runtime::Family<runtime::Gauge>& watchers;    // {ready}
  runtime::Family<runtime::Counter>& polls;     // {namespace,watcher,result}
  runtime::Family<runtime::Histogram>& poll_duration;
  runtime::Family<runtime::Histogram>& trigger_latency;
  runtime::Family<runtime::Counter>& blobs_listed;
  runtime::Family<runtime::Counter>& blobs_matched;
  runtime::Family<runtime::Counter>& triggers;            // {namespace,watcher,result}
  runtime::Family<runtime::Counter>& set_aside;           // {reason}
  runtime::Family<runtime::Gauge>& active_resources;      // {namespace,watcher}
  runtime::Family<runtime::Gauge>& pending_blobs;         // {namespace,watcher}
  runtime::Family<runtime::Gauge>& last_successful_poll;  // {namespace,watcher}
  runtime::Family<runtime::Counter>& azure_requests;      // {operation,code}
  runtime::Family<runtime::Counter>& azure_throttled;
  runtime::Family<runtime::Counter>& kubernetes_requests;  // {verb,code}
  runtime::Family<runtime::Counter>& kubernetes_watch_restarts;
  runtime::Family<runtime::Counter>& events_dropped;
  runtime::Family<runtime::Counter>& release_failures;
  runtime::Family<runtime::Counter>& bugs;

  // Ends the series of one watcher.
  void forget(std::string_view ns, std::string_view watcher);

 private:
  runtime::Registry& registry_;
};

}  // namespace abo::controllers
