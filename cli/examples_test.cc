// The examples are what newcomers copy: they must be right, and stay so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/render_command.h"
#include "cli/validate.h"
#include "cli/watcher_file.h"

namespace abo::cli {
namespace {

std::vector<std::string> examples() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(ABO_SOURCE_DIR "/examples")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  return files;
}

TEST(Examples, are_valid_without_a_warning) {
  std::ostringstream out, err;
  EXPECT_EQ(validate(examples(), OutputFormat::Table, out, err), 0);
  EXPECT_THAT(out.str(), testing::EndsWith("files: ok\n"));
  EXPECT_EQ(err.str(), "");
}

std::string source_dir() {
  return ABO_SOURCE_DIR;
}

// What a file makes of a blob.
json::object rendered(const std::string& file, const std::string& blob) {
  std::ostringstream out, err;
  EXPECT_EQ(render(file, {.blob = blob, .output = OutputFormat::Json}, out, err), 0) << file << err.str();
  EXPECT_EQ(err.str(), "") << file;
  return parse_json(out.str()).value().as_object();
}

struct Made {
  std::string file, blob, kind, name;
};

// Each by a blob that it is for. Where a name holds a hash, '#' stands for it.
const std::vector<Made> made = {
    {"azureblobwatcher", "raw/mydata.csv", "Workflow", "ml-pipeline-raw-mydata.csv"},
    {"basic-job", "processed/my data.csv", "Job", "process-processed-my-data.csv"},
    {"batch-by-marker", "tables/sales/2026-01-31/_SUCCESS", "Job", "load-sales-2026-01-31"},
    {"configmap-inventory", "raw/mydata.csv", "ConfigMap", "inventory-raw-mydata.csv"},
    {"demo-job", "raw/mydata.csv", "Job", "demo-raw-mydata.csv"},
    {"rayjob", "en/{{=1}} $(x) \"a\".jsonl", "RayJob", "embed-#"},
    {"sas-suspended", "2026/in.pdf", "Job", "invoice-2026-in.pdf"},
    {"tekton-pipelinerun", "incoming/$(params.x) a.mp4", "PipelineRun", "transcode-#"},
    {"workflow-from-template", "{{=1+1}} \"a\".PDF", "Workflow", "report-1-1-a.pdf"},
};

TEST(Examples, make_what_they_say_of_a_blob_they_are_for) {
  for (const Made& m : made) {
    json::object object = rendered(source_dir() + "/examples/" + m.file + ".yaml", m.blob);
    std::string name(find_string(object, {"metadata", "name"}));
    if (m.name.ends_with('#')) {
      EXPECT_THAT(name, testing::MatchesRegex(m.name.substr(0, m.name.size() - 1) + "[0-9a-f]{8}"));
    } else {
      EXPECT_EQ(name, m.name) << m.file;
    }
    EXPECT_EQ(find_string(object, {"kind"}), m.kind) << m.file;
  }
}

TEST(Examples, are_all_tried_and_listed_on_their_page) {
  auto page = read_input(source_dir() + "/examples/README.md");
  ASSERT_TRUE(page);
  for (const std::string& file : examples()) {
    std::string name = std::filesystem::path(file).stem();
    EXPECT_TRUE(std::ranges::any_of(made, [&](const Made& m) { return m.file == name; })) << name;
    EXPECT_THAT(*page, testing::HasSubstr("(" + name + ".yaml)"));
  }
}

// What comes from a name could be a command to them: Argo, Tekton, a shell.
TEST(Examples, hand_on_no_name_that_could_be_evaluated) {
  const std::string bad = "{{=1+1}} $(rm) `x` \"q\" 'q'";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"azureblobwatcher", "raw/" + bad + ".csv"},
      {"workflow-from-template", bad + ".pdf"},
      {"tekton-pipelinerun", "incoming/" + bad + ".mp4"},
      {"rayjob", bad + ".jsonl"},
  };
  for (const auto& [file, blob] : cases) {
    json::object object = rendered(source_dir() + "/examples/" + file + ".yaml", blob);
    const json::value* spec = object.if_contains("spec");
    ASSERT_TRUE(spec);
    std::string text = json::serialize(*spec);
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("{{=1"))) << file;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("$(rm"))) << file;
    EXPECT_THAT(text, testing::Not(testing::HasSubstr("`x`"))) << file;
    EXPECT_THAT(text, testing::HasSubstr("%7B%7B%3D1")) << file;
  }
}

}  // namespace
}  // namespace abo::cli
