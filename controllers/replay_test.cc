// The annotation replay-since: each version that it covers is triggered once more, and once only, whenever the operator is
// killed. As laws on the whole controller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "controllers/fake_world.h"
#include "controllers/replay_request.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// How often a Job was made for each blob, and no key twice.
std::map<std::string, int> creations(const FakeCluster& cluster) {
  std::map<std::string, int> out;
  std::map<std::string, int> by_key;
  for (const json::object& job : cluster.created) {
    auto annotation = [&](std::string_view name) {
      return std::string(find_string(job, {"metadata", "annotations", name}));
    };
    ++out[annotation(render::blob_name_annotation)];
    EXPECT_EQ(++by_key[annotation(render::trigger_key_annotation)], 1) << json::serialize(job);
  }
  return out;
}
using Times = std::map<std::string, int>;

// As a TTL of zero does.
void delete_jobs(FakeCluster& cluster) {
  for (const std::string& path : cluster.below(FakeWorld::jobs())) {
    if (!find(*cluster.find_object(path), {"metadata", "deletionTimestamp"})) cluster.remove(path);
  }
}

struct ReplaySince : testing::Test {
  FakeWorld world;

  std::string now() const {
    return format_rfc3339(std::chrono::floor<std::chrono::seconds>(world.time.wall()));
  }
  void ask(std::optional<std::string> since) { world.annotate("alpha", replay_annotation, std::move(since)); }
  // Three blobs ten minutes apart, all triggered; the Jobs are gone. The time of the second one.
  std::string three_blobs(json::object spec = {}) {
    world.add("alpha", std::move(spec));
    world.start();
    std::string second;
    for (const char* name : {"a", "b", "c"}) {
      if (*name == 'b') second = now();
      world.blobs.upload("alpha", name);
      world.run_for(10min);
    }
    delete_jobs(world.cluster);
    EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}}));
    return second;
  }
  std::vector<std::string> jobs() const { return world.cluster.below(FakeWorld::jobs()); }
};

TEST_F(ReplaySince, triggers_again_what_was_modified_since_then_and_nothing_else) {
  std::string since = three_blobs();
  ask(since);
  world.run_for(5s);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 2}, {"c", 2}}));
  EXPECT_THAT(jobs(), ElementsAre(FakeWorld::jobs() + "/alpha-b", FakeWorld::jobs() + "/alpha-c"));
  delete_jobs(world.cluster);
  world.run_for(24h);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 2}, {"c", 2}}))
      << "it stays, and does nothing more";
}

TEST_F(ReplaySince, is_told_once) {
  ask(three_blobs());
  world.run_for(1h);
  EXPECT_THAT(world.log_lines_with("replay started"), SizeIs(1));
}

TEST_F(ReplaySince, makes_a_resource_of_another_name_while_the_first_one_is_there) {
  world.add("alpha");
  world.start();
  std::string since = now();
  world.blobs.upload("alpha", "a");
  world.run_for(10min);
  ask(since);
  world.run_for(10min);
  EXPECT_THAT(jobs(), ElementsAre(FakeWorld::jobs() + "/alpha-a", HasSubstr("/alpha-a-")));
}

TEST_F(ReplaySince, of_another_time_replays_again_and_of_one_that_was_there_before_does_not) {
  std::string second = three_blobs();
  ask(second);
  world.run_for(1min);
  delete_jobs(world.cluster);
  Times once{{"a", 1}, {"b", 2}, {"c", 2}};
  ask(std::nullopt);
  world.run_for(10min);
  ask(second);
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), once);
  ask("2026-01-01T00:00:00Z");
  world.run_for(10min);
  delete_jobs(world.cluster);
  Times twice{{"a", 2}, {"b", 3}, {"c", 3}};
  EXPECT_EQ(creations(world.cluster), twice);
  ask(second);
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), twice);
}

TEST_F(ReplaySince, that_is_no_time_is_told_in_the_condition_and_polling_goes_on) {
  three_blobs();
  ask("last week");
  world.run_for(10min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
  EXPECT_THAT(world.message("alpha"), HasSubstr("mlops.example.com/replay-since is no time in RFC 3339"));
  world.blobs.upload("alpha", "d");
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}));
  ask(std::nullopt);
  world.run_for(10min);
  EXPECT_THAT(world.message("alpha"), Not(HasSubstr("replay-since")));
}

TEST_F(ReplaySince, of_a_time_to_come_replays_nothing_and_loses_nothing) {
  three_blobs();
  ask("2030-01-01T00:00:00Z");
  world.blobs.upload("alpha", "d");
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}}));
}

TEST_F(ReplaySince, waits_for_room_as_everything_does_and_what_waited_before_is_not_lost) {
  world.add("alpha", {{"maxActive", 1}});
  world.blobs.upload("alpha", "a");
  world.run_for(1h);
  world.blobs.upload("alpha", "b");
  world.start();
  world.run_for(10min);
  ASSERT_EQ(creations(world.cluster), (Times{{"a", 1}})) << "b waits for room";
  world.run_for(10min);
  world.blobs.upload("alpha", "c");
  ask(now());  // later than b
  for (int i = 0; i < 10; ++i) {
    world.run_for(10min);
    EXPECT_THAT(jobs(), SizeIs(testing::Le(1u)));
    delete_jobs(world.cluster);
  }
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}}));
}

