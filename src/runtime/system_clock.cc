#include "runtime/system_clock.h"

#include <ctime>

namespace abo::runtime {
namespace {

std::chrono::nanoseconds read(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);  // cannot fail for these clocks
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

WallTime SystemClock::wall() const {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(read(CLOCK_REALTIME)));
}

MonoTime SystemClock::mono() const {
  return MonoTime(read(CLOCK_BOOTTIME));
}

}  // namespace abo::runtime
