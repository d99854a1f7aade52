#include "controllers/run_tracker.h"

#include <gtest/gtest.h>

#include "controllers/fake_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;

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
