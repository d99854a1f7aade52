#include "base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace abo {
namespace {

using std::chrono::day;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::month;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> weekday_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// The digits at [pos, pos + width), or nothing when one of them is none.
std::optional<int> digits(std::string_view text, std::size_t pos, std::size_t width) {
  if (pos + width > text.size()) return std::nullopt;
  int value = 0;
  for (char c : text.substr(pos, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<ServiceTime> assemble(int y, unsigned m, unsigned d, int hh, int mm, int ss) {
  year_month_day date{year{y}, month{m}, day{d}};
  if (!date.ok() || hh > 23 || mm > 59 || ss > 60) return std::nullopt;
  return sys_days{date} + hours{hh} + minutes{mm} + seconds{ss};
}

// Years have four digits here: what an offset or a leap second carries beyond them could not be written again.
std::optional<ServiceTime> writable(ServiceTime time) {
  if (time < sys_days{year{0} / 1 / 1} || time >= sys_days{year{10000} / 1 / 1}) return std::nullopt;
  return time;
}

// "hh:mm:ss" at `pos`.
struct TimeOfDay {
  int hh, mm, ss;
};
std::optional<TimeOfDay> time_of_day(std::string_view text, std::size_t pos) {
  auto hh = digits(text, pos, 2), mm = digits(text, pos + 3, 2), ss = digits(text, pos + 6, 2);
  if (!hh || !mm || !ss || text[pos + 2] != ':' || text[pos + 5] != ':') return std::nullopt;
  return TimeOfDay{*hh, *mm, *ss};
}

// "Z", "+01:00" or "-0530"-like ends of RFC 3339; only the form with a colon is legal.
std::optional<seconds> offset(std::string_view text) {
  if (text == "Z" || text == "z") return seconds{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  auto hh = digits(text, 1, 2), mm = digits(text, 4, 2);
  if (!hh || !mm || *hh > 23 || *mm > 59) return std::nullopt;
  seconds size = hours{*hh} + minutes{*mm};
  return text[0] == '-' ? -size : size;
}

std::string format_seconds(ServiceTime time, std::string_view fraction) {
  auto midnight = std::chrono::floor<std::chrono::days>(time);
  year_month_day date{midnight};
  std::chrono::hh_mm_ss clock{time - midnight};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(), fraction);
}

}  // namespace

std::optional<ServiceTime> parse_rfc3339(std::string_view text) {
  auto y = digits(text, 0, 4), m = digits(text, 5, 2), d = digits(text, 8, 2);
  if (!y || !m || !d || text[4] != '-' || text[7] != '-' || text.size() < 20) return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  auto clock = time_of_day(text, 11);
  if (!clock) return std::nullopt;
  std::size_t end = 19;
  if (text[end] == '.') {
    std::size_t first = ++end;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    if (end == first) return std::nullopt;
  }
  auto shift = offset(text.substr(end));
  auto time =
      assemble(*y, static_cast<unsigned>(*m), static_cast<unsigned>(*d), clock->hh, clock->mm, clock->ss);
  if (!time || !shift) return std::nullopt;
  return writable(*time - *shift);
}

std::string format_rfc3339(ServiceTime time) {
  return format_seconds(time, "");
}

std::string format_rfc3339_millis(WallTime time) {
  auto whole = std::chrono::floor<seconds>(time);
  return format_seconds(whole, fmt::format(".{:03}", (time - whole).count()));
}

std::string format_rfc3339_micros(WallTime time) {
  auto whole = std::chrono::floor<seconds>(time);
  return format_seconds(whole, fmt::format(".{:03}000", (time - whole).count()));
}

std::optional<ServiceTime> parse_rfc1123(std::string_view text) {
  // Sun, 22 Nov 2026 05:30:00 GMT
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  auto d = digits(text, 5, 2), y = digits(text, 12, 4);
  auto clock = time_of_day(text, 17);
  if (!d || !y || !clock) return std::nullopt;
  for (unsigned m = 0; m < month_names.size(); ++m) {
    if (text.substr(8, 3) == month_names[m]) {
      auto time = assemble(*y, m + 1, static_cast<unsigned>(*d), clock->hh, clock->mm, clock->ss);
      return time ? writable(*time) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::string format_rfc1123(ServiceTime time) {
  auto midnight = std::chrono::floor<std::chrono::days>(time);
  year_month_day date{midnight};
  std::chrono::hh_mm_ss clock{time - midnight};
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", weekday_names[std::chrono::weekday{midnight}.c_encoding()],
      static_cast<unsigned>(date.day()), month_names[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace abo
