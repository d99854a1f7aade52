// What carries our finalizer, and reports, whatever fails on the way: all is let go or told in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/scheduled_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

using Answer = FakeCluster::Answer;

struct LettingGo : ScheduledWorld {};

// ---- finalizers and reports that fail ----

TEST_F(LettingGo, a_finalizer_that_does_not_go_is_tried_ever_more_slowly_and_told_once) {
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

TEST_F(LettingGo, with_leader_election_a_resource_keeps_its_finalizer_as_long_as_a_lease_lasts) {
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

TEST_F(LettingGo, a_report_of_a_suspended_watcher_that_fails_is_made_later) {
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

TEST_F(LettingGo, a_suspension_that_could_not_be_reported_is_reported_later) {
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

TEST_F(LettingGo, what_nobody_owns_any_more_is_let_go_even_when_it_takes_long) {
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

TEST_F(LettingGo, one_owners_trouble_does_not_keep_anothers_resources) {
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

TEST_F(LettingGo, a_namespace_whose_watchers_cannot_be_listed_keeps_no_other_waiting) {
  world.settings.namespaces = {"b", "ml"};
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (what != "GET " + FakeWorld::path("", "b").substr(0, FakeWorld::path("", "b").size() - 1))
      return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  put_job("a", "nobody", true);
  json::object other = *world.cluster.find_object(FakeWorld::jobs() + "/a");
  other["metadata"].as_object()["namespace"] = "b";
  other["metadata"].as_object()["uid"] = "job-b";
  world.cluster.put(FakeWorld::jobs("b") + "/a", std::move(other));
  world.start();
  world.run_for(1min);
  EXPECT_FALSE(recording_finalizer_index(*world.cluster.find_object(FakeWorld::jobs() + "/a")));
  EXPECT_TRUE(recording_finalizer_index(*world.cluster.find_object(FakeWorld::jobs("b") + "/a")))
      << "whose it is cannot be told";
  world.cluster.rule = {};
  world.run_for(1min);
  EXPECT_EQ(held(), 0u);
}

TEST_F(LettingGo, what_lost_our_label_is_recorded_and_let_go_all_the_same) {
  world.settings.recording_hold = 15s;
  world.add("alpha", {{"pollingIntervalSeconds", 86400}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(5s);
  ASSERT_EQ(held(), 1u);
  world.cluster.lose_label(FakeWorld::jobs() + "/alpha-a.csv");
  world.run_for(1ms);
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  world.run_for(1min);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(world.runs.store().size(), 0u);
}

TEST_F(LettingGo, what_is_left_when_the_watchers_were_uninstalled_is_let_go) {
  put_job("a", "uninstalled", true);
  std::erase_if(world.cluster.served, [](const auto& one) { return one.plural == "azureblobwatchers"; });
  world.start();
  world.run_for(20s);
  EXPECT_EQ(held(), 1u) << "an API server that is just starting may say the same";
  world.run_for(1min);
  EXPECT_EQ(held(), 0u);
}

TEST_F(LettingGo, what_a_wildcard_allowed_before_a_restart_is_found_and_let_go) {
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

TEST_F(LettingGo, a_blob_whose_creation_ended_unknown_is_made_once_though_the_templates_kind_changed) {
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

TEST_F(LettingGo, an_unknown_outcome_of_a_kind_that_is_gone_stops_nobody) {
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

TEST_F(LettingGo, a_kind_that_is_served_no_more_keeps_no_place_under_maxActive) {
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
