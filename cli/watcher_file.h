// A file of Kubernetes manifests, read without a cluster: the watchers in it, decoded and compiled as the operator
// would, and everything that is wrong with them, each finding with its line. `validate`, `render` and `preview` start
// from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "azure/endpoint.h"
#include "base/error.h"
#include "filter/filter.h"
#include "render/render.h"

namespace abo::cli {

enum class Severity : std::uint8_t { Error, Warning, Note };
[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Severity severity = Severity::Error;
  std::string file;
  std::size_t line = 0;    // from 1
  std::size_t column = 0;  // from 1; 0 when only the line is known
  std::string path;        // "spec.blobPattern"; empty when it is not about one field
  std::string message;
};

// "file:line: path: message", as compilers write it and editors read it.
[[nodiscard]] std::string to_text(const Finding& finding);

// A watcher without errors.
struct Watcher {
  std::string name;
  std::string name_space;  // empty when the file names none
  api::Spec spec;
  std::optional<azure::ContainerUrl> url;  // nothing when only a connection string in the Secret says it
  filter::Filter filter;
  render::Template job;
};

struct WatcherFile {
  std::size_t watcher_count = 0;  // with or without errors
  std::vector<Watcher> watchers;
  std::vector<Finding> findings;  // in the order of the lines

  [[nodiscard]] bool has_errors() const;
};

// The text of a file, or of the standard input for "-". Errors: NotFound, TooLarge, with the file's name.
[[nodiscard]] Result<std::string> read_input(const std::string& path);

// Which of the file's watchers is meant; null, and a sentence on `err`, when that is not clear.
[[nodiscard]] const Watcher* choose(const std::vector<Watcher>& watchers, const std::string& name,
                                    std::ostream& err);

// Never fails as a whole: what cannot be read as YAML is a finding too. `name` is what findings call the file.
[[nodiscard]] WatcherFile check_watchers(const std::string& name, std::string_view text);

}  // namespace abo::cli
