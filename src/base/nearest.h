// "Did you mean": the nearest of the known words to a mistyped one.
#pragma once

#include <span>
#include <string_view>

namespace abo {

// The known word with the fewest single-letter edits (case does not count), or "" when none is near enough to
// be a plausible slip. The first of equals.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// The same however far away it is, of equally near ones the first; "" only when nothing is known.
[[nodiscard]] std::string_view nearest_of_all(std::string_view word, std::span<const std::string_view> known);

}  // namespace abo
