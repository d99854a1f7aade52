#include "runtime/metrics.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <stdexcept>

#include "runtime/process_metrics.h"

namespace abo::runtime {
namespace {

TEST(Metrics, are_exposed_by_name_with_help_and_type) {
  Registry registry;
  auto& polls = registry.counter("polls_total", "Polls, by result.", {"watcher", "result"});
  polls.with({"a", "ok"}).add();
  polls.with({"a", "ok"}).add(2);
  polls.with({"a", "bad"}).add(0.5);
  registry.gauge("leader", "1 while leading.").with().set(1);
  EXPECT_EQ(registry.expose(),
            "# HELP leader 1 while leading.\n# TYPE leader gauge\nleader 1\n"
            "# HELP polls_total Polls, by result.\n# TYPE polls_total counter\n"
            "polls_total{watcher=\"a\",result=\"bad\"} 0.5\npolls_total{watcher=\"a\",result=\"ok\"} 3\n");
}

TEST(Metrics, histograms_cumulate_their_buckets) {
  Registry registry;
  auto& latency = registry.histogram("latency_seconds", "Time.", {"w"}, {0.5, 1, 2.5}).with({"x"});
  for (const double value : {0.25, 0.5, 0.75, 9.0}) latency.observe(value);
  EXPECT_EQ(registry.expose(),
            "# HELP latency_seconds Time.\n# TYPE latency_seconds histogram\n"
            "latency_seconds_bucket{w=\"x\",le=\"0.5\"} 2\nlatency_seconds_bucket{w=\"x\",le=\"1\"} 3\n"
            "latency_seconds_bucket{w=\"x\",le=\"2.5\"} 3\nlatency_seconds_bucket{w=\"x\",le=\"+Inf\"} 4\n"
            "latency_seconds_sum{w=\"x\"} 10.5\nlatency_seconds_count{w=\"x\"} 4\n");
}

TEST(Metrics, label_values_and_help_are_escaped) {
  Registry registry;
  registry.gauge("g", "a\\b\n\"c\"", {"l"})
      .with({"a\\b\n\"c\""})
      .set(std::numeric_limits<double>::infinity());
  EXPECT_EQ(registry.expose(), "# HELP g a\\\\b\\n\"c\"\n# TYPE g gauge\ng{l=\"a\\\\b\\n\\\"c\\\"\"} +Inf\n");
}

TEST(Metrics, the_series_of_a_watcher_end_with_it_in_every_family) {
  Registry registry;
  auto& polls = registry.counter("polls_total", "x", {"namespace", "watcher", "result"});
  auto& pending = registry.gauge("pending", "x", {"namespace", "watcher"});
  auto& leader = registry.gauge("leader", "x");
  auto& kept = polls.with({"ns", "b", "ok"});
  polls.with({"ns", "a", "ok"}).add();
  polls.with({"ns", "a", "bad"}).add();
  polls.with({"other", "a", "ok"}).add();
  pending.with({"ns", "a"}).set(1);
  leader.with().set(1);
  registry.remove({{"watcher", "a"}, {"namespace", "ns"}});
  EXPECT_EQ(polls.size(), 2U);
  EXPECT_EQ(pending.size(), 0U);
  EXPECT_EQ(leader.size(), 1U);
  kept.add();
  EXPECT_EQ(&kept, &polls.with({"ns", "b", "ok"})) << "a handle stays good while others go";
  EXPECT_EQ(polls.with({"ns", "a", "ok"}).value(), 0) << "a removed series begins anew";
}

TEST(Metrics, what_prometheus_would_refuse_is_a_bug_found_at_start) {
  Registry registry;
  registry.counter("a_total", "x", {"l"});
  EXPECT_THROW(registry.gauge("a_total", "x"), std::logic_error);
  EXPECT_THROW(registry.gauge("1a", "x"), std::logic_error);
  EXPECT_THROW(registry.gauge("a-b", "x"), std::logic_error);
  EXPECT_THROW(registry.gauge("b", "x", {"le"}), std::logic_error);
  EXPECT_THROW(registry.gauge("b", "x", {"__l"}), std::logic_error);
  EXPECT_THROW(registry.histogram("h", "x", {}, {1, 1}), std::logic_error);
  EXPECT_THROW(registry.histogram("h", "x", {}, {}), std::logic_error);
  EXPECT_THROW(registry.counter("b_total", "x", {"l"}).with({"1", "2"}), std::logic_error);
}

TEST(Metrics, updates_run_before_each_exposition) {
  Registry registry;
  auto& gauge = registry.gauge("g", "x").with();
  registry.on_scrape([&gauge] { gauge.add(1); });
  EXPECT_TRUE(registry.expose().ends_with("g 1\n"));
  EXPECT_TRUE(registry.expose().ends_with("g 2\n"));
}

double value_of(const std::string& text, const std::string& name) {
  const auto at = text.find("\n" + name + " ");
  if (at == std::string::npos) return std::numeric_limits<double>::quiet_NaN();
  return std::stod(text.substr(at + name.size() + 2));
}

TEST(ProcessMetrics, say_what_the_kernel_says_of_this_process) {
  Registry registry;
  add_process_metrics(registry);
  const std::string text = registry.expose();
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(value_of(text, "process_start_time_seconds"), now + 2);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), now - 3600);
  EXPECT_GE(value_of(text, "process_open_fds"), 3);
  EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GT(value_of(text, "process_virtual_memory_bytes"), value_of(text, "process_resident_memory_bytes"));
  EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
}

}  // namespace
}  // namespace abo::runtime
