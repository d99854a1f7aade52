#include "api/v1alpha1/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "api/v1alpha1/fields.h"
#include "base/json.h"

namespace abo::api {
namespace {

std::string_view type_name(FieldType type) {
  switch (type) {
    case FieldType::String:
      return "string";
    case FieldType::Time:
      return "time";
    case FieldType::Integer:
      return "integer";
    case FieldType::Boolean:
      return "boolean";
    case FieldType::Object:
    case FieldType::Opaque:
      return "object";
    case FieldType::List:
      return "list";
  }
  return "";
}

// A '|' would end the table's cell, also inside of code.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string code(std::string_view text) {
  return fmt::format("`{}`", cell(text));
}

std::string presence(const Field& field) {
  if (field.required) return "**required**";
  if (field.default_json.empty()) return "";
  json::value value = json::parse(field.default_json);
  return code(value.is_string() ? std::string(value.get_string()) : json::serialize(value));
}

// What is legal, in words: bounds, enumeration, form.
std::string limits(const Field& field) {
  std::string text;
  for (std::string_view word : field.words()) text += (text.empty() ? "One of " : ", ") + code(word);
  if (!field.pattern_means.empty()) text += fmt::format("Must be {}", cell(field.pattern_means));
  bool counted = field.type == FieldType::String;
  std::string_view unit = counted ? " characters" : "";
  if (!counted && field.min && field.max) {
    text += fmt::format("From {} to {}", *field.min, *field.max);
  } else if (!counted && field.min) {
    text += fmt::format("At least {}", *field.min);
  } else if (field.max) {
    text += fmt::format("{}t most {}{}", text.empty() ? "A" : "; a", *field.max, unit);
  }
  return text.empty() ? text : " " + text + ".";
}

std::string row(const Field& field) {
  std::string example = field.example.empty() ? "" : fmt::format(" Example: {}.", code(field.example));
  return fmt::format("| {} | {} | {} | {}{}{} |\n", code(field.name()), type_name(field.type),
                     presence(field), cell(field.description), limits(field), example);
}

// A table for `parent` and, behind it, one for each object or list in it.
void section(std::string& page, std::string_view parent, std::string_view description) {
  auto rows = children(parent);
  page += fmt::format("\n## {}\n{}\n\n| field | type | default | meaning |\n|---|---|---|---|\n",
                      code(parent), description);
  for (const Field* field : rows) page += row(*field);
  for (const Field* field : rows) {
    if (field->type == FieldType::Object) section(page, field->path, field->description);
    if (field->type == FieldType::List) section(page, fmt::format("{}[]", field->path), field->description);
  }
}

void rules(std::string& page) {
  page += "\n## Rules between fields\n";
  for (const SpecRule* rule : spec_rules()) {
    page += fmt::format("- {}: {}.\n", code(rule->field), rule->text);
  }
  page +=
      "\nThe API server checks them from Kubernetes v1.25 on. The operator checks all but those about "
      "changes, "
      "and all else\nthat the schema says, again for every stored watcher; what is wrong stands in the Ready "
      "condition with reason\n`InvalidSpec`. `azure-blob-operator validate` says it before.\n";
}

void columns(std::string& page) {
  page += "\n## Columns of `kubectl get abw`\n\n| column | from | meaning |\n|---|---|---|\n";
  for (const PrinterColumn& column : printer_columns()) {
    page += fmt::format("| {}{} | {} | {} |\n", column.name, column.wide ? " (`-o wide`)" : "",
                        code(column.json_path), column.description);
  }
}

}  // namespace

std::string reference_page() {
  std::string page = fmt::format(
      "# {}\n\n<!-- Generated from api/v1alpha1/fields.cc by crd_gen: do not edit. -->\n\n"
      "`apiVersion: {}/{}`, `kind: {}`, short name `abw`, namespaced.\n",
      kind, group, version, kind);
  section(page, "spec", find_field("spec")->description);
  rules(page);
  section(page, "status", find_field("status")->description);
  columns(page);
  return page;
}

}  // namespace abo::api
