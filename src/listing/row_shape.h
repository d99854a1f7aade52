// The fast way through a listing. A service writes all its rows alike: the same tags in the same order, only
// the values differ. So the tags of a row that the strict reader (raw_row.h) has accepted are kept, and the
// next row is compared with them sixteen bytes at a time: equal tags need no second check. A row that differs
// goes to the strict reader again and becomes a shape of its own; a few are kept, since rows with and without
// Content-MD5 alternate. Pure; about 0.1 microseconds a row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "listing/raw_row.h"

namespace abo::listing {

class RowShape {
 public:
  // True when the shape fits in its bounds; false leaves a shape that matches nothing.
  bool learn(const char* begin, const char* end, const RowTrace& trace, const RawRow& row);

  // Complete: the row has this shape, `row` is filled. More: so far it has. Bad: it has another one.
  [[nodiscard]] ReadOutcome match(const char* begin, const char* end, RawRow& row,
                                  const char*& row_end) const;

 private:
  // Tags up to the next value; the last one has no value behind it.
  struct Segment {
    std::uint32_t offset;  // into tags_, a multiple of 16
    std::uint32_t length;
    Field field;
  };
  static constexpr std::size_t max_segments = 96;
  static constexpr std::size_t max_bytes = 8192;

  std::vector<char> tags_;
  std::vector<Segment> segments_;
  bool name_encoded_ = false;
};

// The last few shapes, the most recent first.
class RowShapes {
 public:
  // As read_element() for a Blob, only faster.
  [[nodiscard]] ReadResult read(const char* begin, const char* end, RawRow& row);

 private:
  static constexpr std::size_t max_shapes = 4;
  std::vector<RowShape> shapes_;
  RowTrace trace_;
};

}  // namespace abo::listing
