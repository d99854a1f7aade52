// The number and text forms of Go's standard library that YAML scalars pass through on kubectl's way:
// strconv's integers and floats, base64, encoding/json's repair of bytes that are not UTF-8. Only
// yaml_scalar.cc needs them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "render/yaml_scalar.h"

namespace abo::render {

// strconv.ParseInt, then ParseUint, with base 0 (0x, 0o, 0b, a leading 0 for octal), underscores already
// gone; plus go-yaml's own reading of 0b. Nothing when it is no integer or beyond 64 bits.
[[nodiscard]] std::optional<YamlScalar> go_integer(std::string_view text);

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?  Nothing when it overflows.
[[nodiscard]] std::optional<double> yaml_float(std::string_view text);

// strconv.ParseFloat for a text that begins with '.': underscores may stand between digits.
[[nodiscard]] std::optional<double> go_dotted_float(std::string_view text);

// strconv.FormatFloat(value, 'g', -1, 32), infinities and NaN as YAML writes them.
[[nodiscard]] std::string go_float_key(double value);

// encoding/base64.StdEncoding: line breaks are skipped.
[[nodiscard]] std::optional<std::string> go_base64(std::string_view text);

// Every byte that is not part of valid UTF-8 becomes U+FFFD, as encoding/json does.
[[nodiscard]] std::string go_json_text(std::string_view bytes);

}  // namespace abo::render
