// Runs the same coroutine several times side by side and waits for all: how a pass keeps requests in flight, and a
// listing several of its parts. The factory and whatever it refers to must outlive the call, which they do as locals of
// the awaiting coroutine.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <vector>

#include "net/task.h"

namespace abo::net {

// Calls work(0) ... work(count - 1), at most `lanes` at a time, in order of their start. An exception (a bug) is
// rethrown after all have ended. Cancelling the caller cancels each that runs.
[[nodiscard]] inline Task<void> concurrently(std::size_t count, std::size_t lanes,
                                             std::function<Task<void>(std::size_t)> work) {
  namespace asio = boost::asio;
  struct Lane {
    static Task<void> run(std::size_t& next, std::size_t end,
                          const std::function<Task<void>(std::size_t)>& step) {
      while (next < end) co_await step(next++);
    }
  };
  if (count == 0) co_return;
  auto executor = co_await asio::this_coro::executor;
  std::size_t next = 0;
  using Operation = decltype(asio::co_spawn(executor, Lane::run(next, count, work), asio::deferred));
  std::vector<Operation> operations;
  for (std::size_t i = 0; i < std::min(lanes, count); ++i) {
    operations.push_back(asio::co_spawn(executor, Lane::run(next, count, work), asio::deferred));
  }
  auto [order, failures] = co_await asio::experimental::make_parallel_group(std::move(operations))
                               .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace abo::net
