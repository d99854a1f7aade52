#include "api/v1alpha1/schema.h"

#include <fmt/format.h>

#include <limits>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "api/v1alpha1/fields.h"
#include "base/yaml_writer.h"

namespace abo::api {
namespace {

json::object object_schema(std::string_view parent);

// A default or an example as the text a user writes.
std::string written(std::string_view default_json) {
  json::value value = json::parse(default_json);
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

// What `kubectl explain` shows, which in older releases knows neither defaults nor examples.
std::string explanation(const Field& field) {
  std::string text(field.description);
  if (!field.default_json.empty()) text += fmt::format(" Default: {}.", written(field.default_json));
  if (!field.example.empty()) text += fmt::format(" Example: {}", field.example);
  return text;
}

void add_string_limits(const Field& field, json::object& schema) {
  if (auto words = field.words(); !words.empty()) {
    schema["enum"] = json::array(words.begin(), words.end());
  }
  if (field.min) schema["minLength"] = *field.min;
  if (field.max) schema["maxLength"] = *field.max;
  if (!field.pattern.empty()) schema["pattern"] = field.pattern;
}

json::object list_schema(const Field& field) {
  std::string items = fmt::format("{}[]", field.path);
  json::object schema = {{"type", "array"}, {"items", object_schema(items)}};
  if (field.max) schema["maxItems"] = *field.max;
  // Conditions have one owner per type; server-side apply merges them by it.
  if (field.path == "status.conditions") {
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = json::array{"type"};
  }
  return schema;
}

json::object type_schema(const Field& field) {
  switch (field.type) {
    case FieldType::String: {
      json::object schema = {{"type", "string"}};
      add_string_limits(field, schema);
      return schema;
    }
    case FieldType::Time:
      return {{"type", "string"}, {"format", "date-time"}};
    case FieldType::Integer: {
      json::object schema = {{"type", "integer"}, {"format", "int64"}};
      if (field.min) schema["minimum"] = *field.min;
      // The API server keeps a maximum as a float64, in which the largest int64 is another number.
      if (field.max && *field.max < std::numeric_limits<std::int64_t>::max()) schema["maximum"] = *field.max;
      return schema;
    }
    case FieldType::Boolean:
      return {{"type", "boolean"}};
    case FieldType::Object:
      return object_schema(field.path);
    case FieldType::List:
      return list_schema(field);
    case FieldType::Opaque:
      return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  }
  return {};
}

json::object field_schema(const Field& field) {
  json::object schema = {{"description", explanation(field)}};
  for (auto& member : type_schema(field)) schema[member.key()] = std::move(member.value());
  if (!field.default_json.empty()) schema["default"] = json::parse(field.default_json);
  return schema;
}

json::object object_schema(std::string_view parent) {
  json::array required;
  json::object properties;
  for (const Field* field : children(parent)) {
    if (field->required) required.emplace_back(field->name());
    properties[field->name()] = field_schema(*field);
  }
  json::object schema = {{"type", "object"}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  return schema;
}

// The error of the API server names the object the rule stands in, so the message names the field.
json::array validations() {
  json::array list;
  for (const SpecRule* rule : spec_rules()) {
    std::string_view name = rule->field.substr(std::string_view("spec.").size());
    list.push_back(json::object{{"rule", rule->cel}, {"message", fmt::format("{}: {}", name, rule->text)}});
  }
  return list;
}

json::object root_schema(CrdForm form) {
  json::object properties = {
      {"apiVersion", {{"description", "Always mlops.example.com/v1alpha1."}, {"type", "string"}}},
      {"kind", {{"description", "Always AzureBlobWatcher."}, {"type", "string"}}},
      {"metadata", {{"type", "object"}}},
  };
  for (std::string_view root : {"spec", "status"}) properties[root] = field_schema(*find_field(root));
  if (form == CrdForm::WithRules) {
    properties["spec"].as_object()["x-kubernetes-validations"] = validations();
  }
  return {{"description",
           "Watches a container of Azure Blob Storage and creates one resource, such as a Job or an Argo "
           "Workflow, for "
           "each new or updated blob that passes its filters: exactly once per version of a blob."},
          {"type", "object"},
          {"required", json::array{"spec"}},
          {"properties", std::move(properties)}};
}

json::array printer_column_list() {
  json::array list;
  for (const PrinterColumn& column : printer_columns()) {
    json::object entry = {{"name", column.name},
                          {"type", column.type},
                          {"jsonPath", column.json_path},
                          {"description", column.description}};
    if (column.wide) entry["priority"] = 1;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

json::object custom_resource_definition(CrdForm form) {
  json::object names = {{"kind", kind},
                        {"listKind", fmt::format("{}List", kind)},
                        {"plural", plural},
                        {"singular", "azureblobwatcher"},
                        {"shortNames", json::array{"abw"}},
                        {"categories", json::array{"azure"}}};
  json::object served = {{"name", version},
                         {"served", true},
                         {"storage", true},
                         {"subresources", {{"status", json::object()}}},
                         {"additionalPrinterColumns", printer_column_list()},
                         {"schema", {{"openAPIV3Schema", root_schema(form)}}}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata",
           {{"name", fmt::format("{}.{}", plural, group)},
            {"labels", {{"app.kubernetes.io/name", "azure-blob-operator"}}}}},
          {"spec",
           {{"group", group},
            {"scope", "Namespaced"},
            {"names", std::move(names)},
            {"versions", json::array{std::move(served)}}}}};
}

std::string crd_file(CrdForm form) {
  std::string_view for_whom = form == CrdForm::Plain ? "# For Kubernetes v1.19 to v1.24.\n" : "";
  return fmt::format("# Generated from api/v1alpha1/fields.cc by crd_gen: do not edit.\n{}{}", for_whom,
                     to_yaml(custom_resource_definition(form)));
}

}  // namespace abo::api
