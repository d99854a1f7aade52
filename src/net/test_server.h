// For tests: a server on loopback whose every connection is handled by a coroutine of the test, in the same
// loop as the client, and the few lines to read a request and to run a task to its end. Nothing here knows
// HTTP beyond that.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/task.h"

namespace abo::net::testing {

using tcp = boost::asio::ip::tcp;
inline constexpr auto kToken = boost::asio::as_tuple(boost::asio::use_awaitable);

// Runs a task on `io` to its end. A test that hangs fails after 20 s instead of blocking the suite.
template <class T>
T run(boost::asio::io_context& io, Task<T> task) {
  std::optional<T> result;
  std::exception_ptr problem;
  boost::asio::co_spawn(io, std::move(task), [&](std::exception_ptr thrown, T value) {
    problem = thrown;
    if (!thrown) result = std::move(value);
  });
  io.restart();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!result && !problem && io.run_one_until(end) > 0) {
  }
  if (problem) std::rethrow_exception(problem);
  if (!result) throw std::runtime_error("the task did not end");
  return std::move(*result);
}

inline Task<void> pause(std::chrono::milliseconds time) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, time);
  co_await timer.async_wait(kToken);
}

// Reads one request, head and body by Content-Length; "" when the client closed.
template <class Stream>
Task<std::string> read_request(Stream& stream, std::string& buffer) {
  auto [problem, head] =
      co_await boost::asio::async_read_until(stream, boost::asio::dynamic_buffer(buffer), "\r\n\r\n", kToken);
  if (problem) co_return "";
  std::size_t length = 0;
  if (const auto at = buffer.find("Content-Length: "); at < head) length = std::stoul(buffer.substr(at + 16));
  while (buffer.size() < head + length) {
    char piece[4096];
    auto [broken, count] = co_await stream.async_read_some(boost::asio::buffer(piece), kToken);
    if (broken) co_return "";
    buffer.append(piece, count);
  }
  std::string request = buffer.substr(0, head + length);
  buffer.erase(0, head + length);
  co_return request;
}

template <class Stream>
Task<bool> write_text(Stream& stream, std::string text) {
  auto [problem, count] = co_await boost::asio::async_write(stream, boost::asio::buffer(text), kToken);
  co_return !problem;
}

class TestServer {
 public:
  using Script =
      std::function<Task<void>(TestServer&, tcp::socket, int)>;  // the server, a connection, its number

  TestServer(boost::asio::io_context& io, Script script)
      : acceptor_(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)), script_(std::move(script)) {
    boost::asio::co_spawn(io, accept(this), boost::asio::detached);
  }

  [[nodiscard]] unsigned short port() const { return acceptor_.local_endpoint().port(); }
  [[nodiscard]] std::string url(const std::string& path, const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port()) + path;
  }

  int connections = 0;
  std::vector<std::string> requests;  // what scripts put here

 private:
  static Task<void> accept(TestServer* self) {
    while (true) {
      auto [problem, socket] = co_await self->acceptor_.async_accept(kToken);
      if (problem) co_return;
      socket.set_option(tcp::no_delay(true));
      boost::asio::co_spawn(self->acceptor_.get_executor(),
                            self->script_(*self, std::move(socket), ++self->connections),
                            boost::asio::detached);
    }
  }

  tcp::acceptor acceptor_;
  Script script_;
};

}  // namespace abo::net::testing
