#include "controllers/run_tracker.h"

#include <gtest/gtest.h>

#include "controllers/fake_world.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;

json::object held_by(const std::string& watcher_uid) {
  return {{"metadata",
           {{"namespace", "ml"},
            {"name", "a"},
            {"finalizers", json::array{render::recording_finalizer}},
            {"annotations",
             {{render::watcher_uid_annotation, watcher_uid}, {render::trigger_key_annotation, "00"}}}}}};
}

Task<void> follow(RunTracker& runs, std::string version, std::optional<RunTracker::Followed>& out) {
  auto followed = co_await runs.follow("example.com/" + version, "Run", "ml");
  if (followed) out = std::move(*followed);
}

struct Tracker : testing::Test {
  FakeWorld world;
};

TEST_F(Tracker, follows_a_kind_once_in_whatever_version_and_creates_in_the_one_asked_for) {
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.served.push_back({"/apis/example.com/v2", "runs", "Run"});
  std::optional<RunTracker::Followed> first, second;
  world.watch_scope.spawn(follow(world.runs, "v1", first));
  world.run_for(1s);
  world.watch_scope.spawn(follow(world.runs, "v2", second));
  world.run_for(1s);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->watch, second->watch);
  EXPECT_EQ(first->resource.version, "v1");
  EXPECT_EQ(second->resource.version, "v2");
  EXPECT_EQ(world.cluster.times_of("WATCH /apis/example.com/").size(), 1u);
}

TEST_F(Tracker, follows_a_kind_in_the_version_asked_for_when_the_one_before_is_served_no_more) {
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.served.push_back({"/apis/example.com/v2", "runs", "Run"});
  std::optional<RunTracker::Followed> first, second, third;
  world.watch_scope.spawn(follow(world.runs, "v1", first));
  world.run_for(1s);
  ASSERT_TRUE(first);
  std::erase_if(world.cluster.served, [](const auto& one) { return one.base == "/apis/example.com/v1"; });
  world.cluster.put("/apis/example.com/v2/namespaces/ml/runs/a", held_by("w-alpha"));
  world.run_for(10min);
  world.watch_scope.spawn(follow(world.runs, "v2", second));
  world.run_for(15s);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->watch, first->watch);
  EXPECT_EQ(world.runs.resource_of(first->watch).version, "v2");
  EXPECT_EQ(world.runs.store().held("ml/w-alpha").size(), 1u);
  std::size_t asked = world.cluster.times_of("GET /apis/example.com/v1/").size();
  world.run_for(1h);
  EXPECT_LE(world.cluster.times_of("GET /apis/example.com/v1/").size(), asked + 1) << "the old one has ended";
}

Task<void> start(RunTracker& runs, const KindPolicy& kinds, bool& started) {
  co_await runs.start(kinds);
  started = true;
}

TEST_F(Tracker, tries_a_kind_whose_server_is_broken_ever_more_slowly_and_holds_up_nobody) {
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.rule = [](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (!what.starts_with("GET /apis/example.com")) return std::nullopt;
    return FakeCluster::status(503, "ServiceUnavailable");
  };
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "v1", "Run"}});
  bool started = false;
  world.watch_scope.spawn(start(world.runs, world.settings.kinds, started));
  world.run_for(1s);
  EXPECT_TRUE(started);
  world.run_for(1h);
  EXPECT_LE(world.cluster.times_of("GET /apis/example.com").size(), 30u);
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_TRUE(world.runs.watch_of("example.com/v1", "Run", "ml"));
}

TEST_F(Tracker, holds_up_nobody_for_a_kind_whose_server_hangs) {
  world.cluster.hold = [](const std::string& what) { return what.starts_with("GET /apis/example.com"); };
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "", "*"}});
  bool started = false;
  world.watch_scope.spawn(start(world.runs, world.settings.kinds, started));
  world.run_for(11s);
  EXPECT_TRUE(started);
}

TEST_F(Tracker, finds_a_kind_that_an_api_server_did_not_know_when_it_was_just_starting) {
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "", "Run"}});
  bool started = false;
  world.watch_scope.spawn(start(world.runs, world.settings.kinds, started));
  world.run_for(3s);
  EXPECT_TRUE(started);
  EXPECT_FALSE(world.runs.watch_of("example.com/v1", "Run", "ml"));
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.run_for(30s);
  EXPECT_TRUE(world.runs.watch_of("example.com/v1", "Run", "ml"));
}

TEST_F(Tracker, waits_for_an_api_server_that_is_away) {
  world.cluster.go_away();
  bool started = false;
  world.settings.kinds = KindPolicy({{"*", "", "*"}});
  world.watch_scope.spawn(start(world.runs, world.settings.kinds, started));
  world.run_for(10min);
  EXPECT_FALSE(started);
  EXPECT_LE(world.cluster.requests.size(), 620u) << "one attempt a second";
  world.cluster.come_back();
  world.run_for(2s);
  EXPECT_TRUE(started);
}

TEST_F(Tracker, takes_a_wildcards_kinds_from_every_version_of_a_group_and_leaves_the_rest_alone) {
  world.cluster.served.push_back({"/apis/example.com/v2", "runs", "Run"});
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.served.push_back({"/apis/example.com/v1", "tasks", "Task"});
  world.cluster.put("/apis/example.com/v1/namespaces/ml/tasks/a", {{"metadata", {{"name", "a"}}}});
  bool started = false;
  world.settings.kinds = KindPolicy({{"example.com", "", "*"}});
  world.watch_scope.spawn(start(world.runs, world.settings.kinds, started));
  world.run_for(1s);
  EXPECT_TRUE(started);
  EXPECT_TRUE(world.runs.watch_of("example.com/v1", "Task", "ml"));
  EXPECT_FALSE(world.runs.watch_of("example.com/v1", "Run", "ml"));
  EXPECT_EQ(world.cluster.times_of("GET /apis/example.com/v1/runs").size(), 0u) << "v2 showed the same";
}

}  // namespace
}  // namespace abo::controllers
