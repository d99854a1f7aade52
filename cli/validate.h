// `validate FILE...`: are these watchers right? Asks neither a cluster nor Azure.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "cli/output_format.h"

namespace abo::cli {

// Prints every finding and a summary to `out`, files that cannot be read to `err`; "-" is the standard input.
// Returns the exit code: 0 (also with warnings), 1 when a watcher has an error, 2 when a file could not be read.
int validate(const std::vector<std::string>& files, OutputFormat format, std::ostream& out,
             std::ostream& err);

}  // namespace abo::cli
