#include "controllers/operator_metrics.h"

#include "base/reason.h"

namespace abo::controllers {
namespace {

std::string named(std::string_view rest) {
  return "azure_blob_operator_" + std::string(rest);
}

std::vector<std::string> labels_with_result(bool per_watcher) {
  if (per_watcher) return {"namespace", "watcher", "result"};
  return {"result"};
}

}  // namespace

OperatorMetrics::OperatorMetrics(runtime::Registry& registry, bool per_watcher)
    : build_info(registry.gauge(named("build_info"), "1, labelled with the version that runs.", {"version"})),
      leader(
          registry.gauge(named("leader"), "1 while this replica polls and creates, 0 while it stands by.")),
      poll_duration(registry.histogram(
          named("poll_duration_seconds"), "Time from the start of a poll to its report.", {},
          {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300})),
      trigger_latency(registry.histogram(named("trigger_latency_seconds"),
                                         "Time from a blob's Last-Modified to the creation of its resource.",
                                         {},
                                         {.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 86400})),
      blobs_listed(registry.counter(named("blobs_listed_total"), "Blobs that listings showed.")),
      blobs_matched(registry.counter(named("blobs_matched_total"),
                                     "Listed blobs that passed their watcher's filters.")),
      set_aside(registry.counter(named("set_aside_total"), "Blobs that can never be triggered, by reason.",
                                 {"reason"})),
      azure_requests(registry.counter(named("azure_requests_total"),
                                      "Requests sent to Azure, by HTTP status.", {"operation", "code"})),
      azure_throttled(registry.counter(named("azure_throttled_total"),
                                       "Answers in which Azure asked for fewer requests.")),
      kubernetes_requests(registry.counter(named("kubernetes_requests_total"),
                                           "Requests sent to the API server, by HTTP status.",
                                           {"verb", "code"})),
      kubernetes_watch_restarts(registry.counter(named("kubernetes_watch_restarts_total"),
                                                 "Watches that were opened again after they ended.")),
      events_dropped(
          registry.counter(named("events_dropped_total"), "Kubernetes Events that could not be written.")),
      release_failures(registry.counter(named("release_failures_total"),
                                        "Failed tries to take our finalizer off a recorded resource.")),
      bugs(registry.counter(named("internal_errors_total"),
                            "Tasks that ended by an exception: each is a bug.")),
      polls_(registry.counter(named("polls_total"),
                              "Polls that ended, by result: success, or the reason of the failure.",
                              labels_with_result(per_watcher))),
      triggers_(
          registry.counter(named("triggers_total"),
                           "Resources, by result: created, existed (found from an earlier try), failed.",
                           labels_with_result(per_watcher))),
      registry_(registry),
      per_watcher_(per_watcher) {
  for (auto* family : {&blobs_listed, &blobs_matched, &azure_throttled, &kubernetes_watch_restarts,
                       &events_dropped, &release_failures, &bugs}) {
    family->with();
  }
  // An increase from nothing to 1 is none to Prometheus, so what may happen once in a long time begins with 0.
  for (Reason reason : {Reason::UnsafeName, Reason::TemplateError, Reason::Rejected, Reason::NameConflict}) {
    set_aside.with({std::string(to_string(reason))});
  }
  poll_duration.with();
  trigger_latency.with();
  build_info.with({ABO_VERSION}).set(1);
  leader.with().set(0);
}

std::vector<std::string> OperatorMetrics::values(std::string_view ns, std::string_view watcher,
                                                 std::string_view result) const {
  if (!per_watcher_) return {std::string(result)};
  return {std::string(ns), std::string(watcher), std::string(result)};
}

void OperatorMetrics::polled(std::string_view ns, std::string_view watcher, std::string_view result) {
  polls_.with(values(ns, watcher, result)).add();
}

void OperatorMetrics::triggered(std::string_view ns, std::string_view watcher, std::string_view result) {
  triggers_.with(values(ns, watcher, result)).add();
}

void OperatorMetrics::forget(std::string_view ns, std::string_view watcher) {
  registry_.remove({{"namespace", ns}, {"watcher", watcher}});
}

}  // namespace abo::controllers
