#include "render/shell_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "render/variables.h"
#include "render/yaml_reader.h"

namespace abo::render {
namespace {

constexpr std::string_view shells[] = {"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "busybox"};

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

bool is_shell(std::string_view word) {
  std::size_t slash = word.rfind('/');
  std::string_view base = slash == word.npos ? word : word.substr(slash + 1);
  return std::ranges::find(shells, base) != std::end(shells);
}

// -c, -ec, -euxc
bool takes_script(std::string_view word) {
  return word.starts_with('-') && !word.starts_with("--") && word.find('c') != word.npos;
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
    std::vector<Word> words;
    append_words(words, object, "command", pointer);
    append_words(words, object, "args", pointer);
    auto shell = std::ranges::find_if(words, [](const Word& word) { return is_shell(word.text); });
    if (shell == words.end() || shell - words.begin() > 1) return;  // second behind env or tini
    auto flag = std::find_if(shell, words.end(), [](const Word& word) { return takes_script(word.text); });
    if (flag == words.end() || flag + 1 == words.end()) return;
    // What follows the script are its $0, $1, ...: passed on, not evaluated.
    warn((flag + 1)->text, (flag + 1)->pointer, "a shell");
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
