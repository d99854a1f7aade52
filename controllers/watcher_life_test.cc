// What is done to a watcher while it is polled, and the watcher that is broken: it alone is affected, at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "controllers/scheduled_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

using Answer = FakeCluster::Answer;

struct WatcherLife : ScheduledWorld {};

TEST_F(WatcherLife, a_suspended_watcher_costs_nothing) {
  world.add("alpha", {{"suspend", true}});
  world.start();
  world.run_for(10min);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
  std::size_t before = world.cluster.requests.size();
  world.run_for(24h);
  EXPECT_EQ(world.cluster.requests.size(), before);
  EXPECT_EQ(polls("alpha"), 0u);
}

TEST_F(WatcherLife, a_watcher_that_is_deleted_while_it_is_polled_is_not_polled_again) {
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

TEST_F(WatcherLife, what_a_deleted_watchers_last_poll_made_is_let_go_and_its_series_end) {
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

TEST_F(WatcherLife, the_poll_of_a_watcher_that_was_created_anew_makes_nothing_more) {
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

TEST_F(WatcherLife, a_listing_that_hangs_is_abandoned_when_the_spec_changes) {
  world.add("alpha", {{"pollingIntervalSeconds", 3600}, {"blobPrefix", "wrong/"}});
  world.blobs.upload("alpha", "a.csv");
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  ASSERT_EQ(polls("alpha"), 1u);
  world.blobs.hold = {};
  world.edit("alpha", {{"blobPrefix", ""}});
  world.run_for(1s);
  EXPECT_EQ(jobs(), 1u);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(WatcherLife, a_listing_that_hangs_is_abandoned_when_the_watcher_is_suspended) {
  world.add("alpha");
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  world.edit("alpha", {{"suspend", true}});
  world.run_for(1s);
  EXPECT_EQ(world.reason("alpha"), "Suspended");
}

TEST_F(WatcherLife, a_listing_that_hangs_ends_with_its_watcher) {
  world.add("alpha");
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  std::size_t with_it = world.poll_scope.running();
  world.cluster.remove(FakeWorld::path("alpha"));
  world.run_for(1s);
  EXPECT_EQ(world.poll_scope.running(), with_it - 1);
}

TEST_F(WatcherLife, poll_now_does_not_abandon_a_listing) {
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.blobs.hold = [](const std::string&) { return true; };
  world.start();
  world.run_for(1s);
  world.annotate("alpha", "mlops.example.com/poll-now", "1");
  world.run_for(1min);
  EXPECT_EQ(polls("alpha"), 1u);
}

TEST_F(WatcherLife, a_spec_that_changes_during_a_poll_is_used_at_once_and_the_old_one_no_more) {
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

TEST_F(WatcherLife, a_watcher_that_is_suspended_during_a_poll_makes_nothing_more) {
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

TEST_F(WatcherLife, a_refresh_never_runs_beside_a_poll_of_the_same_watcher) {
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

TEST_F(WatcherLife, a_bug_in_one_watchers_poll_harms_that_watcher_alone) {
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

TEST_F(WatcherLife, a_watcher_whose_stored_object_is_malformed_harms_itself_alone) {
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

}  // namespace
}  // namespace abo::controllers
