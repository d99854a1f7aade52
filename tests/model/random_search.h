// Plays random worlds. Each is drawn from its seed alone: its rules, which kinds of trouble it knows and how often, and
// every choice. A world that breaks a law is played again with ever fewer choices until none can be left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/model/simulation.h"

namespace abo::model {

struct Found {
  std::uint64_t seed = 0;
  std::uint64_t worlds = 0;  // played until then, this one included
  std::string violation;
  Rules rules;
  std::vector<Choice> schedule;
};

struct Searched {
  std::uint64_t worlds = 0;
  std::uint64_t steps = 0;
  std::uint64_t creations = 0;
  std::uint64_t promises = 0;  // versions that were gone in the end, but that an undisturbed poll had shown
  std::uint64_t limits = 0;    // worlds that met the known limit and ended there
  std::optional<Found> found;
};

// Worlds of the seeds from..from+count-1, until one breaks a law; or this one.
[[nodiscard]] Searched search(Mutant mutant, std::uint64_t from, std::uint64_t count,
                              std::string_view wanted = {});

// The same choices again, then to rest, by operators that make this error: what they break. A choice that is not possible
// any more is left out.
[[nodiscard]] std::string replay(const Found& found, Mutant mutant);

// The fewest choices of a schedule that still break the same law, and how they read.
[[nodiscard]] Found shrink(Found found);
[[nodiscard]] std::string story(const Found& found);

}  // namespace abo::model
