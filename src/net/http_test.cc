#include "net/http.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace abo::net {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::sys_seconds kNow = std::chrono::sys_days{std::chrono::November / 22 / 2026};

std::optional<milliseconds> after(Headers headers) {
  return retry_after(Response{503, std::move(headers), ""}, kNow);
}

TEST(RetryAfter, is_nothing_without_the_header) {
  EXPECT_EQ(after({{"date", "x"}}), std::nullopt);
}

TEST(RetryAfter, counts_seconds) {
  EXPECT_EQ(after({{"retry-after", "7"}}), milliseconds(7000));
}

TEST(RetryAfter, reads_a_date_against_the_given_now) {
  EXPECT_EQ(after({{"retry-after", "Sun, 22 Nov 2026 00:00:30 GMT"}}), milliseconds(30'000));
}

TEST(RetryAfter, reads_a_date_against_the_answers_own_whatever_this_machines_clock_says) {
  EXPECT_EQ(
      after({{"date", "Sat, 21 Nov 2026 12:00:00 GMT"}, {"retry-after", "Sat, 21 Nov 2026 12:00:09 GMT"}}),
      milliseconds(9'000));
}

TEST(RetryAfter, is_zero_for_a_date_in_the_past) {
  EXPECT_EQ(after({{"retry-after", "Sat, 21 Nov 2026 00:00:30 GMT"}}), milliseconds(0));
}

TEST(RetryAfter, prefers_azures_milliseconds) {
  EXPECT_EQ(after({{"retry-after", "7"}, {"x-ms-retry-after-ms", "250"}}), milliseconds(250));
  EXPECT_EQ(after({{"retry-after", "7"}, {"retry-after-ms", "20"}}), milliseconds(20));
}

TEST(RetryAfter, ignores_what_it_cannot_read) {
  EXPECT_EQ(after({{"retry-after", "soon"}}), std::nullopt);
  EXPECT_EQ(after({{"retry-after", "-1"}}), std::nullopt);
  EXPECT_EQ(after({{"retry-after", "1.5"}}), std::nullopt);
  EXPECT_EQ(after({{"retry-after", "99999999999999999999999"}}), std::nullopt);
}

TEST(RetryAfter, never_asks_for_more_than_a_day) {
  EXPECT_EQ(after({{"retry-after", "9223372036854775807"}}), std::chrono::hours(24));
  EXPECT_EQ(after({{"retry-after", "Sun, 22 Nov 2099 00:00:30 GMT"}}), std::chrono::hours(24));
}

TEST(Response, gives_the_first_of_equal_headers_and_nothing_for_an_absent_one) {
  const Response response{200, {{"a", "1"}, {"a", "2"}}, ""};
  EXPECT_EQ(response.header("a"), "1");
  EXPECT_EQ(response.header("b"), "");
}

}  // namespace
}  // namespace abo::net
