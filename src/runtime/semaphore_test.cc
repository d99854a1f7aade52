#include "runtime/semaphore.h"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <string>
#include <vector>

#include "runtime/task_scope.h"
#include "runtime/test_loop.h"
#include "runtime/timer.h"

namespace abo::runtime {
namespace {

using namespace std::chrono_literals;
using testing::drain;

struct World {
  boost::asio::io_context io{1};
  Semaphore semaphore{io.get_executor(), 2};
  TaskScope scope{io.get_executor(), [](std::string_view what) { ADD_FAILURE() << what; }};
  std::vector<int> order;
  int inside = 0;
  int most = 0;
  int refused = 0;
};

Task<void> enter(World* world, int number, std::chrono::milliseconds stay) {
  const auto permit = co_await world->semaphore.acquire();
  if (!permit) {
    ++world->refused;
    co_return;
  }
  world->order.push_back(number);
  world->most = std::max(world->most, ++world->inside);
  co_await sleep_for(stay);
  --world->inside;
}

TEST(Semaphore, never_admits_more_than_it_has_and_admits_in_order) {
  World world;
  for (int i = 0; i < 10; ++i) world.scope.spawn(enter(&world, i, 1ms));
  EXPECT_TRUE(drain(world.io));
  EXPECT_EQ(world.most, 2);
  EXPECT_EQ(world.order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(world.semaphore.free(), 2U);
}

TEST(Semaphore, cancelling_those_who_wait_loses_no_permit) {
  World world;
  for (int i = 0; i < 6; ++i) world.scope.spawn(enter(&world, i, 1h));
  while (world.semaphore.waiting() < 4) world.io.run_one();
  world.scope.cancel();
  EXPECT_TRUE(drain(world.io));
  EXPECT_EQ(world.inside, 0);
  EXPECT_EQ(world.refused, 4);
  EXPECT_EQ(world.semaphore.free(), 2U);
  EXPECT_EQ(world.semaphore.waiting(), 0U);
}

TEST(Semaphore, a_permit_given_to_one_who_is_cancelled_in_that_moment_is_not_lost) {
  World world;
  TaskScope doomed(world.io.get_executor(), [](std::string_view what) { ADD_FAILURE() << what; });
  auto first = world.semaphore.try_acquire();
  auto second = world.semaphore.try_acquire();
  doomed.spawn(enter(&world, 1, 0ms));
  world.scope.spawn(enter(&world, 2, 0ms));
  while (world.semaphore.waiting() < 2) world.io.run_one();
  boost::asio::post(world.io, [&] {
    first.reset();    // goes to the doomed one,
    doomed.cancel();  // which is cancelled before it runs
  });
  EXPECT_TRUE(drain(world.io));
  EXPECT_EQ(world.refused, 1);
  EXPECT_EQ(world.order, std::vector<int>{2}) << "the next in the queue must get it";
  second.reset();
  EXPECT_EQ(world.semaphore.free(), 2U);
}

TEST(Semaphore, try_acquire_takes_what_is_free_and_nothing_else) {
  World world;
  auto first = world.semaphore.try_acquire();
  auto second = world.semaphore.try_acquire();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(world.semaphore.try_acquire());
  first.reset();
  EXPECT_TRUE(world.semaphore.try_acquire());
}

TEST(Semaphore, a_loop_destroyed_under_those_who_wait_is_safe) {
  auto world = std::make_unique<World>();
  for (int i = 0; i < 5; ++i) world->scope.spawn(enter(world.get(), i, 1h));
  while (world->semaphore.waiting() < 3) world->io.run_one();
  world.reset();  // the sanitizers are the judge
}

}  // namespace
}  // namespace abo::runtime
