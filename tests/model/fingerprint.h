// 128 bits of a state, so that the exhaustive search knows where it has been. Only what can still matter goes in: of a
// pass what its next steps read, and of resourceVersions whether they are the newest, since nobody asks for more.
#pragma once

#include <compare>
#include <cstdint>

#include "tests/model/simulation.h"

namespace abo::model {

struct Fingerprint {
  std::uint64_t low = 0, high = 0;
  friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

[[nodiscard]] Fingerprint fingerprint(const State& state, std::uint64_t and_this);

}  // namespace abo::model
