// Percent-encoding of blob names and query values, byte by byte over UTF-8 (RFC 3986).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace abo {

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX: for one query value or one path segment.
[[nodiscard]] std::string percent_encode(std::string_view text);

// The same, but '/' stays: for a blob's whole name.
[[nodiscard]] std::string percent_encode_path(std::string_view text);

// Nothing for a '%' without two hex digits behind it. '+' stays '+'.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace abo
