// What is printed as YAML must read back as the same value: the writer of base/ against the reader of render/.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/yaml_writer.h"
#include "render/yaml_reader.h"

namespace abo {
namespace {

rc::Gen<std::string> text_of(std::vector<std::string> pieces) {
  auto piece = rc::gen::elementOf(std::move(pieces));
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece), [](const auto& some) {
    std::string text;
    for (const std::string& one : some) text += one;
    return text;
  });
}

// Text made of the pieces that make YAML hard. The mild ones need care only where they stand together.
rc::Gen<std::string> awkward_text() {
  auto mild = text_of({"a", "b", " ", ": ", " #", ":", "\n", "  "});
  auto wild = text_of({"a",
                       "word ",
                       " ",
                       "\n",
                       "\n\n",
                       "\t",
                       "\r",
                       ": ",
                       " #",
                       "- ",
                       "'",
                       "\"",
                       "\\",
                       "{",
                       "}",
                       "[",
                       "]",
                       ",",
                       "&a",
                       "*a",
                       "!t",
                       "%",
                       "@",
                       "`",
                       "|",
                       ">",
                       "yes",
                       "null",
                       "~",
                       "1e3",
                       "0o17",
                       ".5",
                       "...",
                       "---",
                       "?",
                       "=",
                       "<<",
                       "$(x)",
                       "${X}",
                       "/",
                       "\x01",
                       "\x7F",
                       "\xC2\x85",
                       "\xE2\x80\xA8",
                       "\xEF\xBB\xBF",
                       "\xC3\xBC",
                       "\xF0\x9F\x98\x80",
                       "a rather long piece of prose which makes the writer fold it into several lines, one "
                       "hopes, more than once "});
  return rc::gen::oneOf(mild, mild, wild);
}

rc::Gen<json::value> any_value(int depth) {
  auto leaf = rc::gen::oneOf(
      rc::gen::map(awkward_text(), [](const std::string& s) { return json::value(s); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](auto n) { return json::value(n); }),
      rc::gen::elementOf(std::vector<json::value>{true, false, nullptr, json::object{}, json::array{}}));
  if (depth == 0) return leaf;
  auto child = rc::gen::lazy([depth] { return any_value(depth - 1); });
  auto list = rc::gen::map(rc::gen::container<std::vector<json::value>>(child), [](const auto& items) {
    return json::value(json::array(items.begin(), items.end()));
  });
  auto members = rc::gen::container<std::vector<std::pair<std::string, json::value>>>(
      rc::gen::pair(rc::gen::resize(4, awkward_text()), child));
  auto object = rc::gen::map(members, [](const auto& pairs) {
    json::object made;
    for (const auto& [key, value] : pairs) made[key] = value;
    return json::value(made);
  });
  return rc::gen::oneOf(leaf, list, object);
}

RC_GTEST_PROP(YamlWriter, every_text_reads_back_as_key_and_value, ()) {
  auto text = *awkward_text();
  json::value value = json::object{{text, json::array{text}}, {"x" + text, text}};
  RC_ASSERT(render::read_yaml(to_yaml(value)).value() == value);
}

RC_GTEST_PROP(YamlWriter, every_value_reads_back, ()) {
  auto any = rc::gen::withSize([](int size) { return rc::gen::resize(std::min(size / 8, 8), any_value(3)); });
  json::value value = json::array{*any};
  RC_ASSERT(render::read_yaml(to_yaml(value), {.max_bytes = 16 << 20}).value() == value);
}

}  // namespace
}  // namespace abo
