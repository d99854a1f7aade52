#include "filter/filter.h"

#include <gtest/gtest.h>

namespace abo::filter {
namespace {

using Strings = std::vector<std::string>;

api::Spec spec_with(std::string pattern, std::string exclude = "") {
  api::Spec spec;
  spec.blob_pattern = std::move(pattern);
  spec.blob_exclude_pattern = std::move(exclude);
  return spec;
}

Filter compiled(const api::Spec& spec) {
  auto filter = Filter::compile(spec);
  EXPECT_TRUE(filter) << filter.error().message;
  return std::move(*filter);
}

Verdict judge(const api::Spec& spec, std::string_view name, std::int64_t size = 0) {
  listing::BlobView blob;
  blob.name = name;
  blob.size = size;
  return compiled(spec).judge(blob);
}

Error refused(const api::Spec& spec) {
  auto filter = Filter::compile(spec);
  EXPECT_FALSE(filter);
  return filter ? Error{} : filter.error();
}

TEST(Filter, without_patterns_takes_every_blob) {
  EXPECT_EQ(judge({}, "anything at all"), Verdict::Matches);
  EXPECT_EQ(judge({}, "x", std::int64_t{1} << 62), Verdict::Matches);
}

TEST(Filter, searches_the_pattern_anywhere_in_the_full_name) {
  EXPECT_EQ(judge(spec_with("data"), "raw/mydata.csv"), Verdict::Matches);
  EXPECT_EQ(judge(spec_with(R"(.*\.csv$)"), "raw/mydata.csv"), Verdict::Matches);
  EXPECT_EQ(judge(spec_with(R"(\.csv$)"), "raw/mydata.csv.tmp"), Verdict::PatternDoesNotMatch);
  EXPECT_EQ(judge(spec_with("^mydata"), "raw/mydata.csv"), Verdict::PatternDoesNotMatch);
}

TEST(Filter, reads_the_dollar_as_the_end_of_the_name_and_not_of_a_line) {
  EXPECT_EQ(judge(spec_with("csv$"), "a.csv\nb"), Verdict::PatternDoesNotMatch);
  EXPECT_EQ(judge(spec_with("^b"), "a.csv\nb"), Verdict::PatternDoesNotMatch);
}

TEST(Filter, is_case_sensitive_unless_the_pattern_says_otherwise) {
  EXPECT_EQ(judge(spec_with(R"(\.csv$)"), "A.CSV"), Verdict::PatternDoesNotMatch);
  EXPECT_EQ(judge(spec_with(R"((?i)\.csv$)"), "A.CSV"), Verdict::Matches);
}

TEST(Filter, counts_characters_and_not_bytes) {
  EXPECT_EQ(judge(spec_with("^.$"), "\xC3\xBC"), Verdict::Matches);
  EXPECT_EQ(judge(spec_with(R"(^\p{Greek}+$)"), "\xCE\xB1\xCE\xB2"), Verdict::Matches);
}

TEST(Filter, leaves_out_what_the_exclude_pattern_finds) {
  auto spec = spec_with(R"(\.csv$)", "^tmp/|_partial");
  EXPECT_EQ(judge(spec, "raw/a.csv"), Verdict::Matches);
  EXPECT_EQ(judge(spec, "tmp/a.csv"), Verdict::Excluded);
  EXPECT_EQ(judge(spec, "raw/a_partial.csv"), Verdict::Excluded);
}

TEST(Filter, takes_sizes_up_to_and_with_its_bounds) {
  api::Spec spec;
  spec.min_size_bytes = 10;
  spec.max_size_bytes = 20;
  EXPECT_EQ(judge(spec, "a", 9), Verdict::TooSmall);
  EXPECT_EQ(judge(spec, "a", 10), Verdict::Matches);
  EXPECT_EQ(judge(spec, "a", 20), Verdict::Matches);
  EXPECT_EQ(judge(spec, "a", 21), Verdict::TooLarge);
}

TEST(Filter, names_the_field_the_pattern_and_the_complaint_of_a_bad_pattern) {
  Error error = refused(spec_with("raw/(unclosed"));
  EXPECT_EQ(error.kind, ErrorKind::Invalid);
  EXPECT_EQ(error.reason, Reason::InvalidPattern);
  EXPECT_NE(error.message.find("blobPattern"), std::string::npos);
  EXPECT_NE(error.message.find("raw/(unclosed"), std::string::npos);
  EXPECT_NE(error.message.find("missing )"), std::string::npos) << error.message;
  EXPECT_NE(refused(spec_with("", "[")).message.find("blobExcludePattern"), std::string::npos);
}

TEST(Filter, refuses_what_go_refuses) {
  for (const char* pattern :
       {"(?=ahead)", "(?<!behind)x", R"((a)\1)", "a**", "*a", "a{1001}", "a{2,1}", "[b-a]", "\xFF"}) {
    EXPECT_FALSE(Filter::compile(spec_with(pattern))) << pattern;
  }
}

TEST(Filter, refuses_a_pattern_that_would_take_too_much_memory) {
  Error error = refused(spec_with(R"(((\pL{1,100}){1,100}))"));
  EXPECT_EQ(error.reason, Reason::InvalidPattern);
}

TEST(Filter, shortens_a_long_pattern_in_its_message) {
  EXPECT_LT(refused(spec_with(std::string(5000, '('))).message.size(), 600u);
}

TEST(Filter, stays_linear_where_backtracking_would_explode) {
  EXPECT_EQ(judge(spec_with("^(a+)+$"), std::string(1000, 'a') + "b"), Verdict::PatternDoesNotMatch);
}

TEST(Filter, knows_its_groups_by_number_and_name) {
  Filter filter = compiled(spec_with(R"(^(raw|clean)/(?P<year>\d{4})/(x)?)"));
  EXPECT_EQ(filter.group_names(), (Strings{"", "year", ""}));
  EXPECT_EQ(filter.groups("raw/2026/a.csv"), (Strings{"raw", "2026", ""}));
  EXPECT_EQ(filter.groups("no match"), (Strings{"", "", ""}));
}

TEST(Filter, reads_named_groups_in_both_of_gos_forms) {
  EXPECT_EQ(compiled(spec_with(R"((?<day>\d+))")).group_names(), (Strings{"day"}));
  EXPECT_EQ(compiled(spec_with(R"((?P<day>\d+))")).group_names(), (Strings{"day"}));
}

TEST(Filter, has_no_groups_without_a_pattern) {
  Filter filter = compiled(spec_with("", "(x)"));
  EXPECT_TRUE(filter.group_names().empty());
  EXPECT_TRUE(filter.groups("x").empty());
}

TEST(Filter, can_be_moved) {
  Filter first = compiled(spec_with("a"));
  Filter second = std::move(first);
  first = compiled(spec_with("b"));
  listing::BlobView blob;
  blob.name = "a";
  EXPECT_EQ(second.judge(blob), Verdict::Matches);
  EXPECT_EQ(first.judge(blob), Verdict::PatternDoesNotMatch);
}

}  // namespace
}  // namespace abo::filter
