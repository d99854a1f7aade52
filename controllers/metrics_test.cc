// Every metric moves when it should, on the whole controller with fake services; and docs/metrics.md names exactly those
// there are. What only the process counts (requests, the lease, Events) is in tests/component/test_metrics.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/base64.h"
#include "controllers/every_series.h"
#include "controllers/fake_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

const std::string prefix = "azure_blob_operator_";
const std::string alpha = R"({namespace="ml",watcher="alpha"})";

// The value of a series, as it is exposed; nothing when there is none.
std::optional<double> value_in(const std::string& exposition, const std::string& series) {
  std::istringstream lines(exposition);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(prefix + series + " ")) return std::stod(line.substr(line.rfind(' ')));
  }
  return std::nullopt;
}

struct Metrics : testing::Test {
  FakeWorld world;

  std::optional<double> value(const std::string& series) const {
    return value_in(world.registry.expose(), series);
  }
  double now() const { return std::chrono::duration<double>(world.time.wall().time_since_epoch()).count(); }
  void refuse_jobs(int code, const std::string& reason, const std::string& message) {
    world.cluster.rule = [=](const std::string& what) -> std::optional<FakeCluster::Answer> {
      if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
      return FakeCluster::status(code, reason, {}, message);
    };
  }
  // A Secret with a SAS that ends then.
  void put_sas(ServiceTime end) {
    if (world.cluster.served.size() == 2) world.cluster.served.push_back({"/api/v1", "secrets", "Secret"});
    std::string token = "sv=2024-11-04&sr=c&sp=rl&se=" + format_rfc3339(end) + "&sig=c2VjcmV0";
    world.cluster.put("/api/v1/namespaces/ml/secrets/azure",
                      {{"metadata", {{"namespace", "ml"}, {"name", "azure"}}},
                       {"data", {{"sasToken", base64_encode(token)}}}});
  }
  ServiceTime in(std::chrono::seconds time) const {
    return std::chrono::floor<std::chrono::seconds>(world.time.wall()) + time;
  }
  std::string message(const std::string& name) const {
    const json::array* conditions =
        find_array(*world.cluster.find_object(FakeWorld::path(name)), {"status", "conditions"});
    for (const json::value& one : *conditions) {
      if (find_string(one.as_object(), {"type"}) == "Ready")
        return std::string(find_string(one.as_object(), {"message"}));
    }
    return "";
  }
};

// ---- polls ----

TEST_F(Metrics, polls_are_counted_by_how_they_ended) {
  world.add("alpha");
  world.start();
  world.run_for(1s);
  EXPECT_EQ(value(R"(polls_total{namespace="ml",watcher="alpha",result="success"})"), 1);
  EXPECT_EQ(value("poll_duration_seconds_count"), 1);
  EXPECT_EQ(value("last_successful_poll_timestamp_seconds" + alpha), now() - 1);
  EXPECT_EQ(value("poll_interval_seconds" + alpha), 60);
  EXPECT_EQ(value("watcher_ready" + alpha), 1);
  world.blobs.rule = [](const std::string&) { return FakeBlobs::failure(503); };
  world.run_for(2min);
  EXPECT_GE(value(R"(polls_total{namespace="ml",watcher="alpha",result="Throttled"})"), 1);
  EXPECT_EQ(value("watcher_ready" + alpha), 0);
  EXPECT_EQ(value("last_successful_poll_timestamp_seconds" + alpha), now() - 121);
}

TEST_F(Metrics, watchers_are_counted_by_how_their_last_poll_ended) {
  world.blobs.hold = [](const std::string& account) { return account == "hangs"; };
  world.blobs.rule = [](const std::string& account) -> std::optional<Result<net::Response>> {
    if (account == "broken") return FakeBlobs::failure(503);
    return std::nullopt;
  };
  for (const char* name : {"good", "better", "broken", "hangs"}) world.add(name);
  world.add("rests", {{"suspend", true}});
  world.start();
  world.run_for(5s);
  EXPECT_EQ(value(R"(watchers{ready="true"})"), 2);
  EXPECT_EQ(value(R"(watchers{ready="false"})"), 1);
  EXPECT_EQ(value(R"(watchers{ready="unknown"})"), 1);
  EXPECT_EQ(value(R"(watchers{ready="suspended"})"), 1);
  world.edit("broken", {{"suspend", true}});
  world.cluster.remove(FakeWorld::path("better"));
  world.run_for(1s);
  EXPECT_EQ(value(R"(watchers{ready="true"})"), 1);
  EXPECT_EQ(value(R"(watchers{ready="false"})"), 0);
  EXPECT_EQ(value(R"(watchers{ready="suspended"})"), 2);
  world.blobs.let_go();
  world.run_for(1s);
}

