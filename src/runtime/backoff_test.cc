#include "runtime/backoff.h"

#include <gtest/gtest.h>

namespace abo::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, stays_between_a_tenth_and_the_whole_of_a_bound_that_doubles_up_to_the_cap) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::mt19937_64 rng(seed);
    Backoff backoff({100ms, 2.0, 1000ms});
    for (const auto bound : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms, 1000ms}) {
      const auto wait = backoff.next(rng);
      EXPECT_GE(wait, bound / 10);
      EXPECT_LE(wait, bound);
    }
  }
}

TEST(Backoff, uses_the_whole_range) {
  std::mt19937_64 rng(1);
  auto least = 1000ms;
  auto most = 0ms;
  for (int i = 0; i < 1000; ++i) {
    Backoff backoff({1000ms, 2.0, 1000ms});
    const auto wait = backoff.next(rng);
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_LT(least, 150ms);
  EXPECT_GT(most, 950ms);
}

TEST(Backoff, starts_over_after_a_reset) {
  std::mt19937_64 rng(1);
  Backoff backoff({100ms, 2.0, 60'000ms});
  for (int i = 0; i < 8; ++i) static_cast<void>(backoff.next(rng));
  EXPECT_EQ(backoff.tries(), 8);
  backoff.reset();
  EXPECT_LE(backoff.next(rng), 100ms);
}

TEST(Backoff, never_overflows_however_long_an_outage_lasts) {
  std::mt19937_64 rng(1);
  Backoff backoff({800ms, 2.0, 60'000ms});
  for (int i = 0; i < 100'000; ++i) ASSERT_LE(backoff.next(rng), 60'000ms);
  EXPECT_GE(backoff.next(rng), 6000ms);
}

TEST(Jittered, keeps_to_the_fraction) {
  std::mt19937_64 rng(1);
  for (int i = 0; i < 1000; ++i) {
    const auto wait = jittered(60s, 0.1, rng);
    EXPECT_GE(wait, 54s);
    EXPECT_LE(wait, 66s);
  }
  EXPECT_EQ(jittered(60s, 0.0, rng), 60s);
}

}  // namespace
}  // namespace abo::runtime
