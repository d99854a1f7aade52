#include "base/json_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace abo {
namespace {

bool has_fraction(const json::value& value) {
  if (const auto* list = value.if_array()) return std::ranges::any_of(*list, has_fraction);
  const auto* object = value.if_object();
  if (!object) return value.is_double();
  return std::ranges::any_of(*object, [](const auto& member) { return has_fraction(member.value()); });
}

// The digits of the shortest form that reads back the same, laid out by hand: to_chars spells a large number's
// digits out beyond those.
std::string number_text(double number) {
  char buffer[32];
  char* end =
      std::to_chars(buffer, buffer + sizeof buffer, std::abs(number), std::chars_format::scientific).ptr;
  std::string text(buffer, end);
  std::size_t mark = text.find('e');
  if (mark == text.npos) return "null";  // infinity and NaN, which no JSON can be read as
  int exponent = std::atoi(text.c_str() + mark + 1);
  std::string sign = std::signbit(number) ? "-" : "", digits = text.substr(0, mark);
  if (number != 0 && (exponent < -6 || exponent >= 21)) {
    return sign + digits + (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  }
  std::erase(digits, '.');
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  std::size_t whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0');
  return sign + digits.insert(whole, ".");
}

void append(std::string& out, const json::value& value) {
  if (!has_fraction(value)) {
    out += json::serialize(value);
  } else if (const auto* list = value.if_array()) {
    char before = '[';
    for (const json::value& item : *list) append(out += std::exchange(before, ','), item);
    out += ']';
  } else if (const auto* object = value.if_object()) {
    char before = '{';
    for (const auto& [key, member] : *object) {
      out += std::exchange(before, ',');
      out += json::serialize(key);
      append(out += ':', member);
    }
    out += '}';
  } else {
    out += number_text(value.get_double());
  }
}

}  // namespace

std::string to_json_text(const json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace abo
