// Waiting as an argument, so that tests of retries take no time: the counterpart of base/time.h's Clock.
#pragma once

#include <chrono>

#include "net/task.h"

namespace abo::kube {

class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // Returns after that long, at once for 0 or less. Cancelling the coroutine ends it early, as Asio's timers
  // do.
  [[nodiscard]] virtual Task<void> sleep(std::chrono::milliseconds duration) = 0;
};

// The real one: a timer of the calling coroutine's event loop.
class TimerSleeper final : public Sleeper {
 public:
  [[nodiscard]] Task<void> sleep(std::chrono::milliseconds duration) override;
};

}  // namespace abo::kube
