#include "controllers/poll_schedule.h"

#include <gtest/gtest.h>

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;

// After a poll that began at 0 and ended at `now`, with an interval of 10 s: seconds from its end to the next.
std::chrono::milliseconds pause_after(const PassResult& result, std::chrono::milliseconds now) {
  PollTimes times{.started = MonoTime{0s}, .now = MonoTime{now}, .interval = 10s};
  return std::chrono::duration_cast<std::chrono::milliseconds>(next_poll(result, times, [] { return 0.5; }) -
                                                               times.now);
}

TEST(NextPoll, comes_at_the_interval_after_the_last_start) {
  EXPECT_EQ(pause_after({.listing = 20ms}, 4s), 6s);
}

TEST(NextPoll, comes_soon_after_a_poll_that_created_for_longer_than_the_interval) {
  EXPECT_EQ(pause_after({.listing = 20ms}, 60s), 250ms);
}

TEST(NextPoll, leaves_half_of_the_time_to_others_when_listing_takes_longer_than_the_interval) {
  EXPECT_EQ(pause_after({.listing = 15s}, 15s), 15s);
}

TEST(NextPoll, of_a_backlog_comes_as_soon_as_listing_costs_allow) {
  EXPECT_EQ(pause_after({.more = More::Now, .listing = 100ms}, 4s), 250ms);
  EXPECT_EQ(pause_after({.more = More::Now, .listing = 2s}, 4s), 2s);
}

}  // namespace
}  // namespace abo::controllers
