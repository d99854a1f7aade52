#include "base/text.h"

#include <gtest/gtest.h>

namespace abo {
namespace {

TEST(BoundedText, is_cut_between_characters) {
  EXPECT_EQ(bounded_text(std::string(511, 'x') + "äää"), std::string(511, 'x') + "...");
  EXPECT_EQ(bounded_text("äöü", 4), "äö...");
  EXPECT_EQ(bounded_text("äöü"), "äöü");
}

TEST(BoundedText, has_no_control_characters) {
  using namespace std::string_view_literals;
  EXPECT_EQ(bounded_text("a\nb\x7f"
                         "c\0d\n\n"sv),
            "a b c d");
}

TEST(BoundedText, cuts_behind_a_credential_and_not_within) {
  EXPECT_EQ(bounded_text("sig=0123456789abcdef", 10), "sig=(redac...");
}

TEST(BoundedText, has_nothing_that_a_terminal_obeys) {
  EXPECT_EQ(bounded_text("a\xC2\x9B"
                         "2Jb"),
            "a 2Jb");  // CSI in one character
  EXPECT_EQ(bounded_text("a\xE2\x80\xAE"
                         "b\xE2\x81\xA6"
                         "c"),
            "a b c");  // turn the direction of writing
  EXPECT_EQ(bounded_text("a\xE2\x80\xA8"
                         "b\xE2\x80\x8F"
                         "c"),
            "a b c");
  EXPECT_EQ(bounded_text("\xC2\xA0\xE2\x80\xB0\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "\xC2\xA0\xE2\x80\xB0\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(bounded_text("\xE2\x80"), "\xE2\x80");  // not UTF-8: for whoever writes it to mend
}

}  // namespace
}  // namespace abo
