#include <fmt/format.h>

#include <utility>

#include "base/time.h"
#include "render/document.h"
#include "render/manifest_check.h"
#include "render/object_names.h"
#include "render/render.h"
#include "render/shell_warnings.h"
#include "render/yaml_reader.h"

namespace abo::render {

struct Compiled {
  Node tree;
  NameRule name_rule;
  ExpressionMarks marks;
};

namespace {

constexpr std::string_view field = "jobTemplate.template";

Error template_error(const Complaint& complaint, const YamlDocument& document) {
  std::string path = readable_path(complaint.pointer);
  return fail(ErrorKind::Invalid, complaint.reason,
              fmt::format("{}, line {}: {}{}{}", field, document.line_of(complaint.pointer), path,
                          path.empty() ? "" : ": ", complaint.text))
      .error();
}

Result<YamlDocument> read_template(std::string_view text) {
  YamlOptions options;
  options.max_bytes *= 4;  // the field's limit is in characters, which have four bytes at most
  options.record_lines = true;
  auto document = read_yaml_document(text, options);
  if (!document) {
    return fail(ErrorKind::Invalid, Reason::InvalidTemplate,
                fmt::format("{}, {}", field, document.error().message));
  }
  if (!document->value.is_object()) {
    return fail(
        ErrorKind::Invalid, Reason::InvalidTemplate,
        fmt::format("{}, line {}: one manifest is expected, a mapping with apiVersion, kind and metadata",
                    field, document->line));
  }
  return document;
}

// generateName would give every attempt another name; with the blob's hash each version has one.
void settle_generate_name(json::object& metadata) {
  const json::value* generated = metadata.if_contains("generateName");
  if (!generated) return;
  std::string name(generated->get_string());
  metadata.stable_erase(metadata.find("generateName"));
  metadata["name"] = name + "${BLOB_HASH}";
}

// Checks the name as the user wrote it: behind a generateName's text the hash will follow.
Checked<void> check_own_name(const json::object& metadata, const NameRule& rule,
                             const std::vector<std::string>& group_names) {
  bool generated = metadata.contains("generateName");
  std::string_view key = generated ? "generateName" : "name";
  std::string pointer = fmt::format("/metadata/{}", key);
  auto text = Text::parse(std::string(metadata.at(key).get_string()) + (generated ? "${BLOB_HASH}" : ""),
                          group_names);
  if (!text) return {};  // its variables are complained of where all are
  return check_name(*text, rule, pointer);
}

json::object& object_at(json::object& parent, std::string_view key) {
  json::value& value = parent[key];
  return value.is_object() ? value.get_object() : value.emplace_object();
}

json::object owner_reference(const Source& source) {
  return {{"apiVersion", "mlops.example.com/v1alpha1"},
          {"kind", "AzureBlobWatcher"},
          {"name", source.watcher_name},
          {"uid", source.watcher_uid},
          {"controller", true},
          {"blockOwnerDeletion", false}};
}

// False when a key with variables in it has become one of ours.
bool add(json::object& object, std::string_view key, std::string_view value) {
  return object.emplace(key, value).second;
}

bool add_ours(json::object& object, const Source& source, const Blob& blob, Values& values) {
  json::object& metadata = object_at(object, "metadata");
  metadata["namespace"] = source.watcher_namespace;
  metadata["finalizers"] = json::array{recording_finalizer};
  if (source.owned) metadata["ownerReferences"] = json::array{owner_reference(source)};
  json::object& labels = object_at(metadata, "labels");
  labels[managed_by_label] = managed_by_value;
  bool ok = add(labels, watcher_label, watcher_label_value(source.watcher_name));
  json::object& annotations = object_at(metadata, "annotations");
  ok = add(annotations, blob_name_annotation, blob.item.name) && ok;
  ok = add(annotations, blob_url_annotation, values.get(Variable::BlobUrl)) && ok;
  ok = add(annotations, blob_etag_annotation, blob.item.etag) && ok;
  ok = add(annotations, blob_last_modified_annotation, values.get(Variable::BlobLastModified)) && ok;
  ok = add(annotations, trigger_key_annotation, blob.key.hex()) && ok;
  return add(annotations, watcher_uid_annotation, source.watcher_uid) && ok;
}

// The manifest taken apart, or all that is wrong with it, as far as one thing can be seen beside another.
std::expected<Compiled, std::vector<Complaint>> take_apart(json::object& manifest,
                                                           std::string_view expected_kind,
                                                           std::string_view watcher_namespace,
                                                           const std::vector<std::string>& group_names) {
  std::vector<Complaint> complaints;
  NameRule rule;
  bool generated = false;
  if (auto ok = check_manifest(manifest, expected_kind, watcher_namespace); !ok) {
    complaints.push_back(std::move(ok.error()));
  } else {
    json::object& metadata = manifest.at("metadata").get_object();
    rule = name_rule(manifest);
    if (auto own = check_own_name(metadata, rule, group_names); !own)
      complaints.push_back(std::move(own.error()));
    generated = metadata.contains("generateName");
    settle_generate_name(metadata);
  }
  auto tree = compile(manifest, group_names);
  if (!tree) {
    for (Complaint& complaint : tree.error()) {
      if (generated && complaint.pointer == "/metadata/name") complaint.pointer = "/metadata/generateName";
      complaints.push_back(std::move(complaint));
    }
  }
  if (!complaints.empty()) return std::unexpected(std::move(complaints));
  return Compiled{std::move(*tree), rule, expression_marks(find_string(manifest, {"apiVersion"}))};
}

std::unexpected<Error> blob_error(const Complaint& complaint) {
  return fail(ErrorKind::Invalid, complaint.reason,
              fmt::format("{}: {}", readable_path(complaint.pointer), complaint.text));
}

}  // namespace

std::expected<Template, std::vector<Error>> Template::parse_with_all_errors(
    std::string_view text, std::string_view expected_kind, std::string_view watcher_namespace,
    const std::vector<std::string>& group_names) {
  std::vector<Error> errors;
  auto document = read_template(text);
  if (!document) {
    errors.push_back(std::move(document.error()));
    return std::unexpected(std::move(errors));
  }
  json::object& manifest = document->value.get_object();
  auto compiled = take_apart(manifest, expected_kind, watcher_namespace, group_names);
  if (!compiled) {
    for (const Complaint& complaint : compiled.error())
      errors.push_back(template_error(complaint, *document));
    return std::unexpected(std::move(errors));
  }
  Template result;
  result.api_version_ = find_string(manifest, {"apiVersion"});
  result.kind_ = find_string(manifest, {"kind"});
  result.warnings_ = shell_warnings(manifest, group_names);
  result.compiled_ = std::make_shared<const Compiled>(std::move(*compiled));
  return result;
}

Result<Template> Template::parse(std::string_view text, std::string_view expected_kind,
                                 std::string_view watcher_namespace,
                                 const std::vector<std::string>& group_names) {
  auto parsed = parse_with_all_errors(text, expected_kind, watcher_namespace, group_names);
  if (!parsed) return std::unexpected(std::move(parsed.error().front()));
  return std::move(*parsed);
}

Result<Rendered> Template::render(const Source& source, const Blob& blob) const {
  Values values(source, blob);
  Filling filling{values, compiled_->name_rule, compiled_->marks};
  auto filled = fill(compiled_->tree, filling);
  if (!filled) return blob_error(filled.error());
  Rendered rendered;
  rendered.object = std::move(filled->get_object());
  if (!add_ours(rendered.object, source, blob, values)) {
    return blob_error({Reason::TemplateError,
                       "a label or annotation becomes one of the operator's own for this blob", "/metadata"});
  }
  std::string_view name = find_string(rendered.object, {"metadata", "name"});
  rendered.fallback_name = fallback_name(name, compiled_->name_rule.limit, blob.key);
  return rendered;
}

const std::string& Template::api_version() const {
  return api_version_;
}
const std::string& Template::kind() const {
  return kind_;
}
const std::vector<std::string>& Template::warnings() const {
  return warnings_;
}

}  // namespace abo::render
