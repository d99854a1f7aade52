#include "render/yaml_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "tests/golden/golden.h"

namespace abo::render {
namespace {

using ::testing::HasSubstr;

bool same(const json::value& a, const json::value& b) {
  if (a.is_double() && b.is_double())
    return std::abs(a.get_double() - b.get_double()) <= 1e-15 * std::abs(b.get_double());
  if (a.is_array() && b.is_array()) {
    return std::ranges::equal(a.get_array(), b.get_array(), same);
  }
  if (a.is_object() && b.is_object()) {
    return a.get_object().size() == b.get_object().size() &&
           std::ranges::all_of(a.get_object(), [&](const auto& member) {
             const json::value* other = b.get_object().if_contains(member.key());
             return other && same(member.value(), *other);
           });
  }
  return a == b;
}

json::value read(std::string_view text) {
  auto value = read_yaml(text);
  EXPECT_TRUE(value) << text << "\n" << value.error().message;
  return value ? *value : json::value{};
}

std::string refused(std::string_view text, const YamlOptions& options = {}) {
  auto value = read_yaml(text, options);
  EXPECT_FALSE(value) << text << "\n" << (value ? json::serialize(*value) : "");
  if (value) return "";
  EXPECT_EQ(value.error().kind, ErrorKind::Invalid);
  return value.error().message;
}

// yaml_as_kubectl.json was made by sigs.k8s.io/yaml (see tests/golden/README.md).
TEST(YamlReader, reads_every_golden_case_as_kubectl_does) {
  json::value table = json::parse(testing::golden("yaml_as_kubectl.json"));
  ASSERT_GT(table.get_array().size(), 400u);
  for (const json::value& row : table.get_array()) {
    std::string text(row.at("yaml").get_string());
    auto documents = read_yaml_documents(text);
    if (row.get_object().contains("error")) {
      EXPECT_FALSE(documents) << text << "\nkubectl: " << row.at("error");
      continue;
    }
    ASSERT_TRUE(documents) << text << "\n" << documents.error().message << "\nkubectl: " << row.at("json");
    ASSERT_LE(documents->size(), 1u) << text;
    json::value mine = documents->empty() ? json::value{} : documents->front().value;
    EXPECT_TRUE(same(mine, row.at("json"))) << text << "\nwe: " << mine << "\nkubectl: " << row.at("json");
  }
}

// Where we differ on purpose: JSON's \/ is read (kubectl reads such files as JSON), !!timestamp is refused.
TEST(YamlReader, reads_the_escaped_slash_of_json) {
  EXPECT_EQ(read(R"(a: "\/")"), json::parse(R"({"a":"/"})"));
}
TEST(YamlReader, refuses_the_timestamp_tag_clearly) {
  EXPECT_THAT(refused("a: !!timestamp 2001-12-14"), HasSubstr("line 1, column 4: the tag !!timestamp"));
}

TEST(YamlReader, keeps_whole_numbers_whole) {
  EXPECT_TRUE(read("a: 1e3").at("a").is_int64());
  EXPECT_TRUE(read("a: 18446744073709551615").at("a").is_uint64());
  EXPECT_TRUE(read("a: 18446744073709551616").at("a").is_double());
}

TEST(YamlReader, refuses_duplicate_keys_and_says_where) {
  EXPECT_EQ(refused("a: 1\nb: 2\na: 3\n"), "line 3, column 1: the key \"a\" stands twice in this mapping");
  EXPECT_THAT(refused("{1: a, '1': b}"), HasSubstr("twice"));
  EXPECT_THAT(refused("a: &a {x: 1}\nb: {<<: *a, x: 2, x: 3}\n"), HasSubstr("twice"));
}

TEST(YamlReader, says_line_and_column_of_what_is_wrong) {
  EXPECT_THAT(refused("a: 1\nb: [1\nc: 2\n"), HasSubstr("line 3, column 2: did not find expected"));
  EXPECT_THAT(refused("a:\n\tb: 1\n"), HasSubstr("tabs cannot indent YAML: use spaces"));
  EXPECT_THAT(refused("a: \xFF"), HasSubstr("byte 3"));
  EXPECT_THAT(refused("a: [${X}]\n"), HasSubstr("needs quotes"));
}

TEST(YamlReader, refuses_several_documents_and_says_where_the_second_begins) {
  EXPECT_THAT(refused("a: 1\n---\nb: 2\n"), HasSubstr("line 3: 2 YAML documents"));
  EXPECT_THAT(refused(""), HasSubstr("empty"));
  EXPECT_THAT(refused("# nothing\n---\n"), HasSubstr("empty"));
}

TEST(YamlReader, ignores_empty_documents_around_the_one) {
  for (const char* text :
       {"---\na: 1\n", "a: 1\n---\n", "---\n---\na: 1\n---\n# end\n", "a: 1\n...\n---\n~\n"}) {
    EXPECT_EQ(read(text), json::parse(R"({"a":1})")) << text;
  }
}

TEST(YamlReader, keeps_anchors_within_their_document) {
  auto documents = read_yaml_documents("a: &x 1\n---\nb: *x\n");
  ASSERT_FALSE(documents);
  EXPECT_THAT(documents.error().message, HasSubstr("line 3, column 4"));
}

TEST(YamlReader, refuses_a_text_over_its_limit) {
  EXPECT_THAT(refused(std::string(300 << 10, 'a')), HasSubstr("at most 262144"));
}

TEST(YamlReader, refuses_depth_over_its_limit_also_by_aliases) {
  auto nested = [](std::size_t depth, const std::string& core) {
    return std::string(depth, '[') + core + std::string(depth, ']');
  };
  EXPECT_TRUE(read_yaml(nested(100, "x")));
  EXPECT_THAT(refused(nested(101, "x")), HasSubstr("deeper than 100"));
  EXPECT_THAT(refused(nested(5000, "x")), HasSubstr("line 1"));
  EXPECT_TRUE(read_yaml("[&a " + nested(50, "x") + ", " + nested(49, "*a") + "]"));
  EXPECT_THAT(refused("[&a " + nested(50, "x") + ", " + nested(50, "*a") + "]"), HasSubstr("deeper"));
}

TEST(YamlReader, refuses_aliases_that_expand_without_bound) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    text += fmt::format("{}: &{} [", c, c);
    for (int i = 0; i < 10; ++i) text += fmt::format("*{}, ", static_cast<char>(c - 1));
    text += "]\n";
  }
  EXPECT_THAT(refused(text), HasSubstr("expand to too much"));
}

