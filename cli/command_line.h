// The command line: subcommands, flags, their environment variables and help texts. It decides nothing else.
#pragma once

#include "cli/command_doc.h"

namespace abo::cli {

// Parses and runs; returns the exit code. 2 for a wrong call.
int command_line(int argc, char** argv);

// What it offers: help, manual page and completion are made of it.
[[nodiscard]] ProgramDoc describe_program();

}  // namespace abo::cli
