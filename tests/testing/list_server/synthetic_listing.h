// The rows of a container that does not exist: what list-only-server serves and what the benchmarks read. Every row is
// as long and as rich as Azure's. Rows are a pure function of their index, and names sort as their indices do, so that
// nothing is kept in memory, prefixes are ranges of indices, and a delimiter jumps from one range to the next.
#pragma once

#include <cstdint>
#include <string>

namespace abo::testing {

struct SyntheticContainer {
  std::int64_t blobs = 0;
  std::size_t blob_bytes = 700;  // of XML for each; rows are never shorter than their fields need
  std::int64_t page_size = 5000;
  std::int64_t folders = 0;  // 0: all blobs in one folder; else in so many of equal size, at most 9,999
};

struct SyntheticQuery {
  std::string prefix{};
  std::string delimiter{};
  std::int64_t first = 0;  // what the marker says: begin at this index
};

[[nodiscard]] std::string synthetic_name(const SyntheticContainer& container, std::int64_t index);

// The answer to one List Blobs request, BOM and NextMarker ("row&<index>") included.
[[nodiscard]] std::string synthetic_page(const SyntheticContainer& container, const SyntheticQuery& query);

}  // namespace abo::testing
