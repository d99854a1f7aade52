#include "cli/help_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace abo::cli {
namespace {

constexpr std::size_t page_width = 100;
// Longer flags have their text on the next line.
constexpr std::size_t widest_name = 34;

struct Entry {
  std::string name;
  std::string text;
};

std::string section(std::string_view title, const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  std::size_t column = 0;
  for (const Entry& entry : entries) column = std::max(column, std::min(entry.name.size(), widest_name));
  column += 4;
  std::string out = fmt::format("\n{}:\n", title);
  for (const Entry& entry : entries) {
    std::string begin = "  " + entry.name;
    begin +=
        begin.size() + 2 > column ? "\n" + std::string(column, ' ') : std::string(column - begin.size(), ' ');
    out += begin + wrapped(entry.text, page_width - column, column) + "\n";
  }
  return out;
}

std::string text_of(const FlagDoc& flag) {
  std::string text = flag.text;
  if (flag.required) text += " (required)";
  if (!flag.initial.empty()) text += fmt::format(" (default: {})", flag.initial);
  return text;
}

std::string flags(const CommandDoc& command) {
  std::vector<Entry> entries;
  for (const FlagDoc& flag : command.flags) entries.push_back({spelled(flag, true), text_of(flag)});
  return section("Flags", entries);
}

std::string arguments(const CommandDoc& command) {
  std::vector<Entry> entries;
  for (const ArgumentDoc& argument : command.arguments) entries.push_back({argument.name, argument.text});
  return section("Arguments", entries);
}

std::string examples(const CommandDoc& command) {
  return command.examples.empty()
             ? ""
             : fmt::format("\nExamples:\n  {}\n", wrapped(command.examples, SIZE_MAX, 2));
}

std::string introduction(const CommandDoc& command) {
  std::string text = wrapped(command.summary, page_width) + "\n";
  if (!command.details.empty()) text += "\n" + wrapped(command.details, page_width) + "\n";
  return text;
}

// The first flag that has a variable, as an example of how they are called.
std::string environment(const CommandDoc& command) {
  auto with = std::ranges::find_if(command.flags, [](const FlagDoc& flag) { return !flag.variable.empty(); });
  if (with == command.flags.end()) return {};
  return fmt::format("\nEvery flag can be given as an environment variable: --{} as {}.\n", with->name,
                     with->variable);
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t used = 0;
  auto new_line = [&] {
    out += '\n';
    used = 0;
  };
  auto word = [&](std::string_view one) {
    if (used > 0 && used + 1 + one.size() > width) new_line();
    if (used > 0) out += ' ', ++used;
    if (used == 0 && !out.empty() && !one.empty()) out.append(indent, ' ');
    out += one;
    used += one.size();
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    word(text.substr(at, end - at));
    if (end < text.size() && text[end] == '\n') new_line();
    at = end + 1;
  }
  return out;
}

std::string help_page(const ProgramDoc& program, const CommandDoc& command) {
  return introduction(command) + fmt::format("\nUsage:\n  {} {}\n", program.whole.name, usage(command)) +
         arguments(command) + examples(command) + flags(command) + environment(command);
}

std::string help_page(const ProgramDoc& program) {
  std::vector<Entry> commands;
  for (const CommandDoc& command : program.commands) commands.push_back({command.name, command.summary});
  return introduction(program.whole) + fmt::format("\nUsage:\n  {} COMMAND [flags]\n", program.whole.name) +
         section("Commands", commands) + examples(program.whole) + flags(program.whole) +
         fmt::format("\n{} COMMAND --help says more about a command.\n", program.whole.name);
}

}  // namespace abo::cli
