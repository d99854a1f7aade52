// A counting semaphore for coroutines: admission with a cap, first come, first served. Single-threaded. Permits and
// waiting coroutines may outlive it.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>
#include <optional>

#include "net/task.h"

namespace abo::runtime {

class Semaphore {
 public:
  struct State;

  // The right to be inside. Given back when it goes.
  class Permit {
   public:
    explicit Permit(std::shared_ptr<State> state);
    ~Permit();
    Permit(Permit&& other) noexcept = default;
    Permit& operator=(Permit&& other) noexcept;

   private:
    std::shared_ptr<State> state_;
  };

  Semaphore(boost::asio::any_io_executor executor, std::size_t permits);

  // Waits for its turn; nothing when the coroutine was cancelled before it came.
  [[nodiscard]] Task<std::optional<Permit>> acquire();

  // Without waiting, and not before those who wait.
  [[nodiscard]] std::optional<Permit> try_acquire();

  [[nodiscard]] std::size_t free() const;
  [[nodiscard]] std::size_t waiting() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace abo::runtime
