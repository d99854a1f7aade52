// Standard base64 (RFC 4648, with padding), as account keys, Secret data and certificates use it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace abo {

[[nodiscard]] std::string base64_encode(std::string_view bytes);

// Strict: right alphabet, right padding, no white space; nothing otherwise.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace abo
