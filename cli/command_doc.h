// What the command line offers, as values: read off the very table that parses it, so that help, manual page and shell
// completion cannot promise anything else.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace abo::cli {

struct FlagDoc {
  char letter = 0;      // -o; 0: none
  std::string name;     // "output", without dashes
  std::string value;    // what it takes: "NAME", "FILE", "json|yaml"; empty: a switch
  std::string initial;  // its default; empty: none, or the text says it
  std::string text;
  std::string variable;  // of the environment; empty: none
  bool repeatable = false;
  bool required = false;
};

struct ArgumentDoc {
  std::string name;  // "FILE", "bash|zsh|fish"
  std::string text;
  bool repeatable = false;
};

struct CommandDoc {
  std::string name;
  std::string summary;   // one line, no full stop
  std::string details;   // paragraphs, may be empty
  std::string examples;  // lines: "# what for", then the command
  std::vector<ArgumentDoc> arguments;
  std::vector<FlagDoc> flags;
};

struct ProgramDoc {
  CommandDoc whole;  // its flags stand before any command
  std::vector<CommandDoc> commands;
};

[[nodiscard]] ProgramDoc describe(const CLI::App& app);

// "a|b|c" -> a, b, c; nothing for any other name of a value.
[[nodiscard]] std::vector<std::string> choices(const std::string& value);
// Whether a value of that name is a file: "FILE", "FILE|NAME".
[[nodiscard]] bool takes_file(const std::string& value);
// "--limit N", "-o, --output table|json|yaml"; "    --limit N" when `aligned` to those with a letter.
[[nodiscard]] std::string spelled(const FlagDoc& flag, bool aligned = false);
// "run [flags]", "preview FILE|NAME [flags]".
[[nodiscard]] std::string usage(const CommandDoc& command);

}  // namespace abo::cli
