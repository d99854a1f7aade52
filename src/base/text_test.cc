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

}  // namespace
}  // namespace abo
