// The examples are what newcomers copy: they must be right, and stay so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/json.h"
#include "cli/render_command.h"
#include "cli/validate.h"

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

TEST(Examples, name_what_they_create_after_the_blob) {
  ASSERT_FALSE(examples().empty());
  for (const std::string& file : examples()) {
    std::ostringstream out, err;
    EXPECT_EQ(render(file, {.blob = "raw/mydata.csv", .output = OutputFormat::Json}, out, err), 0)
        << err.str();
    auto object = parse_json(out.str()).value().as_object();
    EXPECT_THAT(std::string(find_string(object, {"metadata", "name"})), testing::EndsWith("-raw-mydata.csv"))
        << file;
  }
}

TEST(Examples, pipeline_has_the_name_people_expect) {
  std::ostringstream out, err;
  RenderOptions options{.blob = "raw/mydata.csv", .output = OutputFormat::Json};
  EXPECT_EQ(render(ABO_SOURCE_DIR "/examples/azureblobwatcher.yaml", options, out, err), 0);
  EXPECT_EQ(err.str(), "");
  auto object = parse_json(out.str()).value().as_object();
  EXPECT_EQ(find_string(object, {"metadata", "name"}), "ml-pipeline-raw-mydata.csv");
  EXPECT_EQ(find_string(object, {"kind"}), "Workflow");
}

}  // namespace
}  // namespace abo::cli
