#include "base/pruned_json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace abo {
namespace {

// A value in so many others, arrays and objects by turns, with texts beside it that fool a bracket counter.
json::value nested(int depth, json::value inner) {
  for (int i = 0; i < depth; ++i) {
    if (i % 2 == 0) {
      inner = json::array{"]}\\", std::move(inner), "[{\""};
    } else {
      inner = json::object{{"\"}", 1}, {"in", std::move(inner)}, {"after", true}};
    }
  }
  return inner;
}

TEST(Json, is_refused_when_it_is_nested_deeper_than_128) {
  EXPECT_TRUE(parse_json(json::serialize(nested(128, 7))));
  EXPECT_FALSE(parse_json(json::serialize(nested(129, 7))));
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
}

RC_GTEST_PROP(PrunedJson, is_the_value_with_null_in_place_of_what_is_nested_too_deep, ()) {
  int depth = *rc::gen::inRange(100, 160);
  auto read = parse_json_pruned(json::serialize(nested(depth, 7)));
  RC_ASSERT(read.has_value());
  // nested() builds from the inside: the outermost 128 are the last ones.
  json::value expected = 7;
  for (int i = 0; i < depth; ++i) {
    if (depth - i == 128 && i > 0) expected = nullptr;
    expected = i % 2 == 0
                   ? json::value(json::array{"]}\\", std::move(expected), "[{\""})
                   : json::value(json::object{{"\"}", 1}, {"in", std::move(expected)}, {"after", true}});
  }
  RC_ASSERT(*read == expected);
}

TEST(PrunedJson, is_refused_when_it_is_no_json_at_whatever_depth) {
  std::string deep(200, '[');
  for (std::string text :
       {deep, deep + "\"", deep + "\\", deep + std::string(199, ']'), deep + std::string(201, ']'),
        "{\"a\":" + deep + std::string(200, ']'), std::string("]["), std::string()}) {
    EXPECT_FALSE(parse_json_pruned(text)) << text;
  }
  EXPECT_TRUE(parse_json_pruned(deep + std::string(200, ']') + " \n"));
}

}  // namespace
}  // namespace abo
