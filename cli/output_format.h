// How a command prints its data: for people, or for programs.
#pragma once

#include <cstdint>

namespace abo::cli {

enum class OutputFormat : std::uint8_t { Table, Json, Yaml };

}  // namespace abo::cli
