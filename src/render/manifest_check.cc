#include "render/manifest_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "render/object_names.h"

namespace abo::render {
namespace {

std::unexpected<Complaint> complain(std::string pointer, std::string text,
                                    Reason reason = Reason::InvalidTemplate) {
  return std::unexpected(Complaint{reason, std::move(text), std::move(pointer)});
}

constexpr std::pair<std::string_view, std::string_view> refused_metadata[] = {
    {"ownerReferences", "the operator sets it as deletionPolicy says: remove it"},
    {"finalizers", "only the operator's own finalizer is allowed: remove it"},
    {"uid", "the API server sets it: remove it"},
    {"resourceVersion", "the API server sets it: remove it"},
    {"generation", "the API server sets it: remove it"},
    {"selfLink", "the API server sets it: remove it"},
    {"managedFields", "the API server sets it: remove it"},
    {"deletionTimestamp", "the API server sets it: remove it"},
    {"deletionGracePeriodSeconds", "the API server sets it: remove it"},
};

constexpr std::string_view our_keys[] = {
    watcher_label,         blob_name_annotation,          blob_url_annotation,
    blob_etag_annotation,  blob_last_modified_annotation, trigger_key_annotation,
    watcher_uid_annotation};

Checked<std::string_view> plain_string(const json::object& manifest, std::string_view key) {
  std::string pointer = fmt::format("/{}", key);
  const json::value* value = manifest.if_contains(key);
  if (!value) return complain("", fmt::format("the template has no {}", key));
  const auto* text = value->if_string();
  if (!text || text->empty())
    return complain(pointer, fmt::format("{} must be a text that is not empty", key));
  if (text->find("${") != text->npos) return complain(pointer, fmt::format("{} cannot hold variables", key));
  return std::string_view(*text);
}

bool is_word(std::string_view text, bool dots) {
  auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || (dots && c == '.');
  };
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, fits) && !text.contains("..") &&
         text.front() != '.' && text.back() != '.';
}

// "v1" or "group/version", and a kind of letters and digits: both end up in the paths of requests, where nothing else
// that a template says may lead.
Checked<void> check_words(std::string_view api_version, std::string_view kind) {
  std::size_t slash = api_version.find('/');
  bool group = slash == api_version.npos || is_word(api_version.substr(0, slash), true);
  std::string_view version = slash == api_version.npos ? api_version : api_version.substr(slash + 1);
  if (!group || !is_word(version, false)) {
    return complain("/apiVersion",
                    fmt::format("apiVersion \"{}\" is not of the form group/version, as in batch/v1",
                                bounded_text(api_version, 80)));
  }
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  if (!letter(kind.front()) || !std::ranges::all_of(kind, fits) || kind.size() > 63) {
    return complain("/kind",
                    fmt::format("kind \"{}\" is not the name of a kind, as in Job", bounded_text(kind, 80)));
  }
  return {};
}

Checked<void> check_kind(const json::object& manifest, std::string_view expected_kind) {
  auto api_version = plain_string(manifest, "apiVersion");
  if (!api_version) return std::unexpected(std::move(api_version.error()));
  auto kind = plain_string(manifest, "kind");
  if (!kind) return std::unexpected(std::move(kind.error()));
  if (auto words = check_words(*api_version, *kind); !words) return words;
  if (api_version->starts_with("rbac.authorization.k8s.io/") ||
      api_version->starts_with("authorization.openshift.io/") ||
      api_version->starts_with("mlops.example.com/")) {
    return complain("/kind",
                    fmt::format("{} {} is never created from a template", bounded_text(*api_version, 80),
                                bounded_text(*kind, 80)),
                    Reason::KindNotAllowed);
  }
  if (kind->ends_with("List") && manifest.contains("items")) {
    return complain("/kind", "a List holds several resources; a template is one");
  }
  if (!expected_kind.empty() && *kind != expected_kind) {
    return complain(
        "/kind",
        fmt::format("the template's kind is \"{}\" but jobTemplate.kind says \"{}\": make them equal",
                    bounded_text(*kind, 80), bounded_text(expected_kind, 80)));
  }
  return {};
}

Checked<void> check_fixed_keys(const json::object& object, std::string pointer) {
  for (const auto& [key, value] : object) {
    if (key.find("${") != key.npos) {
      return complain(pointer + "/" + pointer_step(key), "a key at this place cannot hold variables");
    }
  }
  return {};
}

