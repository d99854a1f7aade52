#include "controllers/poll_admission.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace abo::controllers {
namespace {

TEST(PollAdmission, keeps_a_hanging_account_from_delaying_the_others) {
  PollAdmission admission({.in_all = 64, .per_account = 4});
  for (RowId id = 0; id < 100; ++id) admission.enqueue(id, "hangs", Pace::Quick);
  admission.enqueue(1000, "works", Pace::Quick);
  std::vector<RowId> started;
  while (auto id = admission.next()) started.push_back(id->row);
  EXPECT_EQ(started.size(), 5u);
  EXPECT_NE(std::find(started.begin(), started.end(), 1000u), started.end());
}

TEST(PollAdmission, lets_accounts_take_turns) {
  PollAdmission admission({.in_all = 3, .per_account = 2});
  for (RowId id = 0; id < 4; ++id) admission.enqueue(id, "a", Pace::Quick);
  admission.enqueue(10, "b", Pace::Quick);
  EXPECT_EQ(admission.next()->row, 0u);
  EXPECT_EQ(admission.next()->row, 10u);
  EXPECT_EQ(admission.next()->row, 1u);
  EXPECT_FALSE(admission.next());
}

TEST(PollAdmission, gives_a_lane_back_under_the_name_it_was_taken_under) {
  PollAdmission admission({.in_all = 64, .per_account = 1});
  admission.enqueue(1, "a", Pace::Quick);
  admission.enqueue(2, "a", Pace::Quick);
  auto first = admission.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->account, "a");
  EXPECT_FALSE(admission.next());
  admission.finished(*first);
  EXPECT_EQ(admission.next()->row, 2u);
}

TEST(PollAdmission, keeps_lanes_for_the_quick_while_unknown_and_slow_ones_of_the_account_hang) {
  PollAdmission admission({.in_all = 64, .per_account = 4, .slow_per_account = 8});
  for (RowId id = 0; id < 100; ++id) admission.enqueue(id, "a", id % 2 == 0 ? Pace::Unknown : Pace::Slow);
  std::size_t started = 0;
  while (admission.next()) ++started;
  EXPECT_EQ(started, 4u + 8u);
  admission.enqueue(1000, "a", Pace::Quick);
  auto quick = admission.next();
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->row, 1000u);
}

TEST(PollAdmission, gives_the_lane_of_what_turned_slow_to_the_next_and_says_when_there_are_too_many) {
  PollAdmission admission({.in_all = 64, .per_account = 1, .slow_per_account = 2});
  for (RowId id = 0; id < 4; ++id) admission.enqueue(id, "a", Pace::Unknown);
  std::vector<PollAdmission::Admitted> running;
  std::vector<bool> fit;
  while (auto one = admission.next()) {
    running.push_back(*one);
    fit.push_back(admission.turned_slow(running.back(), "a"));
    EXPECT_EQ(running.back().pace, Pace::Slow);
  }
  EXPECT_EQ(fit, (std::vector{true, true, false, false}));
  admission.enqueue(10, "a", Pace::Slow);
  admission.finished(running[2]);
  admission.finished(running[3]);
  EXPECT_FALSE(admission.next());
  admission.finished(running[0]);
  EXPECT_EQ(admission.next()->row, 10u);
}

TEST(PollAdmission, forgets_what_was_withdrawn) {
  PollAdmission admission({.in_all = 64, .per_account = 1});
  admission.enqueue(1, "a", Pace::Slow);
  admission.enqueue(2, "b", Pace::Slow);
  admission.withdraw(1);
  admission.withdraw(7);
  EXPECT_EQ(admission.next()->row, 2u);
  EXPECT_FALSE(admission.next());
  admission.enqueue(1, "a", Pace::Unknown);
  EXPECT_EQ(admission.next()->row, 1u);
}

RC_GTEST_PROP(PollAdmission, runs_everything_once_and_never_too_much, ()) {
  PollAdmission::Limits limits{.in_all = 5, .per_account = 2, .slow_per_account = 3};
  PollAdmission admission(limits);
  std::vector<PollAdmission::Admitted> running;
  std::vector<RowId> done;
  std::set<RowId> withdrawn;
  RowId next_id = 0;
  auto start_all = [&] {
    std::map<std::pair<std::string, Pace>, std::size_t> count;
    std::map<Pace, std::size_t> of_pace;
    auto note = [&](const PollAdmission::Admitted& one) {
      ++of_pace[one.pace];
      return ++count[{one.account, one.pace}];
    };
    for (const auto& one : running) note(one);
    while (auto one = admission.next()) {
      running.push_back(*one);
      RC_ASSERT(!withdrawn.contains(one->row));
      std::size_t of_account = note(*one);
      RC_ASSERT(of_account <= (one->pace == Pace::Slow ? limits.slow_per_account : limits.per_account));
      RC_ASSERT(of_pace[one->pace] <= limits.in_all);
    }
  };
  auto any_running = [&] {
    return running.begin() +
           *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(running.size()));
  };
  for (int step = *rc::gen::inRange(0, 80); step > 0; --step) {
    int what = *rc::gen::inRange(0, 6);
    if (what == 0 && next_id > 0) {
      RowId row = *rc::gen::inRange<RowId>(0, next_id);
      bool has_run = std::ranges::find(done, row) != done.end() ||
                     std::ranges::find(running, row, &PollAdmission::Admitted::row) != running.end();
      admission.withdraw(row);
      if (!has_run) withdrawn.insert(row);
    } else if (what == 1 && !running.empty()) {
      auto at = any_running();
      if (at->pace != Pace::Slow)
        static_cast<void>(admission.turned_slow(*at, *rc::gen::arbitrary<bool>() ? at->account : "b"));
    } else if (what == 2 && !running.empty()) {
      auto at = any_running();
      admission.finished(*at);
      done.push_back(at->row);
      running.erase(at);
    } else {
      admission.enqueue(next_id++, std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 4))),
                        *rc::gen::element(Pace::Unknown, Pace::Quick, Pace::Slow));
    }
    start_all();
  }
  while (!running.empty()) {
    admission.finished(running.back());
    done.push_back(running.back().row);
    running.pop_back();
    start_all();
  }
  std::ranges::sort(done);
  RC_ASSERT(done.size() + withdrawn.size() == next_id);
  RC_ASSERT(std::ranges::adjacent_find(done) == done.end());
}

}  // namespace
}  // namespace abo::controllers
