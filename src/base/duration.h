// Lengths of time as people write them: Go's form, which kubectl, Helm and the manifests of others use, beside plain
// seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace abo {

// "30s", "500ms", "5m", "1h", "1m30s", "1.5h"; a number without a unit is seconds. Nothing for any other text, for
// what is negative, and for more than thirty years.
[[nodiscard]] std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

// "30s", "5m", "1h", "1m30s"; "0s".
[[nodiscard]] std::string format_duration(std::chrono::seconds duration);

}  // namespace abo
