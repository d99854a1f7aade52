// Cuts XML into tags and text, pull by pull, over bytes that may end anywhere. It knows only what List Blobs
// answers need: start, end and empty tags, attributes, text. Comments, CDATA, DOCTYPE and processing
// instructions are refused: the service sends none, and what is refused cannot be misread. Nothing is copied;
// tokens point into the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace abo::listing {

enum class TokenKind : std::uint8_t {
  Start,  // <name attributes>
  End,    // </name>
  Empty,  // <name attributes/>
  Text,   // everything up to the next '<', entities not undone
  More,   // the bytes end inside a token
  Bad,    // not well-formed, or not accepted
};

struct Token {
  TokenKind kind = TokenKind::Bad;
  std::string_view name;        // of a tag
  std::string_view attributes;  // between name and end of a start or empty tag; their syntax has been checked
  std::string_view text;        // of a Text
  const char* begin = nullptr;
  const char* end = nullptr;
};

[[nodiscard]] Token scan_token(const char* begin, const char* end);

// Any byte that a name may hold; nearer to what services send than to the XML standard, which knows more
// first letters.
[[nodiscard]] bool is_name_byte(char c);

[[nodiscard]] inline bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
[[nodiscard]] bool is_blank(std::string_view text);

// The value between the quotes, entities not undone.
[[nodiscard]] std::optional<std::string_view> find_attribute(std::string_view attributes,
                                                             std::string_view name);

}  // namespace abo::listing
