// How a command prints its data: for people, or for programs.
#pragma once

#include <cstdint>
#include <ostream>

#include "base/json.h"

namespace abo::cli {

enum class OutputFormat : std::uint8_t { Table, Json, Yaml };

// For programs; Table, which only the command itself can make, prints YAML.
void print_value(const json::value& value, OutputFormat format, std::ostream& out);

}  // namespace abo::cli
