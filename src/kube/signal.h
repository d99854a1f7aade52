// A condition variable for coroutines of one thread: wait() until somebody calls notify_all(). Everyone who waits at
// that moment wakes on a later turn of the loop. It must outlive its waiters.
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <list>

#include "net/task.h"

namespace abo::kube {

class Signal {
 public:
  // Wakes after `limit` at the latest. A cancelled coroutine wakes too; the caller's next wait then throws, as Asio's do.
  [[nodiscard]] Task<void> wait(std::chrono::milliseconds limit = std::chrono::hours{24}) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, limit);
    Enlisted enlisted(waiting_, &timer);
    boost::system::error_code woken;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

  void notify_all() {
    for (boost::asio::steady_timer* timer : waiting_) timer->cancel();
  }

 private:
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

  Timers waiting_;
};

}  // namespace abo::kube