TEST_F(Metrics, nothing_is_expected_of_a_suspended_watcher) {
  world.add("alpha", {{"maxActive", 1}});
  for (const char* blob : {"a.csv", "b.csv"}) world.blobs.upload("alpha", blob);
  world.start();
  world.run_for(1s);
  EXPECT_EQ(value("pending_blobs" + alpha), 1);
  world.edit("alpha", {{"suspend", true}});
  world.run_for(1s);
  for (const char* name :
       {"poll_interval_seconds", "watcher_ready", "pending_blobs", "oldest_pending_seconds"})
    EXPECT_EQ(value(name + alpha), std::nullopt) << name;
  EXPECT_EQ(value("active_resources" + alpha), 1);
}

// ---- blobs ----

TEST_F(Metrics, a_blobs_way_is_counted_from_the_listing_to_the_resource) {
  world.add("alpha", {{"blobPattern", "csv$"}});
  for (const char* blob : {"a.csv", "b.csv", "c.txt"}) world.blobs.upload("alpha", blob);
  world.time.move_to(world.time.mono() + 7s);
  world.start();
  world.run_for(1s);
  EXPECT_GE(value("blobs_listed_total"), 3);
  EXPECT_EQ(*value("blobs_matched_total") * 3, *value("blobs_listed_total") * 2);
  EXPECT_EQ(value(R"(triggers_total{namespace="ml",watcher="alpha",result="created"})"), 2);
  EXPECT_EQ(value("trigger_latency_seconds_count"), 2);
  EXPECT_EQ(value(R"(trigger_latency_seconds_bucket{le="5"})"), 0);
  EXPECT_EQ(value(R"(trigger_latency_seconds_bucket{le="10"})"), 2);
  EXPECT_EQ(value("active_resources" + alpha), 2);
  EXPECT_EQ(value("pending_blobs" + alpha), 0);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 0);
}

TEST_F(Metrics, a_blob_that_waits_grows_older_between_polls) {
  world.add("alpha", {{"maxActive", 1}, {"pollingIntervalSeconds", 3600}});
  world.blobs.upload("alpha", "a.csv");
  world.time.move_to(world.time.mono() + 2s);
  world.blobs.upload("alpha", "b.csv");
  world.time.move_to(world.time.mono() + 2s);
  world.blobs.upload("alpha", "c.csv");
  world.start();
  world.run_for(1s);
  EXPECT_EQ(value("active_resources" + alpha), 1);
  EXPECT_EQ(value("pending_blobs" + alpha), 2);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 3);
  world.run_for(10min);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 603);
}

TEST_F(Metrics, a_blob_whose_creation_fails_waits_and_is_counted) {
  refuse_jobs(403, "Forbidden", "exceeded quota: jobs");
  world.add("alpha", {{"maxActive", 0}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(30s);
  EXPECT_GE(value(R"(triggers_total{namespace="ml",watcher="alpha",result="failed"})"), 2);
  EXPECT_EQ(value("pending_blobs" + alpha), 1);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 30);
  world.cluster.rule = {};
  world.run_for(1min);
  EXPECT_EQ(value("pending_blobs" + alpha), 0);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 0);
}

TEST_F(Metrics, a_poll_that_fails_does_not_hide_the_backlog) {
  world.add("alpha", {{"maxActive", 1}});
  for (const char* blob : {"a.csv", "b.csv"}) world.blobs.upload("alpha", blob);
  world.start();
  world.run_for(1s);
  world.blobs.rule = [](const std::string&) { return FakeBlobs::failure(503); };
  world.run_for(5min);
  EXPECT_EQ(world.reason("alpha"), "Throttled");
  EXPECT_EQ(value("pending_blobs" + alpha), 1);
  EXPECT_EQ(value("oldest_pending_seconds" + alpha), 301);
}

