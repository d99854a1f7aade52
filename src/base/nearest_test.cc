#include "base/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace abo {
namespace {

constexpr std::array<std::string_view, 3> known = {"BLOB_NAME", "BLOB_URL", "BLOB_SAFE_NAME"};

TEST(Nearest, finds_the_word_that_was_meant) {
  EXPECT_EQ(nearest("BLOB_NAM", known), "BLOB_NAME");
  EXPECT_EQ(nearest("blob_url", known), "BLOB_URL");
  EXPECT_EQ(nearest("BLOB_SAFENAME", known), "BLOB_SAFE_NAME");
}

TEST(Nearest, is_silent_when_nothing_is_near) {
  EXPECT_EQ(nearest("xyz", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(100000, 'B'), known), "");
  EXPECT_EQ(nearest("BLOB_NAME", {}), "");
}

TEST(Nearest, of_all_is_one_of_them_however_far) {
  EXPECT_EQ(nearest_of_all("xyz", known), "BLOB_URL");
  EXPECT_EQ(nearest_of_all(std::string(100000, 'B'), known), "BLOB_NAME");
  EXPECT_EQ(nearest_of_all("x", {}), "");
}

}  // namespace
}  // namespace abo
