#include "cli/text_table.h"

#include <algorithm>

namespace abo::cli {
namespace {

// Characters, not bytes: as wide as a terminal shows most of them.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void TextTable::print(std::ostream& out) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) titles.push_back(column.title);
  for (const std::string& title : titles) widths.push_back(width(title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::string space(widths[i] - width(cells[i]), ' ');
      text += (i > 0 ? "  " : "");
      text += columns_[i].align == Align::Right ? space + cells[i] : cells[i] + space;
    }
    out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
  };
  if (std::ranges::any_of(titles, [](const std::string& title) { return !title.empty(); })) line(titles);
  for (const auto& row : rows_) line(row);
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3 + (number < 0 ? 1U : 0U);) digits.insert(at -= 3, 1, ',');
  return digits;
}

}  // namespace abo::cli
