#include "runtime/backoff.h"

#include <algorithm>
#include <cmath>

namespace abo::runtime {

std::chrono::milliseconds Backoff::next(std::mt19937_64& rng) {
  const double grown = static_cast<double>(limits_.base.count()) * std::pow(limits_.factor, tries_);
  const double bound = std::min(grown, static_cast<double>(limits_.cap.count()));
  if (grown < static_cast<double>(limits_.cap.count())) ++tries_;  // further growth would change nothing
  std::uniform_real_distribution<double> share(0.1, 1.0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(bound * share(rng)));
}

std::chrono::nanoseconds jittered(std::chrono::nanoseconds interval, double fraction, std::mt19937_64& rng) {
  std::uniform_real_distribution<double> share(1.0 - fraction, 1.0 + fraction);
  return std::chrono::nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(interval.count()) * share(rng)));
}

}  // namespace abo::runtime
