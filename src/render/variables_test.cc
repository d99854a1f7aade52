#include "render/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace abo::render {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

const Source source{.watcher_name = "w",
                    .watcher_namespace = "ns",
                    .watcher_uid = "uid",
                    .storage_account = "acct",
                    .container_name = "data",
                    .container_url = "https://acct.blob.core.windows.net/data"};

Blob blob_named(std::string name) {
  Blob blob;
  blob.item.name = std::move(name);
  blob.item.etag = "0x8D";
  blob.item.size = 42;
  blob.item.last_modified = *parse_rfc3339("2026-11-22T05:30:00Z");
  blob.item.content_type = "text/csv";
  blob.item.content_md5 = "1B2M2Y8AsgTpgAmY7PhCfg==";
  blob.key = TriggerKey::of("uid", source.container_url, blob.item.name, blob.item.etag);
  blob.groups = {{"", "first"}, {"day", "22"}};
  return blob;
}

const std::vector<std::string> groups = {"", "day"};

std::string fill(std::string_view scalar, const Blob& blob) {
  auto text = Text::parse(scalar, groups);
  EXPECT_TRUE(text) << text.error().front();
  Values values(source, blob);
  std::string out;
  for (const Piece& piece : text->pieces()) out += values.get(piece);
  return out;
}

std::string fill(std::string_view scalar, std::string name = "raw/mydata.csv") {
  return fill(scalar, blob_named(std::move(name)));
}

std::string refused(std::string_view scalar, const std::vector<std::string>& names = groups) {
  auto text = Text::parse(scalar, names);
  EXPECT_FALSE(text) << scalar;
  return text ? "" : text.error().front();
}

