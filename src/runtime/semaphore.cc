#include "runtime/semaphore.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <list>
#include <utility>

#include "runtime/timer.h"

namespace abo::runtime {
namespace asio = boost::asio;

struct Semaphore::State {
  struct Waiter {
    asio::steady_timer wakeup;
    bool admitted = false;  // the permit is already taken for this one
  };

  asio::any_io_executor executor;
  std::size_t free = 0;
  std::list<Waiter> queue;  // first come first; the admitted are out of it

  void give_back() {
    if (queue.empty()) {
      ++free;
      return;
    }
    queue.front().admitted = true;
    queue.front().wakeup.cancel();
    leaving.splice(leaving.end(), queue, queue.begin());
  }
  std::list<Waiter> leaving;  // admitted, but not yet run
};

namespace {

// Takes the waiter out whatever ends the wait, also the destruction of the whole loop; a permit that was already its
// own, but never reached it, goes to the next.
class Place {
 public:
  explicit Place(std::shared_ptr<Semaphore::State> state)
      : state_(std::move(state)),
        waiter_(state_->queue.emplace(
            state_->queue.end(),
            asio::steady_timer(state_->executor, std::chrono::steady_clock::time_point::max()))) {}
  ~Place() {
    const bool unused = waiter_->admitted;
    (unused ? state_->leaving : state_->queue).erase(waiter_);
    if (unused && !taken_) state_->give_back();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  asio::steady_timer& wakeup() { return waiter_->wakeup; }
  bool take() { return taken_ = waiter_->admitted; }

 private:
  std::shared_ptr<Semaphore::State> state_;
  std::list<Semaphore::State::Waiter>::iterator waiter_;
  bool taken_ = false;
};

Task<std::optional<Semaphore::Permit>> wait_for_turn(std::shared_ptr<Semaphore::State> state) {
  if (co_await is_cancelled()) co_return std::nullopt;
  if (state->free > 0) {
    --state->free;
    co_return Semaphore::Permit(state);
  }
  Place place(state);
  co_await place.wakeup().async_wait(asio::as_tuple(asio::use_awaitable));
  if (co_await is_cancelled() || !place.take()) co_return std::nullopt;
  co_return Semaphore::Permit(state);
}

}  // namespace

Semaphore::Permit::Permit(std::shared_ptr<State> state) : state_(std::move(state)) {}

Semaphore::Permit::~Permit() {
  if (state_) state_->give_back();
}

Semaphore::Permit& Semaphore::Permit::operator=(Permit&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Semaphore::Semaphore(asio::any_io_executor executor, std::size_t permits)
    : state_(std::make_shared<State>(std::move(executor), permits)) {}

Task<std::optional<Semaphore::Permit>> Semaphore::acquire() {
  return wait_for_turn(state_);
}

std::optional<Semaphore::Permit> Semaphore::try_acquire() {
  if (state_->free == 0) return std::nullopt;
  --state_->free;
  return Permit(state_);
}

std::size_t Semaphore::free() const {
  return state_->free;
}
std::size_t Semaphore::waiting() const {
  return state_->queue.size();
}

}  // namespace abo::runtime
