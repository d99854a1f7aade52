#include "listing/modified_reader.h"

#include <algorithm>
#include <cstring>

namespace abo::listing {
namespace {

// Two digits below `limit`, or -1.
int two_digits(const char* at, int limit) {
  unsigned tens = static_cast<unsigned char>(at[0]) - '0', ones = static_cast<unsigned char>(at[1]) - '0';
  if (tens > 9 || ones > 9) return -1;
  int value = static_cast<int>(tens * 10 + ones);
  return value < limit ? value : -1;
}

}  // namespace

std::optional<ServiceTime> ModifiedReader::read(std::string_view text) {
  static constexpr std::size_t size = 29;
  if (text.size() != size) return std::nullopt;
  const char* clock = text.data() + date_size;  // "05:30:00 GMT"
  if (std::memcmp(text.data(), date_.data(), date_size) == 0 && clock[2] == ':' && clock[5] == ':' &&
      std::memcmp(clock + 8, " GMT", 4) == 0) {
    int hours = two_digits(clock, 24), minutes = two_digits(clock + 3, 60),
        seconds = two_digits(clock + 6, 60);
    if (hours >= 0 && minutes >= 0 && seconds >= 0) {
      return midnight_ + std::chrono::seconds{(hours * 60 + minutes) * 60 + seconds};
    }
  }
  auto time = parse_rfc1123(text);
  if (time && clock[6] != '6') {  // a leap second belongs to the next day already
    std::copy_n(text.data(), date_size, date_.data());
    midnight_ = std::chrono::floor<std::chrono::days>(*time);
  }
  return time;
}

}  // namespace abo::listing
