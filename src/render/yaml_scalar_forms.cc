#include "render/yaml_scalar_forms.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/base64.h"

namespace abo::render {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// ParseUint with base 0, without the sign.
std::optional<std::uint64_t> magnitude(std::string_view text) {
  int base = 10;
  if (text.starts_with('0')) {
    char letter = text.size() >= 3 ? static_cast<char>(text[1] | 0x20) : '\0';
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
    if (text.empty()) return 0;
  }
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<YamlScalar> with_sign(std::uint64_t value, bool negative, bool has_sign) {
  constexpr auto top = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative && value <= top + 1) return static_cast<std::int64_t>(0 - value);
  if (!negative && value <= top) return static_cast<std::int64_t>(value);
  if (has_sign) return std::nullopt;
  return value;
}

// The places where strconv allows an underscore, taken out; nothing when one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !digit(text[i - 1]) || !digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && digit(text[end])) ++end;
  return end - from;
}

bool has_float_shape(std::string_view text) {
  std::size_t at = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  std::size_t whole = digits_at(text, at);
  at += whole;
  if (at < text.size() && text[at] == '.') {
    std::size_t fraction = digits_at(text, at + 1);
    if (whole + fraction == 0) return false;
    at += 1 + fraction;
  } else if (whole == 0) {
    return false;
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    std::size_t exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

// The length of the valid UTF-8 sequence at `at`, or 0.
std::size_t utf8_length(std::string_view bytes, std::size_t at) {
  auto byte = [&](std::size_t i) {
    return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u;
  };
  auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF && tail(1)) return 2;
  if (first >= 0xE0 && first <= 0xEF && tail(1) && tail(2)) {
    bool overlong = first == 0xE0 && byte(1) < 0xA0, surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    bool overlong = first == 0xF0 && byte(1) < 0x90, beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

}  // namespace

std::optional<YamlScalar> go_integer(std::string_view text) {
  bool negative = text.starts_with('-'), has_sign = negative || text.starts_with('+');
  std::string_view rest = text.substr(has_sign ? 1 : 0);
  if (!rest.empty()) {
    auto value = magnitude(rest);
    if (value) return with_sign(*value, negative, has_sign);
  }
  // go-yaml's own 0b, which lets a sign stand behind the prefix.
  if (text.starts_with("0b-") || text.starts_with("0b+")) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(text.data() + 3, end, value, 2);
    if (error == std::errc{} && stop == end) return with_sign(value, text[2] == '-', true);
  }
  return std::nullopt;
}

std::optional<double> yaml_float(std::string_view text) {
  if (!has_float_shape(text)) return std::nullopt;
  // strtod and not from_chars: a number too small to be told from zero is zero, not an error.
  double value = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> go_dotted_float(std::string_view text) {
  auto digits = without_underscores(text);
  return digits ? yaml_float(*digits) : std::nullopt;
}

std::string go_float_key(double value) {
  auto narrow = static_cast<float>(value);
  if (std::isnan(narrow)) return ".nan";
  if (std::isinf(narrow)) return narrow < 0 ? "-.inf" : ".inf";
  char buffer[64];
  auto scientific = std::to_chars(buffer, buffer + sizeof buffer, narrow, std::chars_format::scientific);
  std::string text(buffer, scientific.ptr);
  int exponent = std::atoi(text.c_str() + text.find('e') + 1);
  // Go takes six digits for this decision, however many the shortest form has.
  if (exponent < -4 || exponent >= 6) return text;
  auto fixed = std::to_chars(buffer, buffer + sizeof buffer, narrow, std::chars_format::fixed);
  return {buffer, fixed.ptr};
}

std::optional<std::string> go_base64(std::string_view text) {
  std::string compact;
  for (char c : text) {
    if (c != '\r' && c != '\n') compact += c;
  }
  return base64_decode(compact);
}

std::string go_json_text(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t length = utf8_length(bytes, at);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++at;
    } else {
      out += bytes.substr(at, length);
      at += length;
    }
  }
  return out;
}

}  // namespace abo::render
