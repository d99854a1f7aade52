// Wiring only: the command line does the rest.
#include "cli/command_line.h"

int main(int argc, char** argv) {
  return abo::cli::command_line(argc, argv);
}
