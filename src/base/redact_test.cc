#include "base/redact.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/percent_encoding.h"

namespace abo {
namespace {

const std::string secret = "hunter2+hunter3/hunter4=";

TEST(Redacted, takes_out_what_stands_behind_a_mark) {
  EXPECT_EQ(redacted("see https://a/b?sv=1&sig=" + secret + "&se=2 there"),
            "see https://a/b?sv=1&sig=(redacted)&se=2 there");
  EXPECT_EQ(redacted("AccountName=a;AccountKey=" + secret + ";x"), "AccountName=a;AccountKey=(redacted);x");
  EXPECT_EQ(redacted("SIG%3D" + percent_encode(secret)), "SIG%3D(redacted)");
  EXPECT_EQ(redacted("Authorization: SharedKey acct:" + secret + "\" was"),
            "Authorization: SharedKey (redacted)\" was");
  EXPECT_EQ(redacted("a sig=" + secret + " and sig=" + secret), "a sig=(redacted) and sig=(redacted)");
}

TEST(Redacted, leaves_alone_what_is_none) {
  for (std::string_view text :
       {"", "no signature (sig)", "a bearer token.", "sig=", "sig= a longer sentence follows",
        "SharedKey is off", "sigh=aaaaaaaaaaaaaaaa"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(Redacted, with_little_work_however_many_marks_there_are) {
  std::string text;
  while (text.size() < 1U << 20) text += "sig= ";
  EXPECT_EQ(redacted(text), text);
  EXPECT_EQ(redacted(text + "bearer " + secret), text + "bearer (redacted)");
}

TEST(Reveals, in_any_encoding) {
  for (const std::string& text :
       {secret, secret.substr(3, 12), percent_encode(secret), percent_encode(percent_encode(secret)),
        base64_encode(secret), base64_encode("x" + secret), base64_encode("xy" + secret + "z"),
        percent_encode(base64_encode("https://a?sig=" + secret)), "100% of " + secret}) {
    EXPECT_TRUE(reveals("it says " + text + " there", secret)) << text;
  }
}

// Compared window by window this would be 10^10 steps.
TEST(Reveals, with_little_work_however_alike_text_and_secret_are) {
  std::string text, like(16U << 10, 'a');
  while (text.size() + 12 <= like.size()) text += "aaaaaaaaaaa%";
  EXPECT_FALSE(reveals(text, like));
}

TEST(Reveals, takes_it_for_granted_of_what_is_too_long_to_compare) {
  std::string endless(17U << 10, 'a');
  EXPECT_TRUE(reveals("something else entirely", endless));
  EXPECT_TRUE(reveals(endless, "something else entirely"));
}

TEST(Reveals, nothing_that_is_not_there) {
  EXPECT_FALSE(reveals("hunter2 and hunter3 and hunter4", secret));
  EXPECT_FALSE(reveals("", secret));
  EXPECT_FALSE(reveals("anything", ""));
  EXPECT_TRUE(reveals("a short one", "short"));
}

}  // namespace
}  // namespace abo
