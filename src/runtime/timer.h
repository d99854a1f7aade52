// Sleeping in a coroutine. Asio's timers use CLOCK_MONOTONIC, which stands still while the machine is suspended: right
// for pauses, wrong for deadlines that others hold too (compare MonoTime for those).
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

#include "net/task.h"

namespace abo::runtime {

// Whether this coroutine was cancelled. A scope's tasks get no exception for it: they look, or see a value say so.
inline Task<bool> is_cancelled() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  co_return state.cancelled() != boost::asio::cancellation_type::none;
}

// True after the whole time, false at once when the coroutine was or is cancelled.
inline Task<bool> sleep_for(std::chrono::nanoseconds time) {
  if (co_await is_cancelled()) co_return false;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  const auto [problem] = co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  co_return !problem;
}

}  // namespace abo::runtime
