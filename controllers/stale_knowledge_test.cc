// What the watches do not tell in time must not matter: before anything is created, the stored watcher is read again
// (docs/exactly-once.md, step 1).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/fake_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

struct StaleKnowledge : testing::Test {
  FakeWorld world;
  const std::string job = FakeWorld::jobs() + "/alpha-a.csv";  // of every version of a.csv

  void start_with_a_job() {
    world.add("alpha", {{"pollingIntervalSeconds", 5}, {"maxActive", 0}});
    world.blobs.upload("alpha", "a.csv");
    world.start();
    world.run_for(1min);
    ASSERT_THAT(jobs(), ElementsAre(job));
  }
  void rename() {
    world.edit("alpha",
               {{"jobTemplate",
                 {{"kind", "Job"},
                  {"template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: new}\nspec: {}"}}}});
  }

  std::vector<std::string> jobs() const { return world.cluster.below(FakeWorld::jobs()); }
  void silence() {
    world.cluster.silent = [](const std::string& path) { return path == FakeWorld::path("alpha"); };
  }
};

TEST_F(StaleKnowledge, of_the_checkpoint_makes_nothing_a_second_time) {
  world.add("alpha");
  world.start();
  world.run_for(1min);
  // Another operator sees the blob first, triggers it, and records it; its Job is finished and deleted.
  FakeWorld other;
  other.cluster.put(FakeWorld::path("alpha"), *world.cluster.find_object(FakeWorld::path("alpha")));
  other.time.move_to(world.time.mono());
  other.blobs.upload("alpha", "a.csv");
  other.start();
  other.run_for(1s);
  ASSERT_THAT(other.cluster.below(FakeWorld::jobs()), ElementsAre(FakeWorld::jobs() + "/alpha-a.csv"));

  silence();
  world.cluster.put(FakeWorld::path("alpha"), *other.cluster.find_object(FakeWorld::path("alpha")));
  world.blobs.upload("alpha", "a.csv");
  world.run_for(5min);
  EXPECT_THAT(jobs(), IsEmpty());
  world.blobs.upload("alpha", "b.csv");
  world.run_for(5min);
  EXPECT_THAT(jobs(), ElementsAre(FakeWorld::jobs() + "/alpha-b.csv"));
}

TEST_F(StaleKnowledge, of_the_spec_makes_nothing_by_the_old_one) {
  world.add("alpha");
  world.start();
  world.run_for(1min);
  silence();
  rename();
  world.blobs.upload("alpha", "a.csv");
  world.run_for(5min);
  EXPECT_THAT(jobs(), IsEmpty()) << "it cannot know the new spec, and must not use the old one";
  world.cluster.silent = {};
  world.edit("alpha", {{"pollingIntervalSeconds", 30}});
  world.run_for(5min);
  EXPECT_THAT(jobs(), ElementsAre(FakeWorld::jobs() + "/new"));
}

// The Job of the first version is gone, which the watch has not told yet; the creation of the second one's Job, under the
// same name, was carried out and its answer lost; then the template gets another name.
TEST_F(StaleKnowledge, of_a_jobs_end_does_not_hide_the_next_one_of_its_name) {
  start_with_a_job();
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  world.cluster.remove(job);
  world.blobs.overwrite("alpha", "a.csv");
  bool lost = false;
  world.cluster.lose = [&](const std::string& what) {
    return !lost && (lost = what.starts_with("POST " + FakeWorld::jobs()));
  };
  for (int i = 0; i < 700 && !lost; ++i) world.run_for(100ms);
  ASSERT_TRUE(lost);
  rename();
  world.run_for(5min);
  EXPECT_THAT(jobs(), ElementsAre(job));
}

// The name is held by the Job of the version before. Of two creations of the next one, the first may come late.
TEST_F(StaleKnowledge, of_a_creation_that_is_still_on_its_way_makes_no_second_resource_under_the_other_name) {
  start_with_a_job();
  // What the sender gives up is kept by somebody on the way, and delivered when the name is free.
  std::optional<json::object> late;
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what != "POST " + FakeWorld::jobs() || late) return std::nullopt;
    late = world.cluster.last_body();
    return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
  };
  world.blobs.overwrite("alpha", "a.csv");
  world.run_for(30s);
  ASSERT_TRUE(late);
  EXPECT_THAT(jobs(), ElementsAre(job)) << "not under the other name yet";
  world.cluster.remove(job);
  world.cluster.put(job, std::move(*late));
  world.run_for(5min);
  EXPECT_THAT(jobs(), ElementsAre(job)) << "the late one is the one";
  world.cluster.remove(job);
  world.run_for(5min);
  EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(StaleKnowledge, of_such_a_creation_is_remembered_though_the_checkpoint_could_not_be_written) {
  start_with_a_job();
  bool lost = false, refused = false;
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what == "POST " + FakeWorld::jobs() && !std::exchange(lost, true))
      return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
    if (what == "PUT " + FakeWorld::path("alpha") + "/status" && lost && !std::exchange(refused, true))
      return FakeCluster::refused();
    return std::nullopt;
  };
  world.blobs.overwrite("alpha", "a.csv");
  world.run_for(1min);
  ASSERT_TRUE(refused);
  EXPECT_THAT(jobs(), ElementsAre(job)) << "not under the other name yet";
  world.run_for(2min);
  EXPECT_THAT(jobs(), testing::SizeIs(2));
}

// The one that is on its way bears the other name, and nothing of it could be written down.
TEST_F(StaleKnowledge, of_a_creation_under_the_other_name_is_remembered_with_its_name) {
  start_with_a_job();
  std::optional<json::object> late;
  bool refused = false;
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what == "POST " + FakeWorld::jobs() && !late &&
        find_string(world.cluster.last_body(), {"metadata", "name"}) != "alpha-a.csv") {
      late = world.cluster.last_body();
      return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
    }
    if (what == "PUT " + FakeWorld::path("alpha") + "/status" && late && !std::exchange(refused, true)) {
      world.cluster.remove(job);  // the ordinary name is free from here on
      return FakeCluster::refused();
    }
    return std::nullopt;
  };
  world.blobs.overwrite("alpha", "a.csv");
  world.run_for(1min);
  ASSERT_TRUE(refused);
  EXPECT_THAT(jobs(), testing::SizeIs(1));
  EXPECT_THAT(jobs(), testing::Not(testing::Contains(job)))
      << "the name that it was sent under, and no other";
}

TEST_F(StaleKnowledge, of_a_lost_creation_makes_it_under_the_other_name_in_the_end) {
  start_with_a_job();
  bool lost = false;
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what != "POST " + FakeWorld::jobs() || std::exchange(lost, true)) return std::nullopt;
    return fail(ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost");
  };
  world.blobs.overwrite("alpha", "a.csv");
  world.run_for(3min);
  EXPECT_THAT(jobs(), testing::SizeIs(2));
}

}  // namespace
}  // namespace abo::controllers
