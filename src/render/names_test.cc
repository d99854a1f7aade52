#include "render/names.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "render/object_names.h"

namespace abo::render {
namespace {

constexpr NameRule subdomain{NameForm::Subdomain, 253}, label{NameForm::Label, 63};

NameRule rule_of(std::string_view api_version, std::string_view kind) {
  return name_rule(json::object{{"apiVersion", api_version}, {"kind", kind}});
}

TEST(Legalised, follows_the_documented_examples) {
  EXPECT_EQ(legalised("raw/mydata.csv", NameForm::Subdomain), "raw-mydata.csv");
  EXPECT_EQ(legalised("raw/My Data!.csv", NameForm::Subdomain), "raw-my-data.csv");
}

TEST(Legalised, trims_every_part_between_dots_and_drops_empty_ones) {
  EXPECT_EQ(legalised("-a-.-b-..c.", NameForm::Subdomain), "a.b.c");
  EXPECT_EQ(legalised(".bashrc", NameForm::Subdomain), "bashrc");
  EXPECT_EQ(legalised("a.!!!.b", NameForm::Subdomain), "a.b");
  EXPECT_EQ(legalised("a__b//c", NameForm::Subdomain), "a-b-c");
}

TEST(Legalised, leaves_nothing_where_nothing_is_legal) {
  for (const char* text : {"", ".", "...", "-", "/", "!?", "\xE4\xB8\xAD"}) {
    EXPECT_EQ(legalised(text, NameForm::Subdomain), "") << text;
  }
}

TEST(Legalised, turns_every_byte_of_other_scripts_to_one_dash) {
  EXPECT_EQ(legalised("caf\xC3\xA9-\xE4\xB8\xAD.csv", NameForm::Subdomain), "caf.csv");
  EXPECT_EQ(legalised("a\xC3\xA9z", NameForm::Subdomain), "a-z");
}

TEST(Legalised, has_no_dots_where_the_form_has_none) {
  EXPECT_EQ(legalised("raw/my.data.csv", NameForm::Label), "raw-my-data-csv");
}

RC_GTEST_PROP(Legalised, is_legal_or_empty_for_any_bytes, (const std::string& bytes)) {
  NameRule unlimited{NameForm::Subdomain, bytes.size() + 1}, flat{NameForm::Label, bytes.size() + 1};
  std::string dotted = legalised(bytes, NameForm::Subdomain), plain = legalised(bytes, NameForm::Label);
  RC_ASSERT(dotted.empty() || is_legal(dotted, unlimited));
  RC_ASSERT(plain.empty() || is_legal(plain, flat));
  RC_ASSERT(legalised(dotted, NameForm::Subdomain) == dotted);
}

RC_GTEST_PROP(Cut, keeps_legal_names_legal_and_within_the_limit, (const std::string& bytes)) {
  std::string name = legalised(bytes + "x" + bytes + bytes, NameForm::Subdomain);
  for (std::size_t limit : {20u, 52u, 63u}) {
    std::string result = cut(name, limit, "0123abcd");
    RC_ASSERT(is_legal(result, NameRule{NameForm::Subdomain, limit}));
    RC_ASSERT((name.size() <= limit ? result == name : result.ends_with("0123abcd")));
  }
}

RC_GTEST_PROP(FallbackName, is_legal_and_never_the_name_itself, (const std::string& bytes)) {
  auto key = TriggerKey::of("uid", "url", bytes, "etag");
  std::string full = legalised("x" + bytes + bytes + bytes, NameForm::Subdomain);
  for (std::size_t limit : {20u, 52u, 63u}) {
    std::string name = cut(full, limit, key.short_hex());
    std::string fallback = fallback_name(name, limit, key);
    RC_ASSERT(is_legal(fallback, NameRule{NameForm::Subdomain, limit}));
    RC_ASSERT(fallback != name);
  }
}

TEST(FallbackName, is_the_name_with_the_hash_where_there_is_room) {
  auto key = TriggerKey::of("uid", "url", "a", "etag");
  EXPECT_EQ(fallback_name("process-a", 63, key), "process-a-" + key.short_hex());
}

TEST(Cut, never_leaves_a_dot_or_dash_before_the_hash) {
  EXPECT_EQ(cut("abcdef.-.-.ghijklmnop", 18, "01234567"), "abcdef-01234567");
}

TEST(NameRule, knows_what_kinds_allow) {
  EXPECT_EQ(rule_of("batch/v1", "Job").limit, 63u);
  EXPECT_EQ(rule_of("argoproj.io/v1alpha1", "Workflow").limit, 63u);
  EXPECT_EQ(rule_of("batch/v1", "CronJob").limit, 52u);
  EXPECT_EQ(rule_of("v1", "ConfigMap").limit, 253u);
  EXPECT_EQ(rule_of("example.com/v1", "Job").limit, 253u);
  EXPECT_EQ(rule_of("v1", "Service").form, NameForm::Label);
}

TEST(NameRule, leaves_room_for_the_index_of_an_indexed_job) {
  json::object job{{"apiVersion", "batch/v1"},
                   {"kind", "Job"},
                   {"spec", {{"completionMode", "Indexed"}, {"completions", 1000}}}};
  EXPECT_EQ(name_rule(job).form, NameForm::Label);
  EXPECT_EQ(name_rule(job).limit, 63u - 4u);
}

TEST(IsLegal, agrees_with_kubernetes) {
  for (const char* good : {"a", "0", "a-b", "a.b", "a-b.c-d", "0.1"})
    EXPECT_TRUE(is_legal(good, subdomain)) << good;
  for (const char* bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A", "a_b", "a b"}) {
    EXPECT_FALSE(is_legal(bad, subdomain)) << bad;
  }
  EXPECT_FALSE(is_legal("a.b", label));
  EXPECT_FALSE(is_legal(std::string(64, 'a'), label));
  EXPECT_FALSE(is_legal("1a", {NameForm::Label, 63, true}));
  for (const char* good : {"", "A_b.c-9", "x"})
    EXPECT_TRUE(is_legal(good, {NameForm::LabelValue, 63})) << good;
  for (const char* bad : {"_a", "a-", "a/b"}) EXPECT_FALSE(is_legal(bad, {NameForm::LabelValue, 63})) << bad;
}

TEST(WatcherLabelValue, is_the_name_while_it_fits_and_tells_longer_ones_apart) {
  EXPECT_EQ(watcher_label_value("datasets"), "datasets");
  std::string base(100, 'a');
  std::string one = watcher_label_value(base + "b"), two = watcher_label_value(base + "c");
  EXPECT_EQ(one.size(), 63u);
  EXPECT_NE(one, two);
  EXPECT_EQ(one, watcher_label_value(base + "b"));
}

}  // namespace
}  // namespace abo::render