TEST(Variables, have_their_documented_values) {
  EXPECT_EQ(fill("${BLOB_NAME}"), "raw/mydata.csv");
  EXPECT_EQ(fill("${BLOB_NAME_ENCODED}", "raw/my data.csv"), "raw/my%20data.csv");
  EXPECT_EQ(fill("${BLOB_URL}", "raw/my data.csv"),
            "https://acct.blob.core.windows.net/data/raw/my%20data.csv");
  EXPECT_EQ(fill("${BLOB_SAFE_NAME}"), "raw-mydata.csv");
  EXPECT_EQ(fill("${BLOB_BASENAME}"), "mydata.csv");
  EXPECT_EQ(fill("${BLOB_STEM}"), "mydata");
  EXPECT_EQ(fill("${BLOB_EXTENSION}"), "csv");
  EXPECT_EQ(fill("${BLOB_DIRECTORY}"), "raw");
  EXPECT_EQ(fill("${BLOB_ETAG} ${BLOB_SIZE}"), "0x8D 42");
  EXPECT_EQ(fill("${BLOB_LAST_MODIFIED}"), "2026-11-22T05:30:00Z");
  EXPECT_EQ(fill("${BLOB_CONTENT_TYPE} ${BLOB_CONTENT_MD5}"), "text/csv 1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(fill("${BLOB_HASH}", "a"), blob_named("a").key.short_hex());
  EXPECT_EQ(fill("${CONTAINER_NAME} ${STORAGE_ACCOUNT}"), "data acct");
  EXPECT_EQ(fill("${WATCHER_NAMESPACE}/${WATCHER_NAME}"), "ns/w");
  EXPECT_EQ(fill("${MATCH_1} ${MATCH_2} ${MATCH_day}"), "first 22 22");
}

TEST(Variables, take_names_apart_at_the_last_slash_and_the_last_dot) {
  struct Row {
    const char *name, *directory, *basename, *stem, *extension;
  };
  for (const Row& row :
       {Row{"archive.tar.gz", "", "archive.tar.gz", "archive.tar", "gz"},
        Row{"home/.bashrc", "home", ".bashrc", ".bashrc", ""}, Row{"dir/", "dir", "", "", ""},
        Row{"plain", "", "plain", "plain", ""}, Row{"a.b/name.", "a.b", "name.", "name.", ""},
        Row{"a.b/c", "a.b", "c", "c", ""}, Row{"/x.y", "", "x.y", "x", "y"},
        Row{"a/b/c.d", "a/b", "c.d", "c", "d"}, Row{"..", "", "..", "..", ""}}) {
    EXPECT_EQ(fill("${BLOB_DIRECTORY}", row.name), row.directory) << row.name;
    EXPECT_EQ(fill("${BLOB_BASENAME}", row.name), row.basename) << row.name;
    EXPECT_EQ(fill("${BLOB_STEM}", row.name), row.stem) << row.name;
    EXPECT_EQ(fill("${BLOB_EXTENSION}", row.name), row.extension) << row.name;
  }
}

TEST(Variables, give_the_hash_as_safe_name_where_no_legal_byte_is_left) {
  EXPECT_EQ(fill("${BLOB_SAFE_NAME}", "!!!"), fill("${BLOB_HASH}", "!!!"));
}

TEST(Variables, leave_what_belongs_to_shells_alone) {
  for (const char* text :
       {"${HOME}", "$BLOB_NAME", "${BLOB_NAME:-x}", "${BLOB_NAME%.csv}", "$(BLOB_NAME)", "${}", "$", "$$",
        "${", "${BLOB_NAME", "{BLOB_NAME}", "${blob_name}", "$$ {x}", "100$"}) {
    EXPECT_EQ(fill(text), text);
  }
}

TEST(Variables, can_be_written_as_plain_text) {
  EXPECT_EQ(fill("$${BLOB_NAME}"), "${BLOB_NAME}");
  EXPECT_EQ(fill("$${HOME} $${BLOB_WHATEVER}"), "${HOME} ${BLOB_WHATEVER}");
  EXPECT_EQ(fill("$$${BLOB_NAME}"), "$${BLOB_NAME}");
  EXPECT_EQ(fill("$${BLOB_NAME}${BLOB_SIZE}"), "${BLOB_NAME}42");
}

TEST(Variables, that_are_unknown_name_the_nearest_known_one) {
  EXPECT_THAT(refused("x ${BLOB_NAM} y"),
              HasSubstr("unknown variable ${BLOB_NAM}; did you mean ${BLOB_NAME}?"));
  EXPECT_THAT(refused("${BLOB_NAM}"), HasSubstr("write $${BLOB_NAM}"));
  EXPECT_THAT(refused("${WATCHER_NAMES}"), HasSubstr("${WATCHER_NAME"));
  EXPECT_THAT(refused("${STORAGE_ACOUNT}"), HasSubstr("${STORAGE_ACCOUNT}"));
  EXPECT_THAT(refused("${CONTAINER_ID}"), HasSubstr("unknown variable ${CONTAINER_ID}"));
  EXPECT_THAT(refused("${BLOB_}"), HasSubstr("unknown"));
}

TEST(Variables, that_are_unknown_name_one_of_the_same_prefix_however_far_it_is) {
  EXPECT_THAT(refused("${STORAGE_KEY}"), HasSubstr("did you mean ${STORAGE_ACCOUNT}?"));
  EXPECT_THAT(refused("${CONTAINER_ID}"), HasSubstr("did you mean ${CONTAINER_NAME}?"));
  EXPECT_THAT(refused("${BLOB_}"), HasSubstr("did you mean ${BLOB_"));
  EXPECT_THAT(refused("${BLOB_STORAGE_ACCOUNT}"), HasSubstr("did you mean ${BLOB_"));
  EXPECT_THAT(refused("${WATCHER_" + std::string(5000, 'X') + "}"), HasSubstr("did you mean ${WATCHER_NAME"));
  EXPECT_THAT(refused("${MATCH_year}"), HasSubstr("did you mean ${MATCH_"));
  EXPECT_THAT(refused("${MATCH_1}", {}), HasSubstr("; did you mean ${"));
}

TEST(Variables, that_are_unknown_are_all_told_once_each) {
  auto text = Text::parse("${BLOB_NAM} ${BLOB_NAME} ${BLOB_NAM} ${STORAGE_KEY}", groups);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error(), ElementsAre(HasSubstr("${BLOB_NAM};"), HasSubstr("${STORAGE_KEY};")));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "${BLOB_" + std::to_string(i) + "}";
  EXPECT_THAT(Text::parse(many, groups).error(), SizeIs(20));
}

TEST(Variables, of_groups_must_exist_in_the_pattern) {
  EXPECT_THAT(refused("${MATCH_3}"), HasSubstr("blobPattern has 2 groups"));
  EXPECT_THAT(refused("${MATCH_0}"), HasSubstr("unknown"));
  EXPECT_THAT(refused("${MATCH_01}"), HasSubstr("unknown"));
  EXPECT_THAT(refused("${MATCH_}"), HasSubstr("unknown"));
  EXPECT_THAT(refused("${MATCH_dy}"), HasSubstr("did you mean ${MATCH_day}?"));
  EXPECT_THAT(refused("${MATCH_1}", {}), HasSubstr("blobPattern has 0 groups"));
}

RC_GTEST_PROP(Variables, never_read_a_value_as_a_variable, (const std::string& prefix)) {
  std::string name = prefix + "${BLOB_ETAG}$${X}";
  RC_ASSERT(fill("<${BLOB_NAME}>", name) == "<" + name + ">");
}

RC_GTEST_PROP(Variables, put_directory_and_basename_together_to_the_name, (const std::string& tail)) {
  std::string name = "a/" + tail;
  RC_ASSERT(fill("${BLOB_DIRECTORY}/${BLOB_BASENAME}", name) == name);
}

RC_GTEST_PROP(Variables, leave_text_without_references_as_it_is, (std::string text)) {
  std::erase(text, '{');
  RC_ASSERT(fill(text) == text);
}

}  // namespace
}  // namespace abo::render
