// The manual page, as roff for man(1). The same for ever: it holds no date.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_doc.h"

namespace abo::cli {

[[nodiscard]] std::string man_page(const ProgramDoc& program, std::string_view version);

}  // namespace abo::cli
