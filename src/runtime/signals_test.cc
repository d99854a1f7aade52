#include "runtime/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <boost/asio/io_context.hpp>

#include <array>
#include <csignal>
#include <vector>

namespace abo::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Signals, the_first_one_is_a_call_on_the_loop) {
  boost::asio::io_context io(1);
  std::vector<int> seen;
  Signals signals(io.get_executor(), [&seen](int signal) { seen.push_back(signal); });
  std::raise(SIGTERM);
  EXPECT_TRUE(seen.empty()) << "not inside the signal handler";
  while (seen.empty() && io.run_one_for(10s) > 0) {
  }
  EXPECT_EQ(seen, std::vector<int>{SIGTERM});
  signals.close();
}

TEST(Signals, the_loop_can_run_out_of_work_after_close) {
  boost::asio::io_context io(1);
  Signals signals(io.get_executor(), [](int) {});
  signals.close();
  io.run_for(10s);
  EXPECT_TRUE(io.stopped());
}

TEST(Signals, a_closed_pipe_is_an_error_and_not_the_end) {
  boost::asio::io_context io(1);
  const Signals signals(io.get_executor(), [](int) {});
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ::close(ends[0]);
  EXPECT_EQ(::write(ends[1], "x", 1), -1);
  ::close(ends[1]);
}

TEST(SignalsDeathTest, the_second_one_ends_the_process_at_once) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        boost::asio::io_context io(1);
        const Signals signals(io.get_executor(), [](int) { std::raise(SIGINT); });
        std::raise(SIGTERM);
        io.run_for(10s);
      },
      ::testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace abo::runtime
