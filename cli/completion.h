// Scripts that make a shell complete this program's commands, flags and values.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_doc.h"

namespace abo::cli {

enum class Shell : std::uint8_t { Bash, Zsh, Fish };

[[nodiscard]] std::string completion(const ProgramDoc& program, Shell shell);

}  // namespace abo::cli
