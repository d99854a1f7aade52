#include "kube/signal.h"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include <stdexcept>

#include "kube/fake_transport.h"

namespace abo::kube {
namespace {

using Words = std::vector<std::string>;

Task<void> say_and_wait(Signal& never, Words& said) {
  said.emplace_back("begun");
  co_await never.wait();
  said.emplace_back("woken");
}

Task<void> say(Words& said) {
  said.emplace_back("begun");
  co_await boost::asio::post(boost::asio::use_awaitable);
  said.emplace_back("ended");
}

Task<void> fail_later() {
  co_await boost::asio::post(boost::asio::use_awaitable);
  throw std::runtime_error("a bug");
}

Task<void> with_notice(Signal& signal, Task<void> task) {
  auto loop = co_await boost::asio::this_coro::executor;
  boost::asio::co_spawn(
      loop,
      [](Signal& wakes) -> Task<void> {
        for (int i = 0; i < 3; ++i) co_await boost::asio::post(boost::asio::use_awaitable);
        wakes.notify_all();
      }(signal),
      boost::asio::detached);
  co_await std::move(task);
}

TEST(Until, work_that_ends_does_not_wait_for_the_signal) {
  Signal signal;
  Words said;
  run(until(signal, say(said)));
  EXPECT_EQ(said, (Words{"begun", "ended"}));
}

TEST(Until, the_signal_ends_work_that_would_not) {
  Signal signal, never;
  Words said;
  run(with_notice(signal, until(signal, say_and_wait(never, said))));
  EXPECT_EQ(said, (Words{"begun", "woken"}));
}

TEST(Until, a_notice_before_the_work_has_begun_is_not_missed) {
  boost::asio::io_context loop;
  Signal signal, never;
  Words said;
  bool ended = false;
  boost::asio::co_spawn(loop, until(signal, say_and_wait(never, said)),
                        [&](std::exception_ptr) { ended = true; });
  loop.run_one();
  signal.notify_all();
  loop.run_for(std::chrono::seconds{5});
  EXPECT_TRUE(ended);
}

TEST(Until, a_bug_in_the_work_is_not_hidden) {
  Signal signal;
  EXPECT_THROW(run(until(signal, fail_later())), std::runtime_error);
}

}  // namespace
}  // namespace abo::kube
