#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace abo::cli {
namespace {

std::string identifier(std::string text) {
  std::ranges::replace(text, '-', '_');
  return text;
}

std::string replaced(std::string_view text, char what, std::string_view by) {
  std::string out;
  for (char c : text) c == what ? out += by : out += c;
  return out;
}

// Inside '...' of a POSIX shell.
std::string quoted(std::string_view text) {
  return "'" + replaced(text, '\'', "'\\''") + "'";
}

// A help text's first part: completion menus have one line.
std::string brief(std::string_view text) {
  std::size_t end = std::min({text.find(';'), text.find(" ("), text.find(": "), text.find('\n')});
  return std::string(text.substr(0, end));
}

std::vector<std::string> spellings(const FlagDoc& flag) {
  std::vector<std::string> all;
  if (flag.letter) all.push_back(fmt::format("-{}", flag.letter));
  all.push_back("--" + flag.name);
  return all;
}

std::vector<std::string> names(const std::vector<CommandDoc>& commands) {
  std::vector<std::string> all;
  for (const CommandDoc& command : commands) all.push_back(command.name);
  return all;
}

// ---- bash ----

// "run:--log-level) choose 'debug info' ;;" for each flag that takes a value.
std::string bash_values(const CommandDoc& command) {
  std::string out;
  for (const FlagDoc& flag : command.flags) {
    if (flag.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& spelling : spellings(flag)) patterns.push_back(command.name + ":" + spelling);
    std::string action = "return ;;";
    if (takes_file(flag.value)) action = "files; return ;;";
    if (auto words = choices(flag.value); !words.empty())
      action = fmt::format("words {}; return ;;", quoted(fmt::format("{}", fmt::join(words, " "))));
    out += fmt::format("    {}) {}\n", fmt::join(patterns, " | "), action);
  }
  return out;
}

std::string bash_command(const CommandDoc& command) {
  std::vector<std::string> flags;
  for (const FlagDoc& flag : command.flags) flags.push_back("--" + flag.name);
  std::string argument = ":";
  for (const ArgumentDoc& one : command.arguments) {
    if (takes_file(one.name)) argument = "files";
    if (auto words = choices(one.name); !words.empty())
      argument = fmt::format("words {}", quoted(fmt::format("{}", fmt::join(words, " "))));
  }
  return fmt::format("    {}) if [[ $cur == -* ]]; then words {}; else {}; fi ;;\n", command.name,
                     quoted(fmt::format("{}", fmt::join(flags, " "))), argument);
}

std::string bash(const ProgramDoc& program) {
  const std::string& name = program.whole.name;
  std::string function = "_" + identifier(name);
  std::vector<std::string> first = names(program.commands);
  for (const FlagDoc& flag : program.whole.flags) first.push_back("--" + flag.name);
  std::string values, commands;
  for (const CommandDoc& command : program.commands) {
    values += bash_values(command);
    commands += bash_command(command);
  }
  return fmt::format(R"(# bash completion for {0}: source <({0} completion bash)
{1}() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command='' word
  words() {{ mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }}
  files() {{ compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }}
  COMPREPLY=()
  # --flag=value is three words to bash.
  if [[ $cur == = ]]; then cur=''; elif [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in
    {2}) command=$word; break ;;
    esac
  done
  case $command:$prev in
{3}  esac
  case $command in
{4}    *) words {5} ;;
  esac
}}
complete -F {1} {0}
)",
                     name, function, fmt::join(names(program.commands), " | "), values, commands,
                     quoted(fmt::format("{}", fmt::join(first, " "))));
}

// ---- zsh ----

// In a specification of _arguments and _describe.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const std::string& value) {
  if (takes_file(value)) return fmt::format("{}:_files", zsh_text(value));
  auto words = choices(value);
  return words.empty() ? zsh_text(value) + ": " : fmt::format("value:({})", fmt::join(words, " "));
}

