#include "render/shell_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "render/variables.h"
#include "render/yaml_reader.h"

namespace abo::render {
namespace {

constexpr std::string_view shells[] = {"sh",   "bash",    "ash",  "dash", "zsh",  "ksh",       "mksh",
                                       "fish", "busybox", "tcsh", "csh",  "pwsh", "powershell"};

struct Word {
  std::string_view text;
  std::string pointer;
};

void append_words(std::vector<Word>& words, const json::object& object, std::string_view field,
                  const std::string& pointer) {
  const json::array* list = find_array(object, {field});
  if (!list) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const auto* text = (*list)[i].if_string();
    words.push_back(
        {text ? std::string_view(*text) : std::string_view{}, fmt::format("{}/{}/{}", pointer, field, i)});
  }
}

using Words = std::vector<Word>;
using At = Words::const_iterator;

std::string_view program(const Word& word) {
  return word.text.substr(word.text.rfind('/') + 1);  // npos + 1 is 0
}

bool is_shell(const Word& word) {
  return std::ranges::find(shells, program(word)) != std::end(shells);
}

bool is_powershell(const Word& word) {
  return program(word) == "pwsh" || program(word) == "powershell";
}

bool is_option(std::string_view word) {
  return word.starts_with('-') || word.starts_with('+');
}

// -c, -ec, -euxc; fish's --command and --command=...; PowerShell's -Command.
bool takes_script(const Word& word) {
  if (!word.text.starts_with('-')) return false;
  if (word.text.starts_with("--")) return word.text == "--command" || word.text.starts_with("--command=");
  return word.text.contains('c') || word.text.starts_with("-C");
}

// The first word that is no option, nor the value of an -o: the script.
At first_argument(At at, At end) {
  while (at != end && is_option(at->text)) {
    bool last = at->text == "--" || at->text == "-";
    bool with_value =
        !last && !at->text.starts_with("--") && (at->text.ends_with('o') || at->text.ends_with('O'));
    at += with_value && end - at > 1 ? 2 : 1;
    if (last) break;
  }
  return at;
}

class Finder {
 public:
  explicit Finder(const std::vector<std::string>& group_names) : group_names_(group_names) {}

  void visit(const json::value& value, const std::string& pointer) {
    if (const auto* list = value.if_array()) {
      for (std::size_t i = 0; i < list->size(); ++i) visit((*list)[i], fmt::format("{}/{}", pointer, i));
    }
    if (const auto* object = value.if_object()) visit_object(*object, pointer);
  }

  void visit_object(const json::object& object, const std::string& pointer) {
    command(object, pointer);
    script(object, pointer);
    for (const auto& [key, value] : object) visit(value, pointer + "/" + pointer_step(key));
  }

  std::vector<std::string> take() { return std::move(warnings_); }

 private:
  void command(const json::object& object, const std::string& pointer) {
    Words words;
    append_words(words, object, "command", pointer);
    append_words(words, object, "args", pointer);
    // Anywhere: behind env, tini, timeout, or as the argument of another script.
    const At end = words.cend();
    for (At shell = std::find_if(words.cbegin(), end, is_shell); shell != end;) {
      At flag = std::find_if(shell + 1, end, takes_script);
      if (flag == end) return;
      bool script_in_flag = flag->text.contains('=');
      At script = script_in_flag ? flag : first_argument(flag + 1, end);
      // What follows the script are its $0, $1, ...: passed on, not evaluated. PowerShell takes all for the script.
      At behind = is_powershell(*shell) ? end : script == end ? end : script + 1;
      for (At each = script; each != behind; ++each) warn(each->text, each->pointer, "a shell");
      shell = std::find_if(behind, end, is_shell);
    }
  }

  // Argo's `script: {source: ...}`, and Tekton's `script: ...` in a step.
  void script(const json::object& object, const std::string& pointer) {
    if (object.contains("image")) {
      warn(find_string(object, {"script"}), pointer + "/script", "an interpreter");
    }
    warn(find_string(object, {"script", "source"}), pointer + "/script/source", "an interpreter");
  }

  void warn(std::string_view scalar, const std::string& pointer, std::string_view who) {
    auto text = Text::parse(scalar, group_names_);
    if (!text) return;  // an error already
    for (const Piece& piece : text->pieces()) {
      if (!piece.variable || !is_free_text(*piece.variable)) continue;
      warnings_.push_back(fmt::format(
          "{}: {} stands in a text that {} evaluates, so whoever uploads a blob could run commands "
          "there; pass it as an environment variable and write \"$NAME\", or use ${{BLOB_SAFE_NAME}}",
          readable_path(pointer), spelled(piece), who));
      return;
    }
  }

  const std::vector<std::string>& group_names_;
  std::vector<std::string> warnings_;
};

}  // namespace

std::vector<std::string> shell_warnings(const json::object& manifest,
                                        const std::vector<std::string>& group_names) {
  Finder finder(group_names);
  finder.visit_object(manifest, "");
  return finder.take();
}

}  // namespace abo::render
