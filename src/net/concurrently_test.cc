#include "net/concurrently.h"

#include <gtest/gtest.h>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <stdexcept>

namespace abo::net {
namespace {

namespace asio = boost::asio;

struct Probe {
  std::vector<int> done;
  int running = 0;
  int most = 0;

  Task<void> step(std::size_t i) {
    most = std::max(most, ++running);
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(i % 3));
    co_await timer.async_wait(asio::use_awaitable);
    --running;
    if (i == 7) throw std::runtime_error("seven");
    done.push_back(static_cast<int>(i));
  }
};

Task<void> drive(Probe& probe, std::size_t count, bool& threw) {
  try {
    co_await concurrently(count, 4, [&probe](std::size_t i) { return probe.step(i); });
  } catch (const std::runtime_error&) {
    threw = true;
  }
}

TEST(Concurrently, does_everything_once_with_no_more_than_its_lanes) {
  asio::io_context loop;
  Probe probe;
  bool threw = false;
  asio::co_spawn(loop, drive(probe, 6, threw), asio::detached);
  loop.run();
  std::sort(probe.done.begin(), probe.done.end());
  EXPECT_EQ(probe.done, (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(probe.most, 4);
  EXPECT_FALSE(threw);
}

TEST(Concurrently, waits_for_all_before_it_reports_a_bug) {
  asio::io_context loop;
  Probe probe;
  bool threw = false;
  asio::co_spawn(loop, drive(probe, 20, threw), asio::detached);
  loop.run();
  EXPECT_TRUE(threw);
  EXPECT_EQ(probe.running, 0);
}

}  // namespace
}  // namespace abo::net
