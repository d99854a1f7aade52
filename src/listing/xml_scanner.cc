#include "listing/xml_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace abo::listing {
namespace {

constexpr auto name_bytes = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    table[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '_' || c == '.' || c == ':' || c >= 0x80;
  }
  return table;
}();

const char* skip_name(const char* at, const char* end) {
  while (at != end && is_name_byte(*at)) ++at;
  return at;
}

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

struct Attribute {
  TokenKind outcome = TokenKind::Bad;  // Start: read; More; Bad
  std::string_view name, value;
  const char* end = nullptr;
};

// name = "value", either quote; `at` stands on the name.
Attribute scan_attribute(const char* at, const char* end) {
  const char* name_end = skip_name(at, end);
  if (name_end == at) return {};
  const char* equals = skip_space(name_end, end);
  if (equals == end) return {TokenKind::More, {}, {}, nullptr};
  if (*equals != '=') return {};
  const char* quote = skip_space(equals + 1, end);
  if (quote == end) return {TokenKind::More, {}, {}, nullptr};
  if (*quote != '"' && *quote != '\'') return {};
  const char* value = quote + 1;
  const char* close = std::find_if(value, end, [&](char c) { return c == *quote || c == '<'; });
  if (close == end) return {TokenKind::More, {}, {}, nullptr};
  if (*close == '<') return {};
  return {TokenKind::Start, between(at, name_end), between(value, close), close + 1};
}

Token incomplete() {
  Token token;
  token.kind = TokenKind::More;
  return token;
}

Token scan_end_tag(const char* begin, const char* end) {
  const char* name = begin + 2;
  const char* name_end = skip_name(name, end);
  const char* close = skip_space(name_end, end);
  if (close == end) return incomplete();
  if (name_end == name || *close != '>') return {};
  return {TokenKind::End, between(name, name_end), {}, {}, begin, close + 1};
}

Token scan_start_tag(const char* begin, const char* end) {
  const char* name = begin + 1;
  const char* name_end = skip_name(name, end);
  if (name_end == end) return incomplete();
  if (name_end == name) return {};
  const char* at = name_end;
  while (true) {
    const char* next = skip_space(at, end);
    if (next == end) return incomplete();
    if (*next == '>')
      return {TokenKind::Start, between(name, name_end), between(name_end, next), {}, begin, next + 1};
    if (*next == '/') {
      if (next + 1 == end) return incomplete();
      if (next[1] != '>') return {};
      return {TokenKind::Empty, between(name, name_end), between(name_end, next), {}, begin, next + 2};
    }
    if (next == at) return {};  // attributes are set apart by white space
    Attribute attribute = scan_attribute(next, end);
    if (attribute.outcome == TokenKind::More) return incomplete();
    if (attribute.outcome == TokenKind::Bad) return {};
    at = attribute.end;
  }
}

}  // namespace

bool is_name_byte(char c) {
  return name_bytes[static_cast<unsigned char>(c)];
}

bool is_blank(std::string_view text) {
  return std::ranges::all_of(text, is_space);
}

Token scan_token(const char* begin, const char* end) {
  if (begin == end) return incomplete();
  if (*begin != '<') {
    const void* next = std::memchr(begin, '<', static_cast<std::size_t>(end - begin));
    if (!next) return incomplete();
    const char* stop = static_cast<const char*>(next);
    return {TokenKind::Text, {}, {}, between(begin, stop), begin, stop};
  }
  if (begin + 1 == end) return incomplete();
  return begin[1] == '/' ? scan_end_tag(begin, end) : scan_start_tag(begin, end);
}

std::optional<std::string_view> find_attribute(std::string_view attributes, std::string_view name) {
  const char* at = attributes.data();
  const char* end = at + attributes.size();
  while ((at = skip_space(at, end)) != end) {
    Attribute attribute = scan_attribute(at, end);
    if (attribute.outcome != TokenKind::Start) return std::nullopt;
    if (attribute.name == name) return attribute.value;
    at = attribute.end;
  }
  return std::nullopt;
}

}  // namespace abo::listing
