// --help, for people at a terminal.
#pragma once

#include <string>

#include "cli/command_doc.h"

namespace abo::cli {

[[nodiscard]] std::string help_page(const ProgramDoc& program);
[[nodiscard]] std::string help_page(const ProgramDoc& program, const CommandDoc& command);

// Words put into lines of at most `width` characters, each but the first beginning with `indent` spaces. Line breaks that
// are in the text stay.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace abo::cli