// labels, annotations: texts only, and none of ours; managed-by, which every chart writes, is overwritten.
Checked<void> check_texts(const json::object& metadata, std::string_view field) {
  const json::value* value = metadata.if_contains(field);
  std::string pointer = fmt::format("/metadata/{}", field);
  if (!value || value->is_null()) return {};
  const json::object* object = value->if_object();
  if (!object) return complain(pointer, fmt::format("{} must be a mapping", field));
  for (const auto& [key, text] : *object) {
    std::string at = pointer + "/" + pointer_step(key);
    if (std::ranges::find(our_keys, std::string_view(key)) != std::end(our_keys)) {
      return complain(at, "the operator sets this itself: remove it");
    }
    if (!text.is_string()) return complain(at, "must be a text: put it in quotes");
  }
  return {};
}

Checked<void> check_namespace(const json::object& metadata, std::string_view watcher_namespace) {
  const json::value* value = metadata.if_contains("namespace");
  if (!value || value->is_null()) return {};
  const auto* text = value->if_string();
  bool same =
      text && (watcher_namespace.empty() ? text->find("${") == text->npos : *text == watcher_namespace);
  bool said_without_naming = text && (text->empty() || *text == "${WATCHER_NAMESPACE}");
  if (same || said_without_naming) return {};
  return complain("/metadata/namespace",
                  watcher_namespace.empty()
                      ? "must be a plain text, the watcher's own namespace: remove it"
                      : fmt::format("resources are created in the watcher's namespace \"{}\": remove it",
                                    watcher_namespace));
}

Checked<void> check_metadata(const json::object& metadata, std::string_view watcher_namespace) {
  for (const auto& [key, advice] : refused_metadata) {
    if (metadata.contains(key)) {
      return complain(fmt::format("/metadata/{}", key), fmt::format("not allowed in a template; {}", advice));
    }
  }
  // `kubectl create --dry-run=client -o yaml` writes it as null, which says nothing.
  const json::value* created = metadata.if_contains("creationTimestamp");
  if (created && !created->is_null()) {
    return complain("/metadata/creationTimestamp",
                    "not allowed in a template; the API server sets it: remove it");
  }
  if (auto ok = check_fixed_keys(metadata, "/metadata"); !ok) return ok;
  if (auto ok = check_texts(metadata, "labels"); !ok) return ok;
  if (auto ok = check_texts(metadata, "annotations"); !ok) return ok;
  return check_namespace(metadata, watcher_namespace);
}

Checked<void> check_name_fields(const json::object& metadata) {
  const json::value *name = metadata.if_contains("name"), *generated = metadata.if_contains("generateName");
  if (name && generated) return complain("/metadata/generateName", "give name or generateName, not both");
  if (!name && !generated) {
    return complain("/metadata", "the template has no metadata.name; for example: process-${BLOB_NAME}");
  }
  const json::value& given = name ? *name : *generated;
  if (given.is_string() && !given.get_string().empty()) return {};
  return complain(name ? "/metadata/name" : "/metadata/generateName",
                  "must be a text that is not empty (quote numbers and words like yes)");
}

}  // namespace

Checked<void> check_manifest(const json::object& manifest, std::string_view expected_kind,
                             std::string_view watcher_namespace) {
  if (auto ok = check_kind(manifest, expected_kind); !ok) return ok;
  if (manifest.contains("status")) return complain("/status", "not allowed in a template: remove it");
  if (auto ok = check_fixed_keys(manifest, ""); !ok) return ok;
  const json::value* value = manifest.if_contains("metadata");
  const json::object* metadata = value ? value->if_object() : nullptr;
  if (!metadata) {
    return complain(value ? "/metadata" : "",
                    "the template has no metadata.name; for example: process-${BLOB_NAME}");
  }
  if (auto ok = check_metadata(*metadata, watcher_namespace); !ok) return ok;
  return check_name_fields(*metadata);
}

Checked<void> check_name(const Text& name, const NameRule& rule, std::string_view pointer) {
  NameRule any_length = rule;
  any_length.limit = std::string::npos;
  std::string sample;
  // A digit where a letter must come first: any value may begin with one.
  for (const Piece& piece : name.pieces()) sample += piece.variable ? "0" : piece.literal;
  if (is_legal(sample, any_length)) return {};
  std::string shown;
  for (const Piece& piece : name.pieces()) shown += spelled(piece);
  std::string_view dots = rule.form == NameForm::Label ? "" : "'.' and ";
  return complain(
      std::string(pointer),
      fmt::format("\"{}\" cannot be a name: use lower-case letters, digits, {}'-' only, and begin{} and "
                  "end with a letter or digit",
                  bounded_text(shown, 100), dots, rule.begins_with_letter ? " with a letter" : ""));
}

}  // namespace abo::render