TEST_F(Metrics, a_blob_that_is_set_aside_is_counted_by_its_reason) {
  EXPECT_EQ(value(R"(set_aside_total{reason="UnsafeName"})"), 0) << "so that the first one is an increase";
  world.cluster.served.push_back({"/apis/argoproj.io/v1alpha1", "workflows", "Workflow"});
  world.add("alpha",
            {{"jobTemplate",
              {{"kind", "Workflow"},
               {"template",
                "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  name: flow-${BLOB_HASH}\n"
                "spec:\n  blob: ${BLOB_NAME}\n"}}}});
  world.blobs.upload("alpha", "{{=1+1}}.csv");
  world.start();
  world.run_for(2min);
  EXPECT_EQ(value(R"(set_aside_total{reason="UnsafeName"})"), 1);
  EXPECT_EQ(value("pending_blobs" + alpha), 0);
}

// ---- the credential ----

TEST_F(Metrics, a_sas_says_when_it_ends_and_its_last_week_is_told_once) {
  put_sas(in(8 * 24h));
  double end = now() + 8 * 86400;
  world.add("alpha", {{"credentialsSecret", "azure"}, {"pollingIntervalSeconds", 600}});
  world.start();
  world.run_for(23h);
  EXPECT_EQ(value("credential_expiry_timestamp_seconds" + alpha), end);
  EXPECT_THAT(message("alpha"), Not(HasSubstr("expires")));
  EXPECT_THAT(world.log_lines_with("credential expiring"), IsEmpty());
  world.settings.idle_status_interval = 1000h;
  world.run_for(2h);
  std::string warning = "the SAS in Secret \"azure\" expires at 2026-11-30T05:30:00Z";
  EXPECT_THAT(message("alpha"), HasSubstr("Warning: " + warning));
  std::size_t writes = world.cluster.times_of("PUT").size();
  world.run_for(24h);
  EXPECT_EQ(world.cluster.times_of("PUT").size(), writes)
      << "the warning stays the same, and is not written anew";
  EXPECT_THAT(world.log_lines_with("credential expiring"), SizeIs(1)) << "as its Event";
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
  world.run_for(7 * 24h);
  EXPECT_EQ(world.reason("alpha"), "SasExpired");
  EXPECT_EQ(value("credential_expiry_timestamp_seconds" + alpha), end) << "it has ended, and that is said";
}

TEST_F(Metrics, a_new_sas_ends_the_warning) {
  put_sas(in(24h));
  world.add("alpha", {{"credentialsSecret", "azure"}, {"pollingIntervalSeconds", 600}});
  world.start();
  world.run_for(1s);
  EXPECT_THAT(message("alpha"), HasSubstr("expires"));
  put_sas(in(90 * 24h));
  world.run_for(20min);
  EXPECT_THAT(message("alpha"), Not(HasSubstr("expires")));
  EXPECT_GT(value("credential_expiry_timestamp_seconds" + alpha), now() + 80 * 86400);
}

