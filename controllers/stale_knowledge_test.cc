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
  world.edit("alpha", {{"jobTemplate",
                        {{"kind", "Job"},
                         {"template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: new}\nspec: {}"}}}});
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
  world.add("alpha");
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(1min);
  std::string job = FakeWorld::jobs() + "/alpha-a.csv";
  ASSERT_THAT(jobs(), ElementsAre(job));
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  world.cluster.remove(job);
  world.blobs.overwrite("alpha", "a.csv");
  bool lost = false;
  world.cluster.lose = [&](const std::string& what) {
    return !lost && (lost = what.starts_with("POST " + FakeWorld::jobs()));
  };
  for (int i = 0; i < 700 && !lost; ++i) world.run_for(100ms);
  ASSERT_TRUE(lost);
  world.edit("alpha", {{"jobTemplate",
                        {{"kind", "Job"},
                         {"template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: new}\nspec: {}"}}}});
  world.run_for(5min);
  EXPECT_THAT(jobs(), ElementsAre(job));
}

}  // namespace
}  // namespace abo::controllers
