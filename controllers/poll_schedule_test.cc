#include "controllers/poll_schedule.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

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

TEST(NextPoll, is_what_was_announced_unless_that_could_not_be_written) {
  EXPECT_EQ(pause_after({.listing = 20ms, .announced = MonoTime{5s}}, 4s), 1s);
  EXPECT_NE(pause_after({.unreported = true, .listing = 20ms, .announced = MonoTime{5s}}, 4s), 1s);
}

// Law: whatever a poll's end was, the next one is no hot loop, not before the server's wish and never further away than
// the interval, the listing's cost or that wish make it.
RC_GTEST_PROP(NextPoll, is_neither_too_soon_nor_too_late, ()) {
  auto some = [](std::int64_t most) {
    return std::chrono::milliseconds{*rc::gen::inRange<std::int64_t>(0, most)};
  };
  PassResult result{.failed = *rc::gen::arbitrary<bool>(), .again = *rc::gen::arbitrary<bool>()};
  result.more = *rc::gen::element(More::None, More::Now, More::WhenThereIsRoom);
  result.unreported = *rc::gen::arbitrary<bool>();
  result.listing = some(600'000);
  if (*rc::gen::arbitrary<bool>()) result.wish = some(600'000);
  if (*rc::gen::arbitrary<bool>()) result.retry_after = some(7'200'000);
  if (*rc::gen::arbitrary<bool>()) result.verdict.health = report::Health::Stalled;
  PollTimes times{.started = MonoTime{1h}, .now = MonoTime{1h} + some(600'000)};
  times.interval = std::chrono::seconds{*rc::gen::inRange(1, 86'401)};
  times.failures = *rc::gen::inRange(0U, 100U);
  double random = *rc::gen::inRange(0, 1000) / 1000.0;
  MonoTime due = next_poll(result, times, [&] { return random; });

  std::chrono::milliseconds patience =
      std::min<std::chrono::milliseconds>(result.retry_after.value_or(0ms), 1h);
  RC_ASSERT(due >= times.now + patience);
  RC_ASSERT(due >= times.now + 50ms);
  MonoTime regular = times.started + times.interval * 21 / 20 + 1ms;
  RC_ASSERT(due <= std::max({regular, times.now + breather(result.listing), times.now + patience}));
  if (result.failed) RC_ASSERT(due <= times.now + std::max<std::chrono::milliseconds>(5min, patience));
}

}  // namespace
}  // namespace abo::controllers
