// Where a blob's name would become part of a program: whoever may upload a blob could run commands there.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace abo::render {

// One sentence for each text that a shell (command and args: sh -c ...) or a script's interpreter evaluates and that
// holds a variable with free text.
[[nodiscard]] std::vector<std::string> shell_warnings(const json::object& manifest,
                                                      const std::vector<std::string>& group_names);

}  // namespace abo::render
