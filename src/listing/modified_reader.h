// Reads Last-Modified. Rows of one listing mostly share their day, so the date part is compared with the last
// one and only the time of day is read digit by digit. Pure.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace abo::listing {

class ModifiedReader {
 public:
  // As parse_rfc1123(), only faster.
  [[nodiscard]] std::optional<ServiceTime> read(std::string_view text);

 private:
  static constexpr std::size_t date_size = 17;  // "Sun, 22 Nov 2026 "
  std::array<char, date_size> date_{};
  ServiceTime midnight_{};
};

}  // namespace abo::listing
