// JSON values as YAML text for people: block style, quotes only where they are needed, long prose folded,
// scripts as literal blocks. What is written reads back as the same value with any YAML 1.1 or 1.2 parser.
// Pure.
#pragma once

#include <string>

#include "base/json.h"

namespace abo {

// One document, ended by a newline, without a leading "---". Object members keep their order.
[[nodiscard]] std::string to_yaml(const json::value& value);

}  // namespace abo
