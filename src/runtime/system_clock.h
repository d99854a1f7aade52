// The one real Clock: the machine's wall time, and CLOCK_BOOTTIME, which runs through suspend and is never set.
#pragma once

#include "base/time.h"

namespace abo::runtime {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] MonoTime mono() const override;
};

}  // namespace abo::runtime
