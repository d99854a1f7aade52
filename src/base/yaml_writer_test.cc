#include "base/yaml_writer.h"

#include <gtest/gtest.h>

namespace abo {
namespace {

std::string yaml(std::string_view text) {
  return to_yaml(json::parse(text));
}

TEST(YamlWriter, writes_blocks) {
  EXPECT_EQ(
      yaml(
          R"({"kind": "Job", "metadata": {"labels": {}, "finalizers": ["a/b", "c"]}, "list": [[1, 2], {"a": 1, "b": [true]}, []]})"),
      "kind: Job\n"
      "metadata:\n"
      "  labels: {}\n"
      "  finalizers:\n"
      "    - a/b\n"
      "    - c\n"
      "list:\n"
      "  - - 1\n"
      "    - 2\n"
      "  - a: 1\n"
      "    b:\n"
      "      - true\n"
      "  - []\n");
}

TEST(YamlWriter, quotes_what_would_be_read_as_something_else) {
  for (const char* text :
       {"yes", "Off",  "null", "~",  "1",  "0o17", "1e3", "0x1F", "2026-11-22", "12:30:45", "-",
        "- a", "a: b", "a #b", " a", "a ", "a:",   "#a",  "!t",   "&a",         "*a",       "{a",
        "[a",  ".inf", "%a",   "@a", "?",  "",     "=",   "<<",   "true",       "N"}) {
    EXPECT_EQ(to_yaml(json::string(text)), '"' + std::string(text) + "\"\n");
  }
  for (const char* text :
       {"raw/mydata.csv", "${BLOB_NAME}", "a b", "a#b", "http://x:1/y", "$(x)", "/bin/sh"}) {
    EXPECT_EQ(to_yaml(json::string(text)), std::string(text) + "\n");
  }
}

TEST(YamlWriter, keeps_backslashes_readable) {
  EXPECT_EQ(to_yaml(json::string(".*\\.csv$")), "'.*\\.csv$'\n");
  EXPECT_EQ(to_yaml(json::string("'a' \\ \"b\"")), "\"'a' \\\\ \\\"b\\\"\"\n");
}

TEST(YamlWriter, escapes_what_readers_take_for_line_breaks_or_refuse) {
  EXPECT_EQ(to_yaml(json::string("a\r\t\x01\x7F")), "\"a\\r\\t\\x01\\x7F\"\n");
  EXPECT_EQ(to_yaml(json::string("a\xC2\x85"
                                 "b\xE2\x80\xA8"
                                 "c\xEF\xBB\xBF")),
            "\"a\\u0085b\\u2028c\\uFEFF\"\n");
  EXPECT_EQ(to_yaml(json::string("\xC3\xBC")), "\"\xC3\xBC\"\n");
}

TEST(YamlWriter, writes_scripts_as_literal_blocks_with_the_right_end) {
  EXPECT_EQ(yaml(R"({"a": "x\n  y\n"})"), "a: |\n  x\n    y\n");
  EXPECT_EQ(yaml(R"({"a": "x\n\ny"})"), "a: |-\n  x\n\n  y\n");
  EXPECT_EQ(yaml(R"({"a": "x\n\n"})"), "a: |+\n  x\n\n");
  EXPECT_EQ(yaml(R"({"a": "\nx"})"), "a: \"\\nx\"\n");
  EXPECT_EQ(yaml(R"({"a": " x\ny"})"), "a: \" x\\ny\"\n");
}

TEST(YamlWriter, folds_long_prose) {
  std::string word(30, 'w');
  std::string prose = word + " " + word + " " + word + " " + word;
  EXPECT_EQ(to_yaml(json::object{{"a", prose}}),
            "a: >-\n  " + word + " " + word + " " + word + "\n  " + word + "\n");
}

TEST(YamlWriter, does_not_fold_where_folding_would_lose_a_space) {
  std::string prose = std::string(50, 'w') + "  " + std::string(50, 'w');
  EXPECT_EQ(to_yaml(json::object{{"a", prose}}), "a: " + prose + "\n");
}

}  // namespace
}  // namespace abo
