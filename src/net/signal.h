// A condition variable for coroutines of one thread: wait() until somebody calls notify_all(). Everyone who waits at
// that moment wakes on a later turn of the loop. It must outlive its waiters. And until(): work that ends early when
// the signal comes.
#pragma once

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <exception>
#include <list>

#include "net/task.h"

namespace abo::net {

class Signal {
 public:
  // A cancelled coroutine wakes too; the caller's next wait then throws, as Asio's do.
  [[nodiscard]] Task<void> wait() { return wait_until(boost::asio::steady_timer::time_point::max()); }
  // Wakes after `limit` at the latest.
  [[nodiscard]] Task<void> wait(std::chrono::milliseconds limit) {
    return wait_until(boost::asio::steady_timer::clock_type::now() + limit);
  }
  void notify_all() {
    // Not cancel(): one that is enlisted and about to wait must wake too.
    for (boost::asio::steady_timer* timer : waiting_)
      timer->expires_at(boost::asio::steady_timer::time_point::min());
  }

 private:
  friend Task<void> until(Signal& signal, Task<void> work);
  using Timers = std::list<boost::asio::steady_timer*>;
  struct Enlisted {
    Timers& timers;
    Timers::iterator at;
    Enlisted(Timers& list, boost::asio::steady_timer* timer)
        : timers(list), at(list.insert(list.end(), timer)) {}
    ~Enlisted() { timers.erase(at); }
    Enlisted(const Enlisted&) = delete;
    Enlisted& operator=(const Enlisted&) = delete;
  };

  [[nodiscard]] Task<void> wait_until(boost::asio::steady_timer::time_point end) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, end);
    Enlisted enlisted(waiting_, &timer);
    boost::system::error_code woken;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

  Timers waiting_;
};

// Runs the work until it ends, or cancels it when the signal comes first; waits for its end in either case. No notice is
// missed from the call on. An exception of the work is thrown on, but for the one with which Asio ends what was
// cancelled.
[[nodiscard]] inline Task<void> until(Signal& signal, Task<void> work) {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, asio::steady_timer::time_point::max());
  Signal::Enlisted enlisted(signal.waiting_, &timer);
  auto [order, problem, woken] =
      co_await asio::experimental::make_parallel_group(
          asio::co_spawn(executor, std::move(work), asio::deferred), timer.async_wait(asio::deferred))
          .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (!problem) co_return;
  try {
    std::rethrow_exception(problem);
  } catch (const boost::system::system_error& thrown) {
    if (order[0] == 0 || thrown.code() != asio::error::operation_aborted) throw;
  }
}

}  // namespace abo::net
