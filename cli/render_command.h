// `render FILE --blob NAME`: what would be created for this blob? Asks neither a cluster nor Azure.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "cli/output_format.h"

namespace abo::cli {

// What the blob is and whose. The defaults are fixed, so that the same command prints the same object for ever.
struct RenderOptions {
  std::string blob;
  std::string etag = "0x8DC000000000000";
  std::int64_t size = 1024;
  std::string last_modified = "2026-01-01T00:00:00Z";  // RFC 3339
  std::string content_type = "application/octet-stream";
  std::string uid = placeholder_uid;         // the watcher's
  std::string watcher;                       // which one, when the file holds several
  OutputFormat output = OutputFormat::Yaml;  // Table says only what it is and its name

  static constexpr const char* placeholder_uid = "00000000-0000-0000-0000-000000000000";
};

// Prints the object to `out`, as it would be sent: with labels, annotations, finalizer and owner reference. Findings
// and notes go to `err`: a filter that would not have let this blob pass is a note, the object is printed all the same.
// Returns the exit code: 0, 1 when the watcher or the blob cannot be rendered, 2 for a wrong call or unreadable file.
int render(const std::string& file, const RenderOptions& options, std::ostream& out, std::ostream& err);

}  // namespace abo::cli
