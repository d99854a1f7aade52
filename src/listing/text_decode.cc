#include "listing/text_decode.h"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace abo::listing {
namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

// What stands between "&#" and ";".
std::optional<std::uint32_t> character_reference(std::string_view digits) {
  int base = 10;
  if (digits.starts_with('x')) {
    base = 16;
    digits.remove_prefix(1);
  }
  std::uint32_t code = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
  return code;
}

// What stands between "&" and ";".
bool append_entity(std::string& out, std::string_view entity) {
  if (entity.starts_with('#')) {
    auto code = character_reference(entity.substr(1));
    if (code) append_utf8(out, *code);
    return code.has_value();
  }
  static constexpr std::pair<std::string_view, char> known[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (auto [name, character] : known) {
    if (entity == name) {
      out += character;
      return true;
    }
  }
  return false;
}

// Length of the one multi-byte sequence at the front, or 0.
std::size_t sequence_length(std::string_view s) {
  auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  unsigned first = byte(0), second = byte(1);
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    bool overlong = first == 0xE0 && second < 0xA0, surrogate = first == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    bool overlong = first == 0xF0 && second < 0x90, beyond = first == 0xF4 && second > 0x8F;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

// Bytes 0x01..0x7F at the front, eight at a time: nearly every name is nothing else.
std::size_t ascii_prefix(std::string_view s) {
  std::size_t i = 0;
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, s.data() + i, 8);
    // High bit set in a byte that is not ASCII (word), or that is zero (the subtraction borrows into it).
    if ((word | (word - 0x0101010101010101ULL)) & 0x8080808080808080ULL) break;
  }
  while (i < s.size() && s[i] > 0) ++i;
  return i;
}

}  // namespace

bool decode_entities(std::string_view raw, std::string& out) {
  static constexpr std::size_t longest = sizeof "#x0010FFFF";
  out.clear();
  while (true) {
    std::size_t at = raw.find('&');
    out.append(raw.substr(0, at));
    if (at == raw.npos) return true;
    raw.remove_prefix(at + 1);
    std::size_t end = raw.substr(0, longest + 1).find(';');
    if (end == raw.npos || !append_entity(out, raw.substr(0, end))) return false;
    raw.remove_prefix(end + 1);
  }
}

bool is_text(std::string_view bytes) {
  while (true) {
    bytes.remove_prefix(ascii_prefix(bytes));
    if (bytes.empty()) return true;
    std::size_t length = sequence_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
}

}  // namespace abo::listing
