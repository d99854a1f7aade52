// Which poll runs when, as laws on the whole controller: fake services, a scripted clock, hours in milliseconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "controllers/fake_world.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

using Answer = FakeCluster::Answer;

std::vector<milliseconds> gaps(const std::vector<MonoTime>& times) {
  std::vector<milliseconds> out;
  for (std::size_t i = 1; i < times.size(); ++i)
    out.push_back(std::chrono::duration_cast<milliseconds>(times[i] - times[i - 1]));
  return out;
}

// 1 s, 2 s, 4 s … 5 min, of which up to a half may be taken off.
void expect_backoff(const std::vector<milliseconds>& waits) {
  ASSERT_GE(waits.size(), 12u);
  for (std::size_t i = 0; i < waits.size(); ++i) {
    milliseconds whole = std::min<milliseconds>(1s * (1 << std::min<std::size_t>(i, 20)), 5min);
    EXPECT_GE(waits[i], whole / 2) << i;
    EXPECT_LE(waits[i], whole + 10ms) << i;
  }
}

struct Schedule : testing::Test {
  FakeWorld world;

  std::size_t polls(const std::string& account) const { return world.blobs.times_of(account).size(); }
  std::size_t jobs() const { return world.cluster.below(FakeWorld::jobs()).size(); }
  std::size_t held() const {
    std::size_t n = 0;
    for (const std::string& path : world.cluster.below("/apis/")) {
      if (recording_finalizer_index(*world.cluster.find_object(path))) ++n;
    }
    return n;
  }
  // A Job as this watcher's predecessor left it.
  void put_job(const std::string& name, const std::string& watcher_uid, bool with_finalizer,
               json::object status = {}) {
    json::object object{{"metadata",
                         {{"namespace", "ml"},
                          {"name", name},
                          {"uid", "job-" + name},
                          {"annotations",
                           {{render::watcher_uid_annotation, watcher_uid},
                            {render::trigger_key_annotation, "00"},
                            {render::blob_name_annotation, name}}}}},
                        {"status", std::move(status)}};
    if (with_finalizer)
      object["metadata"].as_object()["finalizers"] = json::array{render::recording_finalizer};
    world.cluster.put(FakeWorld::jobs() + "/" + name, std::move(object));
  }
  static json::object complete() {
    return {{"conditions", json::array{json::object{{"type", "Complete"}, {"status", "True"}}}}};
  }
};

// ---- intervals, backoff and Retry-After ----

TEST_F(Schedule, a_watcher_is_polled_once_an_interval) {
  world.add("alpha");
  world.start();
  world.run_for(10min);
  EXPECT_THAT(world.blobs.times_of("alpha"), SizeIs(AllOf(Ge(10u), Le(12u))));
  auto waits = gaps(world.blobs.times_of("alpha"));
  waits.erase(waits.begin());  // a new watcher's first poll lists twice
  EXPECT_THAT(waits, Each(AllOf(Ge(57s), Le(63s))));
}

