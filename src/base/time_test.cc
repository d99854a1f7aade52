#include "base/time.h"

#include <gtest/gtest.h>

namespace abo {
namespace {

ServiceTime at(std::int64_t seconds) {
  return ServiceTime{std::chrono::seconds{seconds}};
}

TEST(Rfc3339, reads_what_it_writes) {
  for (std::int64_t s : {0LL, 1795325400LL, 951782399LL, 951782400LL, 4102444800LL}) {
    EXPECT_EQ(parse_rfc3339(format_rfc3339(at(s))), at(s));
  }
}

TEST(Rfc3339, understands_offsets_and_drops_fractions) {
  EXPECT_EQ(parse_rfc3339("2026-11-22T06:30:00.999+01:00"), parse_rfc3339("2026-11-22T05:30:00Z"));
  EXPECT_EQ(format_rfc3339(*parse_rfc3339("2026-11-22T00:30:00-05:00")), "2026-11-22T05:30:00Z");
}

TEST(Rfc3339, refuses_what_is_no_time) {
  for (const char* text :
       {"", "2026-11-22", "2026-13-22T05:30:00Z", "2026-02-30T05:30:00Z", "2026-11-22T25:30:00Z",
        "2026-11-22T05:30:00", "2026-11-22T05:30:00.Z", "2026-11-22T05:30:00+0100", "2026-11-22T05:30:00Zx",
        "not a time at all, really", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Rfc1123, reads_what_it_writes) {
  auto time = parse_rfc1123("Sun, 22 Nov 2026 05:30:00 GMT");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_rfc3339(*time), "2026-11-22T05:30:00Z");
  EXPECT_EQ(format_rfc1123(*time), "Sun, 22 Nov 2026 05:30:00 GMT");
}

TEST(Rfc1123, refuses_what_is_no_time) {
  for (const char* text :
       {"", "Sun, 22 Nov 2026 05:30:00 CET", "Sun, 22 nov 2026 05:30:00 GMT", "Sun, 32 Nov 2026 05:30:00 GMT",
        "Sun, 22 Nov 2026 05:30:00", "Fri, 31 Dec 9999 23:59:60 GMT"}) {
    EXPECT_FALSE(parse_rfc1123(text)) << text;
  }
}

TEST(WallTime, is_written_with_millis_and_micros) {
  WallTime time{std::chrono::milliseconds{1795325400123}};
  EXPECT_EQ(format_rfc3339_millis(time), "2026-11-22T05:30:00.123Z");
  EXPECT_EQ(format_rfc3339_micros(time), "2026-11-22T05:30:00.123000Z");
}

}  // namespace
}  // namespace abo
