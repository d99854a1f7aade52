#include "base/duration.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

namespace abo {
namespace {

constexpr std::pair<std::string_view, double> units[] = {{"ns", 1},          {"us", 1e3},  {"\xC2\xB5s", 1e3},
                                                         {"\xCE\xBCs", 1e3}, {"ms", 1e6},  {"s", 1e9},
                                                         {"m", 60e9},        {"h", 3600e9}};

constexpr double longest = 30.0 * 365 * 24 * 3600e9;

bool begins_number(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

std::optional<double> unit_of(std::string_view name) {
  for (const auto& [unit, nanoseconds] : units) {
    if (unit == name) return nanoseconds;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  bool first = true;
  double total = 0;
  do {
    if (text.empty() || !begins_number(text.front())) return std::nullopt;
    double number = 0;
    const char* begin = text.data();
    auto [end, error] = std::from_chars(begin, begin + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - begin));
    std::size_t letters = 0;
    while (letters < text.size() && !begins_number(text[letters])) ++letters;
    auto unit = unit_of(first && text.empty() ? "s" : text.substr(0, letters));
    if (!unit) return std::nullopt;
    total += number * *unit;
    text.remove_prefix(letters);
    first = false;
  } while (!text.empty());
  if (total > longest) return std::nullopt;
  return std::chrono::nanoseconds{std::llround(total)};
}

std::string format_duration(std::chrono::seconds duration) {
  std::int64_t seconds = duration.count(), hours = seconds / 3600, minutes = seconds / 60 % 60;
  std::string text;
  if (hours > 0) text += fmt::format("{}h", hours);
  if (minutes > 0) text += fmt::format("{}m", minutes);
  if (seconds % 60 > 0 || text.empty()) text += fmt::format("{}s", seconds % 60);
  return text;
}

}  // namespace abo
