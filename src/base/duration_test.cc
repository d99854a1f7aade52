#include "base/duration.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace abo {
namespace {

using namespace std::chrono_literals;

TEST(Duration, is_read_as_go_reads_it_and_as_plain_seconds) {
  EXPECT_EQ(parse_duration("30"), 30s);
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("1h2m3s4ms5us6ns"), 1h + 2min + 3s + 4ms + 5us + 6ns);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration(".5s"), 500ms);
  EXPECT_EQ(parse_duration("0"), 0s);
}

TEST(Duration, is_nothing_else) {
  for (const char* text : {"",     "s",    "-1s",   "+1s",     "1 s",
                           " 1s",  "1s ",  "1d",    "1M",      "1S",
                           "1sec", "1m30", "1e3s",  "0x10",    "inf",
                           "nan",  ".",    "1..5s", "999999h", "99999999999999999999999999999999999s",
                           "1s-1s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Duration, is_written_in_the_units_that_it_fills) {
  EXPECT_EQ(format_duration(30s), "30s");
  EXPECT_EQ(format_duration(5min), "5m");
  EXPECT_EQ(format_duration(1h), "1h");
  EXPECT_EQ(format_duration(24h), "24h");
  EXPECT_EQ(format_duration(90s), "1m30s");
  EXPECT_EQ(format_duration(0s), "0s");
}

RC_GTEST_PROP(Duration, reads_what_it_wrote, (std::uint16_t seconds)) {
  RC_ASSERT(parse_duration(format_duration(std::chrono::seconds{seconds})) == std::chrono::seconds{seconds});
}

}  // namespace
}  // namespace abo
