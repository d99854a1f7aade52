#include "base/pruned_json.h"

#include <cstddef>
#include <string>

namespace abo {
namespace {

constexpr std::size_t max_depth = 128;  // parse_json's

// The text with null for every array and object that stands in max_depth others. Of a text that is no JSON something that
// is none either.
std::string pruned(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escape = in_string && text[i] == '\\' && i + 1 < text.size();
    std::string_view piece = text.substr(i, escape ? 2 : 1);
    char c = text[i];
    if (!in_string && (c == '[' || c == '{') && ++depth == max_depth + 1) out += "null";
    if (depth <= max_depth) out += piece;
    if (!in_string && (c == ']' || c == '}') && depth > 0) --depth;
    if (c == '"') in_string = !in_string;
    if (escape) ++i;
  }
  return out;
}

}  // namespace

Result<json::value> parse_json_pruned(std::string_view text) {
  auto whole = parse_json(text);
  if (whole) return whole;
  std::string less = pruned(text);
  return less == text ? whole : parse_json(less);
}

}  // namespace abo
