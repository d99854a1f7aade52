#include "render/yaml_scalar.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/text.h"
#include "render/yaml_scalar_forms.h"

namespace abo::render {
namespace {

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

const std::unordered_map<std::string_view, YamlScalar>& words() {
  static const auto* table = [] {
    auto* map = new std::unordered_map<std::string_view, YamlScalar>;
    auto add = [map](const YamlScalar& value, std::initializer_list<std::string_view> texts) {
      for (std::string_view text : texts) map->emplace(text, value);
    };
    constexpr double inf = std::numeric_limits<double>::infinity();
    add(true, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"});
    add(false, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"});
    add(nullptr, {"", "~", "null", "Null", "NULL"});
    add(std::numeric_limits<double>::quiet_NaN(), {".nan", ".NaN", ".NAN"});
    add(inf, {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"});
    add(-inf, {"-.inf", "-.Inf", "-.INF"});
    return map;
  }();
  return *table;
}

YamlScalar resolve_plain(std::string_view text) {
  if (auto word = words().find(text); word != words().end()) return word->second;
  char first = text.front();  // "" is a word
  if (first == '.') {
    if (auto number = go_dotted_float(text)) return *number;
  } else if (first == '+' || first == '-' || (first >= '0' && first <= '9')) {
    std::string digits;
    for (char c : text) {
      if (c != '_') digits += c;
    }
    if (auto number = go_integer(digits)) return *number;
    if (auto number = yaml_float(digits)) return *number;
  }
  return std::string(text);
}

// go-yaml names kinds so in its own messages; users know them from there.
std::string_view kind_of(const YamlScalar& scalar) {
  static constexpr std::string_view names[] = {"null", "bool", "int", "int", "float", "str"};
  return names[scalar.index()];
}

std::expected<YamlScalar, std::string> decode_binary(std::string_view text) {
  if (auto bytes = go_base64(text)) return YamlScalar{go_json_text(*bytes)};
  return std::unexpected("a !!binary value is not base64");
}

}  // namespace

std::expected<YamlScalar, std::string> resolve_scalar(std::string_view tag, std::string_view text,
                                                      bool plain) {
  if (tag.empty()) return plain ? resolve_plain(text) : YamlScalar{std::string(text)};
  if (!tag.starts_with(core_tag)) return std::string(text);  // somebody's own tag: go-yaml takes the text
  std::string_view wanted = tag.substr(core_tag.size());
  if (wanted == "binary") return decode_binary(text);
  if (wanted == "timestamp")
    return std::unexpected("the tag !!timestamp is not supported: quote the text instead");
  if (wanted != "null" && wanted != "bool" && wanted != "int" && wanted != "float") return std::string(text);
  YamlScalar value = resolve_plain(text);
  if (kind_of(value) == wanted) return value;
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer && wanted == "float") return static_cast<double>(*integer);
  return std::unexpected(fmt::format("cannot read the {} \"{}\" as a !!{}", kind_of(value),
                                     bounded_text(text, 80), bounded_text(wanted, 80)));
}

std::expected<json::value, std::string> to_json(YamlScalar scalar) {
  if (const auto* number = std::get_if<double>(&scalar)) {
    if (!std::isfinite(*number)) return std::unexpected("infinity and NaN cannot be written as JSON");
    if (std::trunc(*number) == *number && std::abs(*number) < 0x1p63)
      return static_cast<std::int64_t>(*number);
  }
  return std::visit([](auto&& value) { return json::value(std::forward<decltype(value)>(value)); },
                    std::move(scalar));
}

std::expected<std::string, std::string> to_key(const YamlScalar& scalar) {
  struct Visitor {
    using Key = std::expected<std::string, std::string>;
    Key operator()(std::nullptr_t) const { return std::unexpected("null cannot be a key: quote it"); }
    Key operator()(bool value) const { return value ? "true" : "false"; }
    Key operator()(std::int64_t value) const { return std::to_string(value); }
    Key operator()(std::uint64_t) const {
      return std::unexpected("a number this large cannot be a key: quote it");
    }
    Key operator()(double value) const { return go_float_key(value); }
    Key operator()(const std::string& value) const { return value; }
  };
  return std::visit(Visitor{}, scalar);
}

}  // namespace abo::render
