// Dates and waits. Fields with a NUL between them: a date, another one that is read by the same reader, the values of
// Retry-After, retry-after-ms and x-ms-retry-after-ms. What is read as a date is written as one that reads the same, and
// no server can make us wait for less than nothing or more than a day.
#include <fmt/format.h>

#include "base/time.h"
#include "listing/modified_reader.h"
#include "net/http.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using namespace std::chrono_literals;

void check_dates(std::string_view text) {
  if (auto time = parse_rfc1123(text)) {
    require(parse_rfc1123(format_rfc1123(*time)) == time,
            fmt::format("\"{}\", {}", text, format_rfc1123(*time)));
    require(parse_rfc3339(format_rfc3339(*time)) == time,
            fmt::format("\"{}\", {}", text, format_rfc3339(*time)));
  }
  if (auto time = parse_rfc3339(text)) {
    require(parse_rfc3339(format_rfc3339(*time)) == time,
            fmt::format("\"{}\", {}", text, format_rfc3339(*time)));
    require(parse_rfc1123(format_rfc1123(*time)) == time,
            fmt::format("\"{}\", {}", text, format_rfc1123(*time)));
    require(parse_rfc3339(format_rfc3339_millis(*time + 7ms)) == time, "fractions are dropped");
    require(parse_rfc3339(format_rfc3339_micros(*time + 999ms)) == time, "fractions are dropped");
  }
}

// The reader of listings remembers the last day: the order of what it reads must not matter.
void check_reader(std::string_view first, std::string_view second) {
  listing::ModifiedReader reader;
  for (std::string_view text : {first, second, first, second}) {
    require(reader.read(text) == parse_rfc1123(text), fmt::format("\"{}\" behind another date", text));
  }
}

void check_wait(std::string_view retry_after, std::string_view ms, std::string_view x_ms, ServiceTime now) {
  net::Response response{.status = 503,
                         .headers = {{"retry-after", std::string(retry_after)},
                                     {"retry-after-ms", std::string(ms)},
                                     {"x-ms-retry-after-ms", std::string(x_ms)}}};
  auto wait = net::retry_after(response, now);
  if (wait) require(*wait >= 0ms && *wait <= 24h, fmt::format("a wait of {} ms", wait->count()));
  bool said = !retry_after.empty() || !ms.empty() || !x_ms.empty();
  require(said || !wait, "no wait that nobody asked for");
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo::fuzz;
  std::string_view input = text_of(data, size);
  std::string_view first = take_field(input), second = take_field(input);
  std::string_view retry_after = take_field(input), ms = take_field(input), x_ms = take_field(input);
  check_dates(first);
  check_dates(second);
  check_reader(first, second);
  abo::ServiceTime now = *abo::parse_rfc3339("2026-11-22T05:30:00Z");
  check_wait(retry_after, ms, x_ms, now);
  if (auto time = abo::parse_rfc3339(first)) check_wait(retry_after, ms, x_ms, *time);
  return 0;
}