TEST_F(Metrics, an_operator_that_takes_over_does_not_tell_of_the_same_end_again) {
  put_sas(in(24h));
  json::object told = FakeWorld::watcher("alpha", {{"credentialsSecret", "azure"}});
  told["status"] = {
      {"conditions", json::array{json::object{{"type", "Ready"},
                                              {"status", "True"},
                                              {"reason", "PollSucceeded"},
                                              {"message", "The last poll succeeded. Warning: " +
                                                              credential_warning_text("azure", in(24h))}}}}};
  world.cluster.put(FakeWorld::path("alpha"), told);
  world.start();
  world.run_for(5min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
  EXPECT_THAT(world.log_lines_with("credential expiring"), IsEmpty());
}

// ---- the rest ----

TEST_F(Metrics, what_goes_wrong_inside_is_counted) {
  world.telemetry.bug("a bug");
  world.telemetry.watch_restarted();
  world.telemetry.release_failed({}, {ErrorKind::Internal, Reason::Internal, "no"}, false);
  for (const char* name :
       {"internal_errors_total", "kubernetes_watch_restarts_total", "release_failures_total"})
    EXPECT_EQ(value(name), 1) << name;
}

TEST_F(Metrics, events_that_find_no_room_are_counted) {
  for (int i = 0; i < 600; ++i) {
    WatcherRow row;
    row.ns = "ml";
    row.name = row.uid = fmt::format("w{}", i);
    world.telemetry.turned(row, {report::Health::Ready, Reason::PollSucceeded, "well"});
  }
  EXPECT_EQ(value("events_dropped_total"), 600 - 512) << "nobody writes them here";
}

TEST(SummedMetrics, carry_no_watcher_and_are_summed_or_the_extreme) {
  runtime::Registry registry;
  OperatorMetrics metrics(registry, false);
  ScriptedTime time;
  WatcherGauges gauges(registry, time, false);
  auto now = std::chrono::floor<std::chrono::seconds>(time.wall());
  EXPECT_EQ(value_in(registry.expose(), "pending_blobs"), 0);
  EXPECT_EQ(value_in(registry.expose(), "poll_interval_seconds"), std::nullopt);
  WatcherRow a, b, fresh;
  for (auto [row, name] : {std::pair{&a, "a"}, {&b, "b"}, {&fresh, "fresh"}}) {
    row->ns = "ml";
    row->name = name;
    gauges.add(*row);
  }
  a.figures = {WatcherFigures::Health::Ready, 1, 2, now - 10s, now - 5s, now + 100s, {}};
  b.figures = {WatcherFigures::Health::NotReady, 10, 20, now - 20s, now - 50s, now + 50s, {}};
  b.interval = 30s;
  for (const WatcherRow* row : {&a, &b}) {
    metrics.polled(row->ns, row->name, "success");
    metrics.triggered(row->ns, row->name, "created");
  }
  double wall = std::chrono::duration<double>(now.time_since_epoch()).count();
  std::map<std::string, double> expected{{"active_resources", 11},
                                         {"pending_blobs", 22},
                                         {"oldest_pending_seconds", 20},
                                         {"last_successful_poll_timestamp_seconds", wall - 5},
                                         {"poll_interval_seconds", 30},
                                         {"credential_expiry_timestamp_seconds", wall + 50},
                                         {R"(polls_total{result="success"})", 2},
                                         {R"(triggers_total{result="created"})", 2},
                                         {R"(watchers{ready="true"})", 1},
                                         {R"(watchers{ready="false"})", 1},
                                         {R"(watchers{ready="unknown"})", 1}};
  std::string exposition = registry.expose();
  for (const auto& [series, expect] : expected) EXPECT_EQ(value_in(exposition, series), expect) << series;
  EXPECT_THAT(exposition, Not(HasSubstr("watcher=")));
  EXPECT_THAT(exposition, Not(HasSubstr("namespace=")));
}

// ---- the page about them ----

// Name to type and labels.
using Inventory = std::map<std::string, std::string>;

Inventory exposed() {
  std::istringstream lines(EverySeries(true).expose());
  Inventory out;
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      std::istringstream words(line.substr(7));
      std::string type;
      words >> name >> type;
      out[name] = type + ":?";
    } else if (!line.starts_with("#") && out[name].ends_with("?")) {
      std::string labels;
      for (std::size_t at = line.find('{'), end; at < line.rfind('}'); at = line.find("\",", end) + 1) {
        end = line.find('=', at);
        if (end == line.npos) break;
        std::string label = line.substr(at + 1, end - at - 1);
        if (label != "le") labels += " " + label;
        if (line.find("\",", end) == line.npos) break;
      }
      out[name].replace(out[name].size() - 1, 1, labels);
    }
  }
  return out;
}

std::string without(std::string text, std::string_view unwanted) {
  std::erase_if(text, [&](char c) { return unwanted.find(c) != unwanted.npos; });
  return text;
}

// | `name` | type | `label`, `label` | ...
Inventory documented() {
  std::ifstream page(ABO_SOURCE_DIR "/docs/metrics.md");
  Inventory out;
  for (std::string line; std::getline(page, line);) {
    std::istringstream cells(line);
    std::string empty, name, type, labels;
    if (!line.starts_with("| `")) continue;
    std::getline(std::getline(cells, empty, '|'), name, '|');
    std::getline(std::getline(cells, type, '|'), labels, '|');
    name = without(name, "` ");
    if (name.starts_with("--")) continue;
    std::string spaced;
    std::istringstream words(without(labels, "`,"));
    for (std::string word; words >> word;) spaced += " " + word;
    if (!name.starts_with("process_")) name = prefix + name;
    out[name] = without(type, " ") + ":" + spaced;
  }
  return out;
}

TEST(MetricsPage, names_exactly_the_metrics_that_there_are) {
  EXPECT_EQ(documented(), exposed());
}

}  // namespace
}  // namespace abo::controllers