std::string zsh_flag(const FlagDoc& flag) {
  std::string out;
  for (const std::string& spelling : spellings(flag)) {
    bool word = spelling.starts_with("--");
    std::string spec = fmt::format("{}{}{}[{}]", flag.repeatable ? "*" : "", spelling,
                                   flag.value.empty() ? ""
                                   : word             ? "="
                                                      : "+",
                                   zsh_text(brief(flag.text)));
    if (!flag.value.empty()) spec += ":" + zsh_action(flag.value);
    out += " \\\n        " + quoted(spec);
  }
  return out;
}

std::string zsh_command(const CommandDoc& command) {
  std::string out = fmt::format("      {}) _arguments", command.name);
  for (const FlagDoc& flag : command.flags) out += zsh_flag(flag);
  for (const ArgumentDoc& argument : command.arguments) {
    std::string spec = fmt::format("{}:{}", argument.repeatable ? "*" : "1", zsh_action(argument.name));
    out += " \\\n        " + quoted(spec);
  }
  return out + " ;;\n";
}

std::string zsh(const ProgramDoc& program) {
  const std::string& name = program.whole.name;
  std::string flags, commands, cases;
  for (const FlagDoc& flag : program.whole.flags) flags += zsh_flag(flag);
  for (const CommandDoc& command : program.commands) {
    commands +=
        "\n    " + quoted(zsh_text(command.name) + ":" + replaced(brief(command.summary), ':', "\\:"));
    cases += zsh_command(command);
  }
  return fmt::format(R"(#compdef {0}
# zsh completion for {0}: a file _{0} in a folder of $fpath, or source <({0} completion zsh)
_{0}() {{
  local curcontext=$curcontext state line
  typeset -A opt_args
  local -a commands=({2}
  )
  _arguments -C{1} \
        '1:command:->command' \
        '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
{3}      esac ;;
  esac
}}
if [[ $funcstack[1] == _{0} ]]; then _{0} "$@"; else compdef _{0} {0}; fi
)",
                     name, flags, commands, cases);
}

// ---- fish ----

// fish escapes within quotes with a backslash.
std::string fish_quoted(std::string_view text) {
  return "'" + replaced(replaced(text, '\\', "\\\\"), '\'', "\\'") + "'";
}

std::string fish_values(const std::string& value) {
  if (value.empty()) return "";
  if (takes_file(value)) return " -r -F";
  auto words = choices(value);
  return words.empty() ? " -x" : fmt::format(" -x -a '{}'", fmt::join(words, " "));
}

std::string fish_flag(const std::string& begin, const FlagDoc& flag) {
  std::string letter = flag.letter ? fmt::format(" -s {}", flag.letter) : "";
  return fmt::format("{}{} -l {}{} -d {}\n", begin, letter, flag.name, fish_values(flag.value),
                     fish_quoted(brief(flag.text)));
}

std::string fish_command(const std::string& program, const CommandDoc& command) {
  std::string begin =
      fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}'", program, command.name);
  std::string out = fmt::format("complete -c {} -n __fish_use_subcommand -a {} -d {}\n", program,
                                command.name, fish_quoted(brief(command.summary)));
  for (const FlagDoc& flag : command.flags) out += fish_flag(begin, flag);
  for (const ArgumentDoc& argument : command.arguments) {
    if (takes_file(argument.name)) out += begin + " -F\n";
    if (auto words = choices(argument.name); !words.empty())
      out += fmt::format("{} -a '{}'\n", begin, fmt::join(words, " "));
  }
  return out;
}

std::string fish(const ProgramDoc& program) {
  const std::string& name = program.whole.name;
  std::string out =
      fmt::format("# fish completion for {0}: {0} completion fish | source\ncomplete -c {0} -f\n", name);
  for (const FlagDoc& flag : program.whole.flags)
    out += fish_flag(fmt::format("complete -c {} -n __fish_use_subcommand", name), flag);
  for (const CommandDoc& command : program.commands) out += fish_command(name, command);
  return out;
}

}  // namespace

std::string completion(const ProgramDoc& program, Shell shell) {
  switch (shell) {
    case Shell::Bash:
      return bash(program);
    case Shell::Zsh:
      return zsh(program);
    case Shell::Fish:
      return fish(program);
  }
  return {};
}

}  // namespace abo::cli
