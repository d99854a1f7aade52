// The rows of a container that does not exist: what list-only-server serves and what the benchmarks read. Every row is
// as long and as rich as Azure's. Rows are a pure function of their index, so nothing is kept in memory.
#pragma once

#include <cstdint>
#include <string>

namespace abo::testing {

struct SyntheticContainer {
  std::int64_t blobs = 0;
  std::size_t blob_bytes = 700;  // of XML for each; rows are never shorter than their fields need
  std::int64_t page_size = 5000;
};

// The answer to one List Blobs request whose marker says "begin at row `first`", BOM and NextMarker included.
[[nodiscard]] std::string synthetic_page(const SyntheticContainer& container, std::int64_t first);

}  // namespace abo::testing
