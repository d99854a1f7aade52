#include "cli/render_command.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"

namespace abo::cli {
namespace {

constexpr std::string_view watcher = R"(apiVersion: mlops.example.com/v1alpha1
kind: AzureBlobWatcher
metadata:
  name: one
spec:
  endpoint: http://127.0.0.1:10000/devstoreaccount1/
  containerName: data
  blobPrefix: raw/
  blobPattern: '^raw/(.*)\.csv$'
  maxSizeBytes: 5000
  jobTemplate:
    kind: ConfigMap
    template: |
      apiVersion: v1
      kind: ConfigMap
      metadata:
        name: cm-${BLOB_NAME}
      data:
        url: ${BLOB_URL}
        account: ${STORAGE_ACCOUNT}
        stem: ${MATCH_1}
        size: "${BLOB_SIZE}"
)";

class RenderCommand : public testing::Test {
 protected:
  RenderCommand() : path_(testing::TempDir() + std::to_string(::getpid()) + "_render_command.yaml") {
    write(watcher);
  }
  ~RenderCommand() override { std::remove(path_.c_str()); }

  void write(std::string_view text) { std::ofstream(path_, std::ios::trunc) << text; }

  int run() {
    out.str("");
    err.str("");
    return render(path_, options, out, err);
  }

  json::object object() {
    options.output = OutputFormat::Json;
    EXPECT_EQ(run(), 0) << err.str();
    return parse_json(out.str()).value().as_object();
  }

  RenderOptions options{.blob = "raw/my data.csv"};
  std::ostringstream out, err;

 private:
  std::string path_;
};

TEST_F(RenderCommand, prints_what_would_be_created) {
  json::object made = object();
  EXPECT_EQ(find_string(made, {"metadata", "name"}), "cm-raw-my-data.csv");
  EXPECT_EQ(find_string(made, {"data", "url"}),
            "http://127.0.0.1:10000/devstoreaccount1/data/raw/my%20data.csv");
  EXPECT_EQ(find_string(made, {"data", "account"}), "devstoreaccount1");
  EXPECT_EQ(find_string(made, {"data", "stem"}), "my data");
  EXPECT_EQ(find_string(made, {"data", "size"}), "1024");
  EXPECT_EQ(err.str(), "");
}

TEST_F(RenderCommand, prints_yaml_by_default_and_the_same_every_time) {
  EXPECT_EQ(run(), 0);
  std::string first = out.str();
  EXPECT_THAT(first, testing::HasSubstr("kind: ConfigMap\n"));
  EXPECT_EQ(run(), 0);
  EXPECT_EQ(out.str(), first);
}

TEST_F(RenderCommand, notes_that_the_filters_would_leave_it_out_and_renders_all_the_same) {
  for (auto [blob, reason] :
       {std::pair{"other/x.csv", "PrefixDoesNotMatch"}, {"raw/x.txt", "PatternDoesNotMatch"}}) {
    options.blob = blob;
    EXPECT_EQ(run(), 0);
    EXPECT_THAT(err.str(), testing::HasSubstr(reason));
    EXPECT_THAT(out.str(), testing::HasSubstr("kind: ConfigMap"));
  }
  options = {.blob = "raw/x.csv", .size = 5001};
  EXPECT_EQ(run(), 0);
  EXPECT_THAT(err.str(), testing::HasSubstr("TooLarge"));
}

TEST_F(RenderCommand, asks_which_watcher_is_meant) {
  std::string two = std::string(watcher) + "---\n" + std::string(watcher);
  two.replace(two.rfind("name: one"), 9, "name: two");
  write(two);
  EXPECT_EQ(run(), 2);
  EXPECT_THAT(err.str(), testing::HasSubstr("2 watchers (one, two): choose one with --watcher"));
  options.watcher = "two";
  EXPECT_EQ(run(), 0);
  options.watcher = "three";
  EXPECT_EQ(run(), 2);
}

TEST_F(RenderCommand, says_what_is_wrong_with_the_watcher_or_the_call) {
  write("apiVersion: mlops.example.com/v1alpha1\nkind: AzureBlobWatcher\nmetadata: {name: x}\nspec: {}\n");
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(err.str(), testing::HasSubstr("spec.containerName: is required"));
  EXPECT_EQ(out.str(), "");
  write("apiVersion: v1\nkind: Secret\n");
  EXPECT_EQ(run(), 2);
  options.last_modified = "yesterday";
  EXPECT_EQ(run(), 2);
  EXPECT_EQ(render("/nonexistent.yaml", {.blob = "x"}, out, err), 2);
}

}  // namespace
}  // namespace abo::cli
