// YAML text to JSON values, read as kubectl reads it (see yaml_scalar.h), anchors, aliases and merge keys
// included, but strict where kubectl is silent: duplicate keys are errors. Everything is bounded: bytes,
// depth, and what aliases may add. Templates, kubeconfigs and the files given to `validate` all pass through
// here. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace abo::render {

struct YamlOptions {
  std::size_t max_bytes = 256 << 10;
  std::size_t max_depth = 100;              // of nested lists and mappings
  std::size_t max_alias_bytes = 1 << 20;    // about what all aliases together may add
  bool record_lines = false;                // fill YamlDocument::lines
  Reason reason = Reason::InvalidTemplate;  // of every error
};

struct YamlDocument {
  json::value value;
  std::size_t line = 1;                                     // where the document begins
  std::map<std::string, std::size_t, std::less<>> lines{};  // JSON pointer -> line, when asked for

  // The line of the value a JSON pointer names, or of the nearest recorded thing around it.
  [[nodiscard]] std::size_t line_of(std::string_view pointer) const;
};

// All documents in order, but empty ones (and those that hold only null), which kubectl ignores as well.
// Errors: Invalid, with "line 3, column 5: ..." (both counted from 1).
[[nodiscard]] Result<std::vector<YamlDocument>> read_yaml_documents(std::string_view text,
                                                                    const YamlOptions& options = {});

// Exactly one document. Errors: as above, or none or several documents.
[[nodiscard]] Result<YamlDocument> read_yaml_document(std::string_view text, const YamlOptions& options = {});
[[nodiscard]] Result<json::value> read_yaml(std::string_view text, const YamlOptions& options = {});

// One step of a JSON pointer, escaped ("a/b" -> "a~1b").
[[nodiscard]] std::string pointer_step(std::string_view key);

// A JSON pointer as people write paths: "/spec/containers/0/env" -> "spec.containers[0].env".
[[nodiscard]] std::string readable_path(std::string_view pointer);

}  // namespace abo::render
