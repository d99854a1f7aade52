// Rows of text in columns, as kubectl prints them: two spaces between columns, nothing at the ends of lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace abo::cli {

class TextTable {
 public:
  enum class Align : std::uint8_t { Left, Right };
  struct Column {
    std::string title;  // all empty: no line of titles
    Align align = Align::Left;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }  // one for each column
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 1234567 -> "1,234,567".
[[nodiscard]] std::string grouped(std::int64_t number);

}  // namespace abo::cli
