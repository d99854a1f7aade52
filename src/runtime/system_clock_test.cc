#include "runtime/system_clock.h"

#include <gtest/gtest.h>

namespace abo::runtime {
namespace {

TEST(SystemClock, tells_the_machines_wall_time) {
  const SystemClock clock;
  const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const WallTime now = clock.wall();
  EXPECT_GE(now, before);
  EXPECT_LE(now, std::chrono::system_clock::now());
}

TEST(SystemClock, monotonic_time_never_goes_back) {
  const SystemClock clock;
  MonoTime last = clock.mono();
  for (int i = 0; i < 1000; ++i) {
    const MonoTime now = clock.mono();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, MonoTime{});
}

}  // namespace
}  // namespace abo::runtime
