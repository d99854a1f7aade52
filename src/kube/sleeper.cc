#include "kube/sleeper.h"

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace abo::kube {

Task<void> TimerSleeper::sleep(std::chrono::milliseconds duration) {
  if (duration.count() <= 0) co_return;
  // A coroutine that was cancelled before is not told again, and would sleep in full.
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (state.cancelled() != boost::asio::cancellation_type::none) co_return;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

}  // namespace abo::kube
