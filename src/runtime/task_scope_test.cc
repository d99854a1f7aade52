#include "runtime/task_scope.h"

#include <gtest/gtest.h>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/test_loop.h"
#include "runtime/timer.h"

namespace abo::runtime {
namespace {

using namespace std::chrono_literals;
using testing::drain;

Task<void> sleeper(std::vector<std::string>* log, std::chrono::milliseconds time) {
  const bool whole = co_await sleep_for(time);
  log->push_back(whole ? "slept" : "woken");
}

Task<void> thrower() {
  co_await sleep_for(0ms);
  throw std::runtime_error("oops");
}

Task<void> join_then_log(TaskScope* scope, std::vector<std::string>* log) {
  co_await scope->join();
  log->push_back("joined");
}

class TaskScopeTest : public ::testing::Test {
 protected:
  void start_join() { boost::asio::co_spawn(io, join_then_log(&scope, &log), boost::asio::detached); }

  boost::asio::io_context io{1};
  std::vector<std::string> log;
  TaskScope scope{io.get_executor(),
                  [this](std::string_view what) { log.push_back("bug: " + std::string(what)); }};
};

TEST_F(TaskScopeTest, join_waits_for_every_task) {
  scope.spawn(sleeper(&log, 2ms));
  scope.spawn(sleeper(&log, 1ms));
  EXPECT_EQ(scope.running(), 2U);
  start_join();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, (std::vector<std::string>{"slept", "slept", "joined"}));
  EXPECT_EQ(scope.running(), 0U);
}

TEST_F(TaskScopeTest, join_of_an_empty_scope_returns) {
  start_join();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, std::vector<std::string>{"joined"});
}

TEST_F(TaskScopeTest, cancel_wakes_every_task_without_an_exception) {
  scope.spawn(sleeper(&log, 1h));
  scope.spawn(sleeper(&log, 1h));
  start_join();
  io.run_for(1ms);
  scope.cancel();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, (std::vector<std::string>{"woken", "woken", "joined"}));
}

TEST_F(TaskScopeTest, a_task_that_sleeps_again_after_cancel_is_woken_at_once) {
  scope.spawn([](std::vector<std::string>* to) -> Task<void> {
    co_await sleep_for(1h);
    to->push_back(co_await sleep_for(1h) ? "slept" : "woken twice");
  }(&log));
  io.run_for(1ms);
  scope.cancel();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, std::vector<std::string>{"woken twice"});
}

TEST_F(TaskScopeTest, what_is_spawned_after_cancel_starts_cancelled) {
  scope.cancel();
  scope.spawn(sleeper(&log, 1h));
  start_join();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, (std::vector<std::string>{"woken", "joined"}));
}

TEST_F(TaskScopeTest, an_exception_is_reported_and_harms_no_other_task) {
  scope.spawn(thrower());
  scope.spawn(sleeper(&log, 2ms));
  start_join();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, (std::vector<std::string>{"bug: oops", "slept", "joined"}));
}

TEST_F(TaskScopeTest, join_also_waits_for_what_tasks_spawn) {
  scope.spawn([](TaskScope* in, std::vector<std::string>* to) -> Task<void> {
    in->spawn(sleeper(to, 2ms));
    co_return;
  }(&scope, &log));
  start_join();
  EXPECT_TRUE(drain(io));
  EXPECT_EQ(log, (std::vector<std::string>{"slept", "joined"}));
}

TEST_F(TaskScopeTest, a_task_does_not_run_inside_spawn) {
  bool ran = false;
  scope.spawn([](TaskScope* in, bool* inner) -> Task<void> {
    in->spawn([](bool* flag) -> Task<void> {
      *flag = true;
      co_return;
    }(inner));
    EXPECT_FALSE(*inner);
    co_return;
  }(&scope, &ran));
  EXPECT_TRUE(drain(io));
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace abo::runtime
