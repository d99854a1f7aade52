// The command line: subcommands, flags, their environment variables and help texts. It decides nothing else.
#pragma once

namespace abo::cli {

// Parses and runs; returns the exit code. 2 for a wrong call.
int command_line(int argc, char** argv);

}  // namespace abo::cli
