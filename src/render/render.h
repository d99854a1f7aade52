// What to create: a watcher's template and a blob in, the Kubernetes object out. Pure and deterministic: the same
// template, blob and key give the same object, name included, for ever; exactly-once rests on it.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/trigger_key.h"
#include "listing/blob_item.h"

namespace abo::render {

// Whose blob it is. Values that are the same for every blob of a watcher.
struct Source {
  std::string watcher_name;
  std::string watcher_namespace;
  std::string watcher_uid;
  std::string storage_account;  // ${STORAGE_ACCOUNT}
  std::string container_name;   // ${CONTAINER_NAME}
  std::string container_url;    // no trailing slash, no SAS; ${BLOB_URL} = container_url + "/" + encoded name
  bool owned = true;            // deletionPolicy Delete: the object carries an owner reference to the watcher
};

// One group of blobPattern: numbered from 1, with a name when it has one.
struct MatchGroup {
  std::string name;
  std::string value;
};

struct Blob {
  listing::BlobItem item;
  TriggerKey key;
  std::vector<MatchGroup> groups;
};

// An object ready to be created.
struct Rendered {
  json::object object;  // complete: metadata.name, namespace, labels, annotations, finalizer, owner reference
  std::string fallback_name;  // "<name>-${BLOB_HASH}", for when the name is taken by something else
};

struct Compiled;  // the manifest, taken apart; template.cc

class Template {
 public:
  // Parses one manifest as kubectl would read it. Errors: Invalid, InvalidTemplate, with the line in the template:
  // not YAML, no or several documents, no kind / apiVersion / name, kind other than `expected_kind`, another
  // namespace than `watcher_namespace`, refused fields (ownerReferences, finalizers, status), unknown ${BLOB_...},
  // over 256 KiB, too deep, too many aliases, a name whose own letters are illegal. KindNotAllowed for RBAC kinds and
  // AzureBlobWatchers. A generateName becomes a name that ends in ${BLOB_HASH}: names must be deterministic.
  // watcher_namespace "": not known (a file checked offline), so metadata.namespace is not compared. Empty, null and
  // ${WATCHER_NAMESPACE} name no other.
  // group_names: the pattern's groups in order, "" for those without a name (so that ${MATCH_2} can be checked now).
  static Result<Template> parse(std::string_view text, std::string_view expected_kind,
                                std::string_view watcher_namespace,
                                const std::vector<std::string>& group_names);

  // The same with everything that is wrong, as far as it can be seen at once: at least one error, the first is parse's.
  // expected_kind "": not known, so not compared.
  static std::expected<Template, std::vector<Error>> parse_with_all_errors(
      std::string_view text, std::string_view expected_kind, std::string_view watcher_namespace,
      const std::vector<std::string>& group_names);

  [[nodiscard]] const std::string& api_version() const;  // "batch/v1"
  [[nodiscard]] const std::string& kind() const;         // "Job"

  // Sentences for the Ready condition and for `validate`: a raw ${BLOB_...} in a command that a shell evaluates.
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  // Errors concern this blob alone: Invalid with UnsafeName or TemplateError.
  [[nodiscard]] Result<Rendered> render(const Source& source, const Blob& blob) const;

 private:
  std::string api_version_;
  std::string kind_;
  std::vector<std::string> warnings_;
  std::shared_ptr<const Compiled> compiled_;  // never changes, so copies share it
};

}  // namespace abo::render
