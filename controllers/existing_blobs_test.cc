// What a new watcher does with the blobs that are there, when nobody has chosen: up to a thousand are triggered.
#include <gtest/gtest.h>

#include "controllers/scheduled_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;

struct ExistingBlobs : ScheduledWorld {
  void upload(int blobs, int times_listed) {
    for (int i = 0; i < blobs * times_listed; ++i)
      world.blobs.upload("alpha", fmt::format("{}.csv", i % blobs));
  }
  void watch() {
    world.add("alpha", {{"maxActive", 0}});
    world.start();
    world.run_for(1min);
  }
};

TEST_F(ExistingBlobs, more_than_a_thousand_hold_the_watcher) {
  upload(1001, 1);
  watch();
  EXPECT_EQ(world.reason("alpha"), "TooManyExistingBlobs");
  EXPECT_EQ(jobs(), 0u);
}

TEST_F(ExistingBlobs, rows_that_a_service_repeats_count_once) {
  upload(600, 2);
  watch();
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
  EXPECT_EQ(jobs(), 600u);
}

}  // namespace
}  // namespace abo::controllers
