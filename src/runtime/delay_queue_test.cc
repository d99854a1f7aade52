#include "runtime/delay_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>

namespace abo::runtime {
namespace {

MonoTime at(int tick) {
  return MonoTime(std::chrono::nanoseconds(tick));
}

TEST(DelayQueue, gives_ids_when_they_are_due_and_not_before) {
  DelayQueue queue;
  queue.reschedule(1, at(10));
  queue.reschedule(2, at(5));
  EXPECT_EQ(queue.next_due(), at(5));
  EXPECT_EQ(queue.pop_due(at(4)), std::nullopt);
  EXPECT_EQ(queue.pop_due(at(10)), 2U);
  EXPECT_EQ(queue.pop_due(at(10)), 1U);
  EXPECT_EQ(queue.pop_due(at(99)), std::nullopt);
  EXPECT_EQ(queue.next_due(), std::nullopt);
}

TEST(DelayQueue, holds_an_id_once_at_the_time_given_last) {
  DelayQueue queue;
  queue.reschedule(1, at(10));
  queue.reschedule(1, at(5));
  EXPECT_EQ(queue.next_due(), at(5));
  queue.reschedule(1, at(30));
  EXPECT_EQ(queue.next_due(), at(30));
  EXPECT_EQ(queue.size(), 1U);
}

// Any sequence of operations, against a map that is searched from end to end.
TEST(DelayQueue, behaves_as_the_obvious_map_does) {
  EXPECT_TRUE(rc::check([] {
    DelayQueue queue;
    std::map<DelayQueue::Id, MonoTime> oracle;
    const auto steps = *rc::gen::container<std::vector<std::tuple<int, int, int>>>(
        rc::gen::tuple(rc::gen::inRange(0, 3), rc::gen::inRange(0, 20), rc::gen::inRange(0, 40)));
    for (const auto& [what, number, tick] : steps) {
      const auto id = static_cast<DelayQueue::Id>(number);
      if (what == 0) {
        queue.reschedule(id, at(tick));
        oracle[id] = at(tick);
      } else if (what == 1) {
        RC_ASSERT(queue.erase(id) == (oracle.erase(id) == 1));
      } else {
        const auto first = std::ranges::min_element(oracle, {}, [](const auto& row) { return row.second; });
        const bool due = first != oracle.end() && first->second <= at(tick);
        const auto popped = queue.pop_due(at(tick));
        RC_ASSERT(popped.has_value() == due);
        if (popped) {
          RC_ASSERT(oracle.at(*popped) == first->second);
          oracle.erase(*popped);
        }
      }
      RC_ASSERT(queue.size() == oracle.size());
      const auto first = std::ranges::min_element(oracle, {}, [](const auto& row) { return row.second; });
      RC_ASSERT(queue.next_due() == (first == oracle.end() ? std::nullopt : std::optional(first->second)));
    }
  }));
}

}  // namespace
}  // namespace abo::runtime
