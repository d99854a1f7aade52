#include "base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace abo {
namespace {

constexpr std::size_t longest = 64;  // nobody mistypes a longer word; keeps hostile input cheap

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Levenshtein's distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t replaced = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > longest) return {};
  std::string_view best = nearest_of_all(word, known);
  return distance(word, best) <= std::max<std::size_t>(word.size() / 2, 1) ? best : std::string_view{};
}

std::string_view nearest_of_all(std::string_view word, std::span<const std::string_view> known) {
  word = word.substr(0, longest);
  auto edits = [word](std::string_view candidate) { return distance(word, candidate); };
  auto best = std::ranges::min_element(known, {}, edits);
  return best == known.end() ? std::string_view{} : *best;
}

}  // namespace abo
