#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/base64.h"
#include "base/percent_encoding.h"
#include "base/trigger_key.h"

namespace abo {
namespace {

RC_GTEST_PROP(PercentEncoding, decoding_undoes_encoding, (const std::string& text)) {
  RC_ASSERT(percent_decode(percent_encode(text)) == text);
  RC_ASSERT(percent_decode(percent_encode_path(text)) == text);
}

RC_GTEST_PROP(PercentEncoding, leaves_only_unreserved_bytes, (const std::string& text)) {
  RC_ASSERT(percent_encode(text).find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") == std::string::npos);
}

TEST(PercentEncoding, keeps_the_slash_of_paths_only) {
  EXPECT_EQ(percent_encode_path("dir/a b+\xC3\xBC.txt"), "dir/a%20b%2B%C3%BC.txt");
  EXPECT_EQ(percent_encode("dir/a"), "dir%2Fa");
}

TEST(PercentEncoding, refuses_a_broken_escape) {
  for (const char* text : {"%", "%4", "a%zz", "%4g"}) EXPECT_FALSE(percent_decode(text)) << text;
}

RC_GTEST_PROP(Base64, decoding_undoes_encoding, (const std::string& text)) {
  RC_ASSERT(base64_decode(base64_encode(text)) == text);
}

TEST(Base64, is_strict) {
  for (const char* text : {"a", "ab", "abc", "ab=c", "a===", "====", "ab c", "abc\n", "ab-_"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_EQ(base64_decode(""), "");
}

TEST(TriggerKey, is_a_stable_function_of_its_four_parts) {
  auto key = TriggerKey::of("uid", "https://a.blob.core.windows.net/c", "raw/mydata.csv", "0x8D");
  EXPECT_EQ(key, TriggerKey::of("uid", "https://a.blob.core.windows.net/c", "raw/mydata.csv", "0x8D"));
  EXPECT_EQ(key.hex().size(), 32u);
  EXPECT_EQ(key.hex().substr(0, 8), key.short_hex());
  // Written down once: objects in clusters carry it.
  EXPECT_EQ(key.hex(), "409582dbae09d84c5e503452fc9eea7c");
}

TEST(TriggerKey, of_a_replayed_version_is_another_one) {
  auto key = TriggerKey::of("uid", "https://a.blob.core.windows.net/c", "raw/mydata.csv", "0x8D",
                            "2026-11-22T05:30:00Z");
  EXPECT_EQ(key.hex(), "1cc3d735885da47215bd958dca9a96bc");
}

TEST(TriggerKey, reads_its_own_hex_and_nothing_else) {
  auto key = TriggerKey::of("uid", "url", "name", "etag");
  EXPECT_EQ(TriggerKey::from_hex(key.hex()), key);
  for (const char* text :
       {"", "00", "+b4ac17b1cd44ccf2b5fae2ba5ff64e8", "zb4ac17b1cd44ccf2b5fae2ba5ff64e88"}) {
    EXPECT_FALSE(TriggerKey::from_hex(text)) << text;
  }
}

TEST(TriggerKey, keeps_its_parts_apart) {
  EXPECT_NE(TriggerKey::of("ab", "c", "d", "e"), TriggerKey::of("a", "bc", "d", "e"));
  EXPECT_NE(TriggerKey::of("a", "b", "cd", "e"), TriggerKey::of("a", "b", "c", "de"));
  EXPECT_NE(TriggerKey::of("a", "b", "c", "de"), TriggerKey::of("a", "b", "c", "d", "e"));
}

}  // namespace
}  // namespace abo