TEST_F(ReplaySince, of_a_blob_whose_creation_failed_and_that_is_gone_since_triggers_it) {
  world.add("alpha");
  world.start();
  std::string since = now();
  world.cluster.rule = [](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what == "POST " + FakeWorld::jobs())
      return FakeCluster::status(403, "Forbidden", {}, "exceeded quota: pods");
    return std::nullopt;
  };
  world.blobs.upload("alpha", "a");
  world.run_for(10min);
  world.blobs.remove("alpha", "a");
  ask(since);
  world.run_for(1min);
  world.cluster.rule = {};
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}})) << "a poll had seen it";
}

TEST_F(ReplaySince, does_not_begin_while_the_watcher_is_suspended) {
  std::string since = three_blobs();
  world.edit("alpha", {{"suspend", true}});
  ask(since);
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}}));
  world.edit("alpha", {{"suspend", false}});
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 2}, {"c", 2}}));
}

TEST_F(ReplaySince, with_a_new_watcher_that_ignores_what_exists_begins_at_that_time) {
  world.blobs.upload("alpha", "a");
  world.run_for(10min);
  std::string since = now();
  world.blobs.upload("alpha", "b");
  world.run_for(10min);
  world.add("alpha", {{"existingBlobs", "Ignore"}});
  ask(since);
  world.start();
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"b", 1}}));
}

TEST_F(ReplaySince, with_a_new_watcher_triggers_everything_once) {
  world.blobs.upload("alpha", "a");
  world.run_for(10min);
  std::string since = now();
  world.blobs.upload("alpha", "b");
  world.add("alpha");
  ask(since);
  world.start();
  world.run_for(1h);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}}));
}

// No watch tells of the annotation, and the blob lands after it.
TEST_F(ReplaySince, that_was_stored_before_a_blob_landed_triggers_that_one_once) {
  std::string since = three_blobs();
  world.cluster.silent = [](const std::string& path) { return path == FakeWorld::path("alpha"); };
  ask(since);
  world.blobs.upload("alpha", "d");
  world.run_for(10min);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 2}, {"c", 2}, {"d", 1}}));
}

TEST_F(ReplaySince, that_is_taken_back_before_it_began_does_not_begin) {
  std::string since = three_blobs();
  world.cluster.go_away();
  ask(since);
  world.run_for(5min);
  ask(std::nullopt);
  world.cluster.come_back();
  world.run_for(1h);
  EXPECT_EQ(creations(world.cluster), (Times{{"a", 1}, {"b", 1}, {"c", 1}}));
}

// The operator is killed at its n-th request to the API server that changes something, right before or after it was
// carried out; finished Jobs are deleted at once, and the next operator goes on.
struct KilledReplay : testing::TestWithParam<bool> {};

TEST_P(KilledReplay, triggers_each_version_once_more_wherever_it_was_killed) {
  bool carried_out = GetParam();
  int kills = 0;
  for (int n = 1;; ++n) {
    FakeWorld first;
    first.add("alpha", {{"pollingIntervalSeconds", 5}});
    first.start();
    std::string since = format_rfc3339(std::chrono::floor<std::chrono::seconds>(first.time.wall()) + 10min);
    for (const char* name : {"a", "b", "c"}) {
      first.blobs.upload("alpha", name);
      first.run_for(10min);
    }
    // One of the versions is not triggered yet when the replay is asked for.
    delete_jobs(first.cluster);
    first.blobs.upload("alpha", "d");
    first.annotate("alpha", replay_annotation, since);
    int changes = 0;
    auto is_change = [](const std::string& what) {
      return (what.starts_with("PUT") || what.starts_with("POST") || what.starts_with("PATCH")) &&
             what.find("/events") == what.npos;
    };
    bool killed = false;
    first.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
      if (killed || (!carried_out && is_change(what) && ++changes == n)) {
        killed = true;
        return FakeCluster::refused();
      }
      return std::nullopt;
    };
    first.cluster.lose = [&](const std::string& what) {
      if (carried_out && is_change(what) && ++changes == n) killed = true;
      return killed;
    };
    first.run_for(1min);
    if (!killed) break;
    ++kills;
    FakeWorld second;
    second.time.move_to(first.time.mono());
    second.cluster.take_over(first.cluster);
    second.blobs.take_over(first.blobs);
    delete_jobs(second.cluster);
    second.start();
    for (int i = 0; i < 60; ++i) {
      second.run_for(1s);
      delete_jobs(second.cluster);
    }
    EXPECT_EQ(creations(second.cluster), (Times{{"a", 1}, {"b", 2}, {"c", 2}, {"d", 1}}))
        << "killed at change " << n;
  }
  EXPECT_GE(kills, 8) << "the checkpoint's writes, creations and finalizers";
}

INSTANTIATE_TEST_SUITE_P(, KilledReplay, testing::Bool(), [](const auto& info) {
  return info.param ? "after_the_request" : "before_the_request";
});

}  // namespace
}  // namespace abo::controllers
