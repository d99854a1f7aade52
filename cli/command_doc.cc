#include "cli/command_doc.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>

namespace abo::cli {
namespace {

// CLI11 calls values by their types and says what it checks.
std::string value_name(const CLI::Option& option) {
  std::string name = option.get_type_name();
  name = name.substr(0, name.find(':'));
  return name == "INT" || name == "UINT" || name == "FLOAT" ? "N" : name;
}

FlagDoc describe(const CLI::Option& option) {
  FlagDoc doc;
  if (!option.get_snames().empty()) doc.letter = option.get_snames().front().front();
  doc.name = option.get_lnames().front();
  if (option.get_items_expected_max() > 0) doc.value = value_name(option);
  doc.initial = option.get_default_str();
  doc.text = option.get_description();
  doc.variable = option.get_envname();
  doc.repeatable = option.get_items_expected_max() > 1;
  doc.required = option.get_required();
  return doc;
}

CommandDoc describe_command(const CLI::App& app) {
  CommandDoc doc;
  doc.name = app.get_name();
  std::string text = app.get_description();
  std::size_t end = std::min(text.find('\n'), text.size());
  doc.summary = text.substr(0, end);
  std::size_t rest = text.find_first_not_of('\n', end);
  if (rest != text.npos) doc.details = text.substr(rest);
  doc.examples = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional()) {
      std::string value = value_name(*option);
      doc.arguments.push_back({choices(value).empty() ? option->get_name() : value, option->get_description(),
                               option->get_items_expected_max() > 1});
    } else {
      doc.flags.push_back(describe(*option));
    }
  }
  return doc;
}

bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

ProgramDoc describe(const CLI::App& app) {
  ProgramDoc doc{.whole = describe_command(app), .commands = {}};
  for (const CLI::App* command : app.get_subcommands({})) doc.commands.push_back(describe_command(*command));
  return doc;
}

std::vector<std::string> choices(const std::string& value) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at <= value.size();) {
    std::size_t end = std::min(value.find('|', at), value.size());
    all.push_back(value.substr(at, end - at));
    at = end + 1;
  }
  bool words = all.size() > 1 && std::ranges::all_of(all, is_word);
  return words ? all : std::vector<std::string>{};
}

bool takes_file(const std::string& value) {
  return value == "FILE" || value.starts_with("FILE|");
}

std::string spelled(const FlagDoc& flag, bool aligned) {
  std::string letter = flag.letter ? fmt::format("-{}, ", flag.letter) : aligned ? "    " : "";
  return fmt::format("{}--{}{}{}", letter, flag.name, flag.value.empty() ? "" : " ", flag.value);
}

std::string usage(const CommandDoc& command) {
  std::string text = command.name;
  for (const ArgumentDoc& argument : command.arguments)
    text += fmt::format(" {}{}", argument.name, argument.repeatable ? "..." : "");
  for (const FlagDoc& flag : command.flags) {
    if (flag.required) text += " " + spelled({.name = flag.name, .value = flag.value});
  }
  return text + " [flags]";
}

}  // namespace abo::cli