TEST_F(Schedule, a_poll_that_fails_backs_off_from_a_second_to_five_minutes) {
  world.random = 1.0 - 1e-9;
  world.blobs.rule = [](const std::string&) -> Result<net::Response> {
    return fail(ErrorKind::Internal, Reason::Internal, "not now");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.start();
  world.run_for(1h);
  expect_backoff(gaps(world.blobs.times_of("alpha")));
}

TEST_F(Schedule, a_failing_poll_is_never_further_away_than_the_interval) {
  world.blobs.rule = [](const std::string&) -> Result<net::Response> {
    return fail(ErrorKind::Internal, Reason::Internal, "not now");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 10}});
  world.start();
  world.run_for(30min);
  EXPECT_GE(polls("alpha"), 170u);
  EXPECT_THAT(gaps(world.blobs.times_of("alpha")), Each(Le(10'510ms)));
}

TEST_F(Schedule, azures_retry_after_is_honoured_beyond_the_interval) {
  world.blobs.rule = [](const std::string&) { return FakeBlobs::failure(503, {{"retry-after", "90"}}); };
  world.add("alpha", {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(10min);
  EXPECT_GE(polls("alpha"), 6u);
  EXPECT_THAT(gaps(world.blobs.times_of("alpha")), Each(Ge(90s)));
  EXPECT_EQ(world.reason("alpha"), "Throttled");
}

TEST_F(Schedule, the_api_servers_retry_after_is_honoured) {
  std::string question = "GET " + FakeWorld::path("alpha");
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != question) return std::nullopt;
    return FakeCluster::status(429, "TooManyRequests", {{"retry-after", "40"}});
  };
  world.add("alpha", {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(10min);
  EXPECT_GE(world.cluster.times_of(question).size(), 13u);
  EXPECT_THAT(gaps(world.cluster.times_of(question)), Each(Ge(40s)));
  world.cluster.rule = {};
  world.run_for(1min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

// ---- single blobs ----

TEST_F(Schedule, a_blob_whose_creation_fails_is_tried_ever_more_slowly_and_blocks_nobody) {
  std::vector<MonoTime> refused;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
    refused.push_back(world.time.mono());
    return FakeCluster::status(403, "Forbidden", {}, "exceeded quota: jobs");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 3600}, {"maxActive", 0}});
  world.blobs.upload("alpha", "first.csv");
  world.start();
  world.run_for(40min);
  EXPECT_EQ(world.reason("alpha"), "QuotaExceeded");
  auto waits = gaps(refused);
  ASSERT_GE(waits.size(), 12u);
  for (std::size_t i = 1; i < waits.size(); ++i) {
    milliseconds whole = std::min<milliseconds>(1s * (1 << std::min<std::size_t>(i, 20)), 5min);
    EXPECT_GE(waits[i], whole) << i;
    EXPECT_LE(waits[i], whole + 1s) << i;
  }
  world.cluster.rule = {};
  world.blobs.upload("alpha", "second.csv");
  world.edit("alpha", {{"blobPrefix", ""}});
  world.run_for(1s);
  EXPECT_THAT(world.cluster.below(FakeWorld::jobs()),
              testing::ElementsAre(FakeWorld::jobs() + "/alpha-second.csv"));
  world.run_for(6min);
  EXPECT_EQ(jobs(), 2u);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(Schedule, a_creations_retry_after_is_honoured) {
  std::vector<MonoTime> refused;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
    refused.push_back(world.time.mono());
    return FakeCluster::status(429, "TooManyRequests", {{"retry-after", "40"}});
  };
  world.add("alpha", {{"pollingIntervalSeconds", 1}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(10min);
  EXPECT_GE(refused.size(), 13u);
  EXPECT_THAT(gaps(refused), Each(AllOf(Ge(40s), Le(42s))));
}

// ---- outages ----

TEST_F(Schedule, during_an_outage_all_rows_together_make_about_one_attempt_a_second) {
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back(fmt::format("acct{}", i));
  for (const std::string& name : names) world.add(name, {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(1min);
  for (const std::string& name : names) world.blobs.upload(name, "a.csv");
  world.cluster.go_away();
  std::size_t before = world.cluster.requests.size();
  world.run_for(20min);
  // What was in flight fails once; then there is one question a second, and each watch tries every few seconds.
  EXPECT_LE(world.cluster.requests.size() - before, 1200u * 3 / 2 + 150);
  EXPECT_EQ(jobs(), 0u);
  EXPECT_THAT(world.log_lines_with("the API server is away"), SizeIs(1));

  world.cluster.come_back();
  MonoTime back = world.time.mono();
  world.run_for(10s);
  EXPECT_GE(jobs(), names.size()) << "every blob that waited";
  world.run_for(1min);
  EXPECT_EQ(jobs(), names.size());
  EXPECT_EQ(held(), 0u);
  for (const std::string& name : names) {
    auto times = world.blobs.times_of(name);
    EXPECT_TRUE(std::ranges::any_of(times, [&](MonoTime at) { return at > back && at <= back + 10s; }));
  }
}

TEST_F(Schedule, one_watchers_trouble_with_the_api_server_delays_nobody_else) {
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (what != "GET " + FakeWorld::path("alpha")) return std::nullopt;
    return FakeCluster::status(500, "InternalError");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 1}});
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(1min);
  EXPECT_GE(polls("beta"), 58u);
  EXPECT_THAT(world.log_lines_with("the API server is away"), IsEmpty());
}

TEST_F(Schedule, an_account_that_hangs_delays_its_own_watchers_alone) {
  for (int i = 0; i < 8; ++i) world.add(fmt::format("w{}", i), {{"storageAccount", "hangs"}});
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.blobs.hold = [](const std::string& account) { return account == "hangs"; };
  world.start();
  world.run_for(1min);
  EXPECT_EQ(polls("hangs"), 4u);
  EXPECT_GE(polls("beta"), 58u);
  world.blobs.let_go();
  world.run_for(1s);
  EXPECT_GE(polls("hangs"), 8u);
}

TEST_F(Schedule, a_listing_that_does_not_end_is_given_up_after_ten_minutes_and_said_so) {
  world.blobs.hold = [](const std::string&) { return true; };
  world.add("alpha");
  world.start();
  world.run_for(9min);
  EXPECT_EQ(world.reason("alpha"), "");
  world.run_for(2min);
  EXPECT_EQ(world.reason("alpha"), "ServiceUnavailable");
  world.blobs.let_go();
  world.run_for(2min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(Schedule, a_listing_that_takes_long_says_every_half_minute_how_far_it_is) {
  world.blobs.hold = [](const std::string&) { return true; };
  world.add("alpha");
  world.start();
  world.run_for(100s);
  EXPECT_EQ(world.log_lines_with("listing goes on").size(), 3u);
  world.blobs.let_go();
  world.run_for(10min);
  EXPECT_EQ(world.log_lines_with("listing goes on").size(), 3u);
}

TEST_F(Schedule, a_kind_whose_server_is_broken_is_named_in_the_status_of_those_who_need_it) {
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "v1", "Run"}});
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (!what.ends_with("/runs")) return std::nullopt;
    return FakeCluster::status(503, "ServiceUnavailable");
  };
  world.cluster.put(FakeWorld::path("alpha"), FakeWorld::watcher("alpha", {}, "Run"));
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(1min);
  EXPECT_EQ(world.reason("alpha"), "ApiServerUnavailable");
  EXPECT_GE(polls("beta"), 58u);
}

// ---- changes while a poll runs ----

TEST_F(Schedule, a_suspended_watcher_costs_nothing) {
  world.add("alpha", {{"suspend", true}});
  world.start();
  world.run_for(10min);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
  std::size_t before = world.cluster.requests.size();
  world.run_for(24h);
  EXPECT_EQ(world.cluster.requests.size(), before);
  EXPECT_EQ(polls("alpha"), 0u);
}

TEST_F(Schedule, a_watcher_that_is_deleted_while_it_is_polled_is_not_polled_again) {
  world.add("alpha");
  world.blobs.upload("alpha", "a.csv");
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  ASSERT_EQ(polls("alpha"), 1u);
  world.cluster.remove(FakeWorld::path("alpha"));
  world.run_for(1s);
  world.blobs.let_go();
  world.run_for(1h);
  EXPECT_EQ(polls("alpha"), 1u);
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(Schedule, what_a_deleted_watchers_last_poll_made_is_let_go_and_its_series_end) {
  world.add("alpha");
  world.blobs.upload("alpha", "a.csv");
  world.cluster.hold = [](const std::string& what) { return what.starts_with("POST " + FakeWorld::jobs()); };
  world.start();
  world.run_for(1s);
  world.cluster.remove(FakeWorld::path("alpha"));
  world.run_for(1s);
  world.cluster.let_go();
  world.run_for(1s);
  EXPECT_EQ(jobs(), 1u);
  EXPECT_EQ(held(), 0u);
  EXPECT_THAT(world.registry.expose(), Not(HasSubstr("alpha")));
}

TEST_F(Schedule, the_poll_of_a_watcher_that_was_created_anew_makes_nothing_more) {
  world.add("alpha");
  for (int i = 0; i < 40; ++i) world.blobs.upload("alpha", fmt::format("{}.csv", i));
  world.cluster.hold = [](const std::string& what) { return what.starts_with("POST " + FakeWorld::jobs()); };
  world.start();
  world.run_for(1s);
  world.cluster.remove(FakeWorld::path("alpha"));
  json::object successor = FakeWorld::watcher("alpha", {{"suspend", true}});
  successor["metadata"].as_object()["uid"] = "another";
  world.cluster.put(FakeWorld::path("alpha"), std::move(successor));
  world.run_for(1s);
  world.cluster.let_go();
  world.run_for(10min);
  EXPECT_EQ(jobs(), 16u) << "those in flight when it went";
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
}

TEST_F(Schedule, a_spec_that_changes_during_a_poll_is_used_at_once_and_the_old_one_no_more) {
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.blobs.upload("alpha", "a.csv");
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  world.edit("alpha", {{"jobTemplate",
                        {{"kind", "Job"},
                         {"template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: new}\nspec: {}"}}}});
  world.run_for(1s);
  world.blobs.let_go();
  world.run_for(1s);
  EXPECT_THAT(world.cluster.below(FakeWorld::jobs()), testing::ElementsAre(FakeWorld::jobs() + "/new"));
}

TEST_F(Schedule, a_watcher_that_is_suspended_during_a_poll_makes_nothing_more) {
  world.add("alpha", {{"maxActive", 0}});
  for (int i = 0; i < 40; ++i) world.blobs.upload("alpha", fmt::format("{}.csv", i));
  world.cluster.hold = [](const std::string& what) { return what.starts_with("POST " + FakeWorld::jobs()); };
  world.start();
  world.run_for(1s);
  world.edit("alpha", {{"suspend", true}});
  world.run_for(1s);
  world.cluster.let_go();
  world.run_for(1h);
  EXPECT_EQ(jobs(), 16u) << "those in flight when it was suspended";
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
  world.edit("alpha", {{"suspend", false}});
  world.run_for(1s);
  EXPECT_EQ(jobs(), 40u);
}

TEST_F(Schedule, a_refresh_never_runs_beside_a_poll_of_the_same_watcher) {
  put_job("a", "w-alpha", false);
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.start();
  world.run_for(10min);
  world.blobs.hold = [](const std::string&) { return true; };
  world.edit("alpha", {{"blobPrefix", "x"}});
  world.run_for(1s);
  std::size_t before = world.cluster.requests.size();
  put_job("a", "w-alpha", false, complete());
  world.run_for(1min);
  EXPECT_EQ(world.cluster.requests.size(), before);
  world.blobs.let_go();
  world.run_for(10s);
  EXPECT_EQ(find_int(*world.cluster.find_object(FakeWorld::path("alpha")), {"status", "succeeded"}), 1);
}

// ---- one broken watcher harms only itself ----

TEST_F(Schedule, a_bug_in_one_watchers_poll_harms_that_watcher_alone) {
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (what == "GET " + FakeWorld::path("alpha")) throw std::logic_error("a bug");
    return std::nullopt;
  };
  world.add("alpha", {{"pollingIntervalSeconds", 1}});
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(5min);
  EXPECT_GE(polls("beta"), 290u);
  EXPECT_THAT(world.log_lines_with("internal error"), SizeIs(AllOf(Ge(4u), Le(6u)))) << "once a minute";
  world.cluster.rule = {};
  world.run_for(1min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded") << "it is not given up";
  EXPECT_THAT(world.bugs, IsEmpty());
}

TEST_F(Schedule, a_watcher_whose_stored_object_is_malformed_harms_itself_alone) {
  std::vector<json::value> specs = {nullptr, 7, json::array{}, json::object{{"pollingIntervalSeconds", -1}}};
  for (std::size_t i = 0; i < specs.size(); ++i) {
    json::object object = FakeWorld::watcher(fmt::format("bad{}", i));
    object["spec"] = specs[i];
    object["status"] = i % 2 ? json::value("no status") : json::value(json::array{1});
    world.cluster.put(FakeWorld::path(fmt::format("bad{}", i)), std::move(object));
  }
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(1min);
  EXPECT_GE(polls("beta"), 58u);
  EXPECT_THAT(world.bugs, IsEmpty());
}

// ---- finalizers and reports that fail ----

TEST_F(Schedule, a_finalizer_that_does_not_go_is_tried_ever_more_slowly_and_told_once) {
  world.random = 1.0 - 1e-9;
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (!what.starts_with("PATCH ")) return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 86400}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(1h);
  EXPECT_EQ(held(), 1u);
  expect_backoff(gaps(world.cluster.times_of("PATCH ")));
  EXPECT_THAT(world.log_lines_with("finalizer"), SizeIs(1));
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_EQ(held(), 0u);
  EXPECT_THAT(world.log_lines_with("finalizer"), SizeIs(2));
}

TEST_F(Schedule, with_leader_election_a_resource_keeps_its_finalizer_as_long_as_a_lease_lasts) {
  world.settings.recording_hold = 15s;
  world.add("alpha", {{"pollingIntervalSeconds", 86400}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(14s);
  EXPECT_EQ(held(), 1u);
  EXPECT_THAT(world.cluster.times_of("PATCH "), IsEmpty());
  world.run_for(2s);
  EXPECT_EQ(held(), 0u);
}

TEST_F(Schedule, a_report_of_a_suspended_watcher_that_fails_is_made_later) {
  world.add("alpha", {{"suspend", true}});
  put_job("a", "w-alpha", false);
  world.start();
  world.run_for(10s);
  std::string write = "PUT " + FakeWorld::path("alpha");
  std::size_t before = world.cluster.times_of(write).size();
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (!what.starts_with(write)) return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  put_job("a", "w-alpha", false, complete());
  world.run_for(1h);
  EXPECT_LE(world.cluster.times_of(write).size() - before, 30u);
  EXPECT_THAT(world.log_lines_with("status not written"), SizeIs(Le(25)));
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_EQ(find_int(*world.cluster.find_object(FakeWorld::path("alpha")), {"status", "succeeded"}), 1);
}

TEST_F(Schedule, a_suspension_that_could_not_be_reported_is_reported_later) {
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (!what.starts_with("PUT ")) return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  world.add("alpha", {{"suspend", true}});
  world.start();
  world.run_for(1min);
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
}

// ---- nothing hangs on our finalizer ----

TEST_F(Schedule, what_nobody_owns_any_more_is_let_go_even_when_it_takes_long) {
  put_job("a", "nobody", true);
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (!what.starts_with("PATCH ")) return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  world.start();
  world.run_for(1h);
  EXPECT_EQ(held(), 1u);
  EXPECT_THAT(world.cluster.times_of("PATCH "), SizeIs(AllOf(Ge(12u), Le(25u))));
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_EQ(held(), 0u);
}

TEST_F(Schedule, one_owners_trouble_does_not_keep_anothers_resources) {
  put_job("a", "nobody", true);
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (what != "PATCH " + FakeWorld::jobs() + "/a") return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  world.start();
  world.run_for(1h);
  put_job("b", "nobody else", true);
  world.run_for(1s);
  EXPECT_EQ(held(), 1u);
}

TEST_F(Schedule, what_is_left_when_the_watchers_were_uninstalled_is_let_go) {
  put_job("a", "uninstalled", true);
  std::erase_if(world.cluster.served, [](const auto& one) { return one.plural == "azureblobwatchers"; });
  world.start();
  world.run_for(20s);
  EXPECT_EQ(held(), 1u) << "an API server that is just starting may say the same";
  world.run_for(1min);
  EXPECT_EQ(held(), 0u);
}

TEST_F(Schedule, what_a_wildcard_allowed_before_a_restart_is_found_and_let_go) {
  world.settings.kinds = KindPolicy({{"*", "", "*"}});
  world.cluster.served.push_back({"/apis/tekton.dev/v1", "pipelineruns", "PipelineRun"});
  json::object object{
      {"metadata",
       {{"namespace", "ml"},
        {"name", "a"},
        {"annotations", {{render::watcher_uid_annotation, "nobody"}, {render::trigger_key_annotation, "00"}}},
        {"finalizers", json::array{render::recording_finalizer}}}}};
  world.cluster.put("/apis/tekton.dev/v1/namespaces/ml/pipelineruns/a", std::move(object));
  world.start();
  world.run_for(10s);
  EXPECT_EQ(held(), 0u);
  EXPECT_THAT(world.cluster.times_of("WATCH /apis/batch/v1/jobs"), IsEmpty()) << "nothing of ours is there";
}

TEST_F(Schedule, a_blob_whose_creation_ended_unknown_is_made_once_though_the_templates_kind_changed) {
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "v1", "Run"}});
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.lose = [](const std::string& what) { return what.starts_with("POST " + FakeWorld::jobs()); };
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  world.add("alpha", {{"pollingIntervalSeconds", 5}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(10ms);
  ASSERT_EQ(jobs(), 1u);
  json::object runs_now = FakeWorld::watcher("alpha", {}, "Run");
  world.edit("alpha", {{"jobTemplate", find(runs_now, {"spec", "jobTemplate"})->as_object()}});
  world.run_for(1min);
  world.blobs.upload("alpha", "b.csv");
  world.run_for(1min);
  EXPECT_THAT(world.cluster.below("/apis/example.com/"), SizeIs(1)) << "b.csv alone";
  EXPECT_EQ(held(), 0u);
}

TEST_F(Schedule, an_unknown_outcome_of_a_kind_that_is_gone_stops_nobody) {
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "v1", "Run"}});
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.lose = [](const std::string& what) { return what.starts_with("POST "); };
  world.cluster.put(FakeWorld::path("alpha"), FakeWorld::watcher("alpha", {}, "Run"));
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(10ms);
  world.cluster.lose = {};
  std::erase_if(world.cluster.served, [](const auto& one) { return one.plural == "runs"; });
  world.cluster.remove("/apis/example.com/v1/namespaces/ml/runs/alpha-a.csv");
  json::object jobs_now = FakeWorld::watcher("alpha");
  world.edit("alpha", {{"jobTemplate", find(jobs_now, {"spec", "jobTemplate"})->as_object()}});
  world.blobs.upload("alpha", "b.csv");
  world.run_for(3min);
  EXPECT_THAT(world.cluster.below(FakeWorld::jobs()), testing::Contains(FakeWorld::jobs() + "/alpha-b.csv"));
}

TEST_F(Schedule, a_kind_that_is_served_no_more_keeps_no_place_under_maxActive) {
  world.add("alpha", {{"maxActive", 1}, {"pollingIntervalSeconds", 5}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(10s);
  ASSERT_EQ(jobs(), 1u);
  auto served = world.cluster.served;
  std::erase_if(world.cluster.served, [](const auto& one) { return one.plural == "jobs"; });
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  world.cluster.remove(FakeWorld::jobs() + "/alpha-a.csv");
  world.run_for(1min);
  EXPECT_EQ(world.runs.store().counts("ml/w-alpha").active, 0);
  world.cluster.served = served;
  world.blobs.upload("alpha", "b.csv");
  world.run_for(2min);
  EXPECT_EQ(jobs(), 1u);
}

}  // namespace
}  // namespace abo::controllers
