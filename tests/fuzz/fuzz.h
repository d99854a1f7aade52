// What the fuzz targets share: how a law is stated, how an input is taken apart. A target is one file that defines
// LLVMFuzzerTestOneInput; it is linked twice, with libFuzzer (preset fuzz) and with corpus_test.cc, which feeds it the
// files of corpus/<target> as an ordinary test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace abo::fuzz {

// Thrown out of the target: libFuzzer takes it for a crash, corpus_test.cc for a failure.
struct Violation : std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const std::string& law) {
  if (!holds) throw Violation(law);
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// The part before the next NUL, taken away together with it: what stands in a field never holds a NUL by itself.
inline std::string_view take_field(std::string_view& input) {
  std::string_view field = input.substr(0, input.find('\0'));
  input.remove_prefix(std::min(field.size() + 1, input.size()));
  return field;
}

// The first `count` bytes, taken away; fewer when there are no more.
inline std::string_view take(std::string_view& input, std::size_t count) {
  std::string_view taken = input.substr(0, count);
  input.remove_prefix(taken.size());
  return taken;
}

// Hands `text` out in pieces of 1 to 256 bytes, the bytes of `sizes` in turn saying how long each is, until `feed`
// returns false.
template <class Feed>
void in_pieces(std::string_view text, std::string_view sizes, Feed feed) {
  for (std::size_t i = 0; !text.empty(); ++i) {
    std::size_t size = sizes.empty() ? 1 : 1U + static_cast<unsigned char>(sizes[i % sizes.size()]);
    if (!feed(take(text, size))) return;
  }
}

}  // namespace abo::fuzz
