#include "base/text.h"

#include <algorithm>

#include "base/redact.h"

namespace abo {

namespace {

// Bytes of the character that begins here, as its first byte says.
std::size_t length_at(std::string_view text) {
  auto lead = static_cast<unsigned char>(text[0]);
  std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(length, text.size());
}

}  // namespace

bool is_control(std::string_view character) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7F;
  if (character.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (character.size() != 3 || byte(0) != 0xE2) return false;
  bool line_or_turn = byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE;
  bool mark = byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F);
  bool isolate = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
  return line_or_turn || mark || isolate;
}

std::string bounded_text(std::string_view whole, std::size_t limit) {
  std::string shown = redacted(whole);
  std::string_view text = shown;
  bool cut = text.size() > limit;
  if (cut) {
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
    text = text.substr(0, limit);
  }
  std::string out;
  out.reserve(text.size() + 3);
  while (!text.empty()) {
    std::string_view character = text.substr(0, length_at(text));
    out += is_control(character) ? " " : character;
    text.remove_prefix(character.size());
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (cut) out += "...";
  return out;
}

}  // namespace abo
