// Two kinds of time that must not be mixed up: wall time, for people and for comparing with what services
// say, and monotonic time, for intervals. Plus the three text forms services write. Pure: whoever needs "now"
// gets a Clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace abo {

// Wall time. Services give whole seconds; ours has milliseconds.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// A blob's Last-Modified, or a service's Date: whole seconds, always the service's clock, never ours.
using ServiceTime = std::chrono::sys_seconds;

// A clock that runs through suspend (CLOCK_BOOTTIME) and is never set: for intervals, deadlines and the
// lease.
struct MonoClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

// Where time comes from. One real one exists (runtime/system_clock.h); tests bring their own.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual MonoTime mono() const = 0;
};

// "2026-11-22T05:30:00Z". Offsets and fractions are read (fractions of a second are dropped).
[[nodiscard]] std::optional<ServiceTime> parse_rfc3339(std::string_view text);
[[nodiscard]] std::string format_rfc3339(ServiceTime time);
[[nodiscard]] std::string format_rfc3339_millis(WallTime time);  // "2026-11-22T05:30:00.123Z"
[[nodiscard]] std::string format_rfc3339_micros(
    WallTime time);  // "2026-11-22T05:30:00.123000Z", Kubernetes' MicroTime

// "Sun, 22 Nov 2026 05:30:00 GMT", the form of HTTP's Date and of List Blobs' Last-Modified. The weekday is
// not checked.
[[nodiscard]] std::optional<ServiceTime> parse_rfc1123(std::string_view text);
[[nodiscard]] std::string format_rfc1123(ServiceTime time);

}  // namespace abo
