// `preview FILE|NAME`: which blobs of the live container would trigger, and why the others would not. It lists the
// container once, as a poll does, and creates nothing. Whoever runs it uses their own rights: in the cluster those of
// their kubeconfig, at Azure the watcher's credential or one from their environment.
#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/output_format.h"
#include "cli/preview_survey.h"

namespace abo::cli {

// The flags, as given; preview() checks them.
struct PreviewOptions {
  std::string subject;  // FILE, "-", NAME or NAMESPACE/NAME
  std::string watcher;  // which one, when a file holds several
  std::string name_space;
  std::string kubeconfig;
  std::string context;
  std::vector<std::string> allowed_endpoints;
  std::string ca_file;
  std::size_t limit = 100;
  Only only = Only::All;
  OutputFormat output = OutputFormat::Table;
  std::optional<double> price_per_10k;
};

// Returns the exit code: 0; 1 when the watcher is wrong or not there, or the container cannot be listed; 2 for a wrong
// call; 130 after Ctrl-C, having printed what was seen until then.
int preview(const PreviewOptions& options, std::ostream& out, std::ostream& err);

}  // namespace abo::cli
