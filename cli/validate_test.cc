#include "cli/validate.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "cli/watcher_file.h"

namespace abo::cli {
namespace {

constexpr std::string_view good = R"(apiVersion: mlops.example.com/v1alpha1
kind: AzureBlobWatcher
metadata:
  name: good
spec:
  storageAccount: acct
  containerName: data
  jobTemplate:
    kind: Job
    template: |
      apiVersion: batch/v1
      kind: Job
      metadata:
        name: job-${BLOB_NAME}
)";

std::string replaced(std::string_view from, std::string_view to) {
  std::string text(good);
  std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

std::vector<std::string> findings(std::string_view text) {
  std::vector<std::string> lines;
  for (const Finding& finding : check_watchers("w.yaml", text).findings) lines.push_back(to_text(finding));
  return lines;
}

// Files in the test's own folder, gone with it.
class Validate : public testing::Test {
 protected:
  std::string file(const std::string& name, std::string_view text) {
    std::string path = testing::TempDir() + std::to_string(::getpid()) + "_validate_" + name;
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const std::string& path : files_) std::remove(path.c_str());
  }
  int run(const std::vector<std::string>& files, OutputFormat format = OutputFormat::Table) {
    return validate(files, format, out, err);
  }

  std::ostringstream out, err;

 private:
  std::vector<std::string> files_;
};

TEST(CheckWatchers, has_nothing_to_say_about_a_good_one) {
  auto checked = check_watchers("w.yaml", good);
  EXPECT_THAT(findings(good), testing::IsEmpty());
  ASSERT_EQ(checked.watchers.size(), 1u);
  EXPECT_EQ(checked.watchers[0].name, "good");
  EXPECT_EQ(checked.watchers[0].job.kind(), "Job");
}

TEST(CheckWatchers, names_file_line_and_field) {
  EXPECT_THAT(
      findings(replaced("containerName: data", "containerName: data\n  pollingIntervalSeconds: 0")),
      testing::ElementsAre("w.yaml:8: spec.pollingIntervalSeconds: must be between 1 and 86400, got 0"));
  EXPECT_THAT(findings(replaced("    kind: Job\n", "")),
              testing::ElementsAre("w.yaml:8: spec.jobTemplate.kind: is required"));
}

TEST(CheckWatchers, reports_all_findings_in_the_order_of_lines) {
  EXPECT_THAT(
      findings(replaced("  storageAccount: acct\n  containerName: data\n",
                        "  suspend: maybe\n  containrName: data\n  storageAccount: A\n")),
      testing::ElementsAre("w.yaml:5: spec.containerName: is required",
                           "w.yaml:6: spec.suspend: must be true or false, got a string",
                           "w.yaml:7: spec.containrName: unknown field; did you mean containerName?",
                           "w.yaml:8: spec.storageAccount: must be 3 to 24 lower-case letters and digits"));
}

TEST(CheckWatchers, finds_both_patterns_wrong_at_once) {
  EXPECT_THAT(
      findings(replaced("containerName: data",
                        "containerName: data\n  blobPattern: '['\n  blobExcludePattern: '('")),
      testing::ElementsAre(testing::StartsWith("w.yaml:8: spec.blobPattern: \"[\" is not a regular"),
                           testing::StartsWith("w.yaml:9: spec.blobExcludePattern: \"(\" is not a regular")));
}

TEST(CheckWatchers, finds_fields_patterns_and_variables_wrong_at_once) {
  auto text = replaced("containerName: data",
                       "containerName: data\n  pollingIntervalSeconds: 0\n  blobExcludePattern: '('");
  std::string name = "        name: job-${BLOB_NAME}\n";
  text.replace(text.find(name), name.size(),
               "        name: job-${BLOB_NAM}\n        annotations: {a: '${STORAGE_KEY} ${MATCH_day}'}\n");
  EXPECT_THAT(findings(text),
              testing::ElementsAre(
                  "w.yaml:8: spec.pollingIntervalSeconds: must be between 1 and 86400, got 0",
                  testing::StartsWith("w.yaml:9: spec.blobExcludePattern: \"(\" is not a regular"),
                  testing::AllOf(testing::StartsWith("w.yaml:16: "), testing::HasSubstr("${BLOB_NAM};")),
                  testing::AllOf(testing::StartsWith("w.yaml:17: "), testing::HasSubstr("${STORAGE_KEY};"))));
  EXPECT_THAT(check_watchers("w.yaml", text).watchers, testing::IsEmpty());
}

TEST(CheckWatchers, looks_into_a_template_whose_kind_is_missing) {
  auto text = replaced("    kind: Job\n", "");
  text.replace(text.find("BLOB_NAME"), 9, "BLOB_NAM");
  EXPECT_THAT(findings(text), testing::ElementsAre("w.yaml:8: spec.jobTemplate.kind: is required",
                                                   testing::AllOf(testing::StartsWith("w.yaml:13: "),
                                                                  testing::HasSubstr("BLOB_NAM"))));
}

TEST(CheckWatchers, maps_a_line_of_the_template_to_the_file) {
  EXPECT_THAT(
      findings(replaced("name: job-${BLOB_NAME}", "name: job-${BLOB_NAM}")),
      testing::ElementsAre(testing::AllOf(testing::StartsWith("w.yaml:14: spec.jobTemplate.template: "),
                                          testing::HasSubstr("BLOB_NAME"))));
  EXPECT_THAT(findings(replaced("      metadata:\n        name: job-${BLOB_NAME}\n", "      metadata: [\n")),
              testing::ElementsAre(testing::StartsWith("w.yaml:14: spec.jobTemplate.template: ")));
}

TEST(CheckWatchers, warns_of_a_shell_that_would_evaluate_a_blobs_name) {
  auto text = replaced("        name: job-${BLOB_NAME}\n", R"(        name: job-${BLOB_NAME}
      spec:
        template:
          spec:
            containers:
              - name: main
                command: [sh, -c, "process ${BLOB_NAME}"]
)");
  EXPECT_THAT(findings(text), testing::ElementsAre(testing::StartsWith(
                                  "w.yaml:20: warning: spec.jobTemplate.template: "
                                  "spec.template.spec.containers[0].command[2]: ${BLOB_NAME} stands in")));
  EXPECT_EQ(check_watchers("w.yaml", text).watchers.size(), 1u);
}

TEST(CheckWatchers, finds_an_endpoint_that_belongs_to_another_account) {
  EXPECT_THAT(
      findings(replaced("storageAccount: acct",
                        "storageAccount: acct\n  endpoint: https://other.blob.core.windows.net")),
      testing::ElementsAre(testing::StartsWith("w.yaml:7: spec.endpoint: belongs to the account \"other\"")));
}

TEST(CheckWatchers, names_the_line_of_the_field_when_the_template_is_no_literal_block) {
  auto text = replaced("    template: |\n", "    template: >\n");
  EXPECT_THAT(findings(text),
              testing::ElementsAre(testing::StartsWith("w.yaml:10: spec.jobTemplate.template: ")));
}

TEST(CheckWatchers, wants_the_right_version_and_a_name) {
  EXPECT_THAT(findings(replaced("v1alpha1", "v1")),
              testing::ElementsAre("w.yaml:1: apiVersion: must be mlops.example.com/v1alpha1"));
  EXPECT_THAT(findings(replaced("AzureBlobWatcher", "AzureBlobwatcher")),
              testing::ElementsAre("w.yaml:2: kind: must be AzureBlobWatcher"));
  EXPECT_THAT(findings(replaced("name: good", "labels: {}")),
              testing::ElementsAre("w.yaml:3: metadata.name: is required"));
}

TEST(CheckWatchers, notes_what_it_skips) {
  auto text = std::string("apiVersion: v1\nkind: Secret\nmetadata: {name: creds}\n---\n") + std::string(good);
  EXPECT_THAT(findings(text),
              testing::ElementsAre("w.yaml:1: note: skipped: Secret creds is no AzureBlobWatcher"));
  EXPECT_EQ(check_watchers("w.yaml", text).watchers.size(), 1u);
}

TEST(CheckWatchers, looks_into_lists) {
  std::string text =
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: mlops.example.com/v1alpha1\n"
      "  kind: AzureBlobWatcher\n  metadata: {name: one}\n  spec:\n    containerName: x\n";
  EXPECT_THAT(findings(text),
              testing::Contains(testing::StartsWith("w.yaml:8: spec.containerName: must be between")));
}

TEST(CheckWatchers, survives_anything_that_parses) {
  for (const char* text :
       {"", "null", "1", "[]", "{}", "a: b", "kind: AzureBlobWatcher", "kind: List\napiVersion: v1",
        "kind: List\nitems: [1, {}]", "kind: [1]\napiVersion: {a: b}",
        "apiVersion: mlops.example.com/v1alpha1\nspec: 7\nmetadata: x"}) {
    auto checked = check_watchers("w.yaml", text);
    EXPECT_THAT(checked.watchers, testing::IsEmpty()) << text;
  }
}

TEST(CheckWatchers, reports_broken_yaml_with_its_place) {
  EXPECT_THAT(findings("a: b\n c: d\n"), testing::ElementsAre(testing::StartsWith("w.yaml:2:3: ")));
}

TEST_F(Validate, succeeds_and_sums_up) {
  EXPECT_EQ(run({file("a.yaml", std::string(good) + "---\n" + std::string(good)), file("b.yaml", good)}), 0);
  EXPECT_EQ(out.str(), "3 watchers in 2 files: ok\n");
  EXPECT_EQ(err.str(), "");
}

TEST_F(Validate, fails_for_an_error_but_not_for_a_warning) {
  EXPECT_EQ(run({file("a.yaml", replaced("acct", "A"))}), 1);
  EXPECT_THAT(out.str(), testing::EndsWith("1 watcher in 1 file: 1 error\n"));
  out.str("");
  EXPECT_EQ(run({file("b.yaml", "apiVersion: v1\nkind: Secret\n")}), 0);
  EXPECT_THAT(out.str(), testing::EndsWith("0 watchers in 1 file: ok, 1 warning\n"));
}

TEST_F(Validate, says_2_for_what_it_cannot_read_and_checks_the_rest) {
  EXPECT_EQ(run({"/nonexistent.yaml", file("a.yaml", good), testing::TempDir()}), 2);
  EXPECT_THAT(err.str(), testing::StartsWith("/nonexistent.yaml: cannot be read\n"));
  EXPECT_EQ(out.str(), "1 watcher in 1 file: 2 files could not be read\n");
  EXPECT_EQ(run({}), 2);
}

TEST_F(Validate, calls_nothing_ok_when_there_was_a_file_that_it_could_not_read) {
  EXPECT_EQ(run({"/nonexistent.yaml"}), 2);
  EXPECT_EQ(out.str(), "0 watchers in 0 files: 1 file could not be read\n");
  out.str("");
  EXPECT_EQ(run({"/nonexistent.yaml", file("a.yaml", replaced("acct", "A"))}), 2);
  EXPECT_THAT(out.str(), testing::EndsWith("1 watcher in 1 file: 1 error, 1 file could not be read\n"));
  out.str("");
  EXPECT_EQ(run({"/nonexistent.yaml"}, OutputFormat::Json), 2);
  EXPECT_EQ(parse_json(out.str()).value().at("unreadable"), 1);
}

TEST_F(Validate, prints_json_for_programs) {
  EXPECT_EQ(run({file("a.yaml", replaced("acct", "A"))}, OutputFormat::Json), 1);
  auto report = parse_json(out.str()).value();
  EXPECT_EQ(report.at("errors"), 1);
  EXPECT_EQ(report.at("findings").at(0).at("line"), 6);
  EXPECT_EQ(report.at("findings").at(0).at("path"), "spec.storageAccount");
  EXPECT_EQ(report.at("findings").at(0).at("severity"), "error");
}

TEST(CheckWatchers, a_replay_from_a_time_that_is_none_is_told_as_the_operator_tells_it) {
  auto asking = [](std::string_view time) {
    return findings(replaced("  name: good\n",
                             "  name: good\n  annotations:\n    a: b\n"
                             "    mlops.example.com/replay-since: " +
                                 std::string(time) + "\n"));
  };
  for (const char* time : {"yesterday", "2026-01-31", "2026-02-30T00:00:00Z"}) {
    EXPECT_THAT(
        asking(time),
        testing::ElementsAre(
            "w.yaml:7: warning: metadata.annotations: the annotation mlops.example.com/replay-since is "
            "no time in RFC 3339 (such as 2026-01-31T00:00:00Z), so nothing is replayed"))
        << time;
  }
  for (const char* time : {"2026-01-31T00:00:00Z", "\"2026-01-31T00:00:00+01:00\"", "\"\""}) {
    EXPECT_THAT(asking(time), testing::IsEmpty()) << time;
  }
}

}  // namespace
}  // namespace abo::cli
