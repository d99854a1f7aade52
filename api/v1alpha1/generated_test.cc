#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <fstream>
#include <iterator>

#include "api/v1alpha1/check.h"
#include "api/v1alpha1/fields.h"
#include "api/v1alpha1/reference.h"
#include "api/v1alpha1/schema.h"

namespace abo::api {
namespace {

std::string file(const std::string& path) {
  std::ifstream in(ABO_SOURCE_DIR "/" + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Generated, crd_files_are_what_the_table_says) {
  EXPECT_EQ(file("config/crd/azureblobwatchers.yaml"), crd_file(CrdForm::WithRules)) << "run: make manifests";
  EXPECT_EQ(file("config/crd-pre-1.25/azureblobwatchers.yaml"), crd_file(CrdForm::Plain))
      << "run: make manifests";
}

TEST(Generated, reference_page_is_what_the_table_says) {
  EXPECT_EQ(file("docs/reference/azureblobwatcher.md"), reference_page()) << "run: make manifests";
}

TEST(Fields, every_row_has_a_parent_above_it_and_a_description) {
  std::vector<std::string_view> seen;
  for (const Field& field : fields()) {
    EXPECT_FALSE(field.description.empty()) << field.path;
    EXPECT_TRUE(field.description.ends_with('.')) << field.path;
    EXPECT_THAT(seen, testing::Not(testing::Contains(field.path)));
    std::string_view parent = field.parent();
    if (parent.ends_with("[]")) parent.remove_suffix(2);
    if (!parent.empty()) EXPECT_THAT(seen, testing::Contains(parent)) << field.path;
    seen.push_back(field.path);
  }
}

TEST(Fields, every_string_list_and_number_is_bounded) {
  for (const Field& field : fields()) {
    bool counted = field.type == FieldType::Integer;
    bool text = field.type == FieldType::String && field.words().empty();
    if (counted) EXPECT_TRUE(field.min) << field.path;
    if (counted || text || field.type == FieldType::List) EXPECT_TRUE(field.max) << field.path;
  }
}

TEST(Fields, every_pattern_compiles_is_anchored_and_explained) {
  for (const Field& field : fields()) {
    if (field.pattern.empty()) continue;
    EXPECT_TRUE(RE2(std::string(field.pattern)).ok()) << field.path;
    EXPECT_TRUE(field.pattern.starts_with('^') && field.pattern.ends_with('$')) << field.path;
    EXPECT_FALSE(field.pattern_means.empty()) << field.path;
  }
}

// A schema the API server would call structural: every node has a type, and only keywords v1.19 knows.
void expect_structural(const json::value& schema, const std::string& path) {
  static const std::vector<std::string> known = {"type",
                                                 "description",
                                                 "format",
                                                 "default",
                                                 "enum",
                                                 "minLength",
                                                 "maxLength",
                                                 "pattern",
                                                 "minimum",
                                                 "maximum",
                                                 "items",
                                                 "maxItems",
                                                 "required",
                                                 "properties",
                                                 "x-kubernetes-preserve-unknown-fields",
                                                 "x-kubernetes-list-type",
                                                 "x-kubernetes-list-map-keys"};
  const json::object& object = schema.as_object();
  EXPECT_TRUE(object.contains("type")) << path;
  for (const auto& member : object) EXPECT_THAT(known, testing::Contains(std::string(member.key()))) << path;
  if (const json::object* properties = find_object(object, {"properties"})) {
    for (const auto& member : *properties)
      expect_structural(member.value(), path + "." + std::string(member.key()));
  }
  if (const json::value* items = object.if_contains("items")) expect_structural(*items, path + "[]");
}

TEST(Schema, is_structural_and_its_plain_form_uses_nothing_newer_than_v1_19) {
  json::object crd = custom_resource_definition(CrdForm::Plain);
  const json::value& version = crd["spec"].at("versions").at(0);
  expect_structural(version.at("schema").at("openAPIV3Schema"), "");
}

TEST(Schema, its_forms_differ_in_the_rules_alone) {
  json::object with = custom_resource_definition(CrdForm::WithRules);
  json::value& root = with["spec"].at("versions").at(0).at("schema").at("openAPIV3Schema");
  json::object& spec = root.at("properties").at("spec").as_object();
  EXPECT_EQ(spec.at("x-kubernetes-validations").as_array().size(), spec_rules().size());
  spec.erase("x-kubernetes-validations");
  EXPECT_EQ(with, custom_resource_definition(CrdForm::Plain));
}

TEST(Schema, keeps_the_checkpoint_whole) {
  json::object crd = custom_resource_definition(CrdForm::WithRules);
  const json::value& root = crd["spec"].at("versions").at(0).at("schema").at("openAPIV3Schema");
  EXPECT_EQ(root.at("properties")
                .at("status")
                .at("properties")
                .at("checkpoint")
                .at("x-kubernetes-preserve-unknown-fields"),
            true);
}

}  // namespace
}  // namespace abo::api
