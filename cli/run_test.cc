#include "cli/run.h"

#include <gtest/gtest.h>

namespace abo::cli {
namespace {

TEST(Run, watches_a_namespace_once_however_often_it_is_named) {
  EXPECT_EQ(each_once({"b", "a", "b", "a"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(each_once({}).empty());
}

}  // namespace
}  // namespace abo::cli
