// How long to wait before the next try: exponential, with full jitter, so that a thousand clients of one outage do not
// come back together. Randomness is an argument.
#pragma once

#include <chrono>
#include <random>

namespace abo::runtime {

class Backoff {
 public:
  struct Limits {
    std::chrono::milliseconds base{800};
    double factor = 2.0;
    std::chrono::milliseconds cap{60'000};
  };

  explicit Backoff(Limits limits) : limits_(limits) {}

  // Somewhere in [0, min(cap, base * factor^tries)], but never under a tenth of that bound: no hot loop by bad luck.
  [[nodiscard]] std::chrono::milliseconds next(std::mt19937_64& rng);

  void reset() { tries_ = 0; }
  [[nodiscard]] int tries() const { return tries_; }

 private:
  Limits limits_;
  int tries_ = 0;
};

// The interval, give or take `fraction` of it (0.1: between 0.9 and 1.1 of it).
[[nodiscard]] std::chrono::nanoseconds jittered(std::chrono::nanoseconds interval, double fraction,
                                                std::mt19937_64& rng);

}  // namespace abo::runtime