TEST(YamlReader, knows_the_line_of_every_value) {
  YamlOptions options;
  options.record_lines = true;
  auto document = read_yaml_document("---\na: 1\nb/c:\n- x\n-\n  d: |\n    text\n", options);
  ASSERT_TRUE(document);
  EXPECT_EQ(document->line_of(""), 2u);
  EXPECT_EQ(document->line_of("/a"), 2u);
  EXPECT_EQ(document->line_of("/b~1c"), 3u);
  EXPECT_EQ(document->line_of("/b~1c/0"), 4u);
  EXPECT_EQ(document->line_of("/b~1c/1/d"), 6u);
  EXPECT_EQ(document->line_of("/b~1c/1/d/not/there"), 6u);
}

TEST(YamlReader, writes_paths_as_people_do) {
  EXPECT_EQ(readable_path("/spec/containers/0/env"), "spec.containers[0].env");
  EXPECT_EQ(readable_path("/metadata/labels/a.b~1c"), "metadata.labels[\"a.b/c\"]");
  EXPECT_EQ(readable_path(""), "");
}

TEST(YamlReader, uses_the_reason_it_was_given) {
  YamlOptions options;
  options.reason = Reason::InvalidSpec;
  EXPECT_EQ(read_yaml("a: [", options).error().reason, Reason::InvalidSpec);
}

RC_GTEST_PROP(YamlReader, reads_back_any_json_string, (const std::vector<std::uint16_t>& units)) {
  std::string text;  // any characters of one to three bytes, surrogates left out
  for (unsigned c : units) {
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else if (c < 0x800) {
      text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    } else if (c < 0xD800) {
      text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
               static_cast<char>(0x80 | (c & 63))};
    }
  }
  std::erase(text, '\x7F');  // YAML does not let it stand in a text
  for (std::size_t at; (at = text.find("\xC2")) != std::string::npos;)
    text.erase(at, 2);  // nor U+0080 to U+009F
  json::value value{{"k", text}};
  RC_ASSERT(read(json::serialize(value)) == value);
}

RC_GTEST_PROP(YamlReader, never_fails_but_with_an_error, (const std::string& bytes)) {
  auto documents = read_yaml_documents(bytes);
  if (!documents) RC_ASSERT(!documents.error().message.empty());
}

}  // namespace
}  // namespace abo::render
