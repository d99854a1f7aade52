#include "controllers/poll_admission.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <vector>

namespace abo::controllers {
namespace {

TEST(PollAdmission, keeps_a_hanging_account_from_delaying_the_others) {
  PollAdmission admission({.in_all = 64, .per_account = 4});
  for (RowId id = 0; id < 100; ++id) admission.enqueue(id, "hangs");
  admission.enqueue(1000, "works");
  std::vector<RowId> started;
  while (auto id = admission.next()) started.push_back(id->row);
  EXPECT_EQ(started.size(), 5u);
  EXPECT_NE(std::find(started.begin(), started.end(), 1000u), started.end());
}

TEST(PollAdmission, lets_accounts_take_turns) {
  PollAdmission admission({.in_all = 3, .per_account = 2});
  for (RowId id = 0; id < 4; ++id) admission.enqueue(id, "a");
  admission.enqueue(10, "b");
  EXPECT_EQ(admission.next()->row, 0u);
  EXPECT_EQ(admission.next()->row, 10u);
  EXPECT_EQ(admission.next()->row, 1u);
  EXPECT_FALSE(admission.next());
}

TEST(PollAdmission, gives_a_lane_back_under_the_name_it_was_taken_under) {
  PollAdmission admission({.in_all = 64, .per_account = 1});
  admission.enqueue(1, "a");
  admission.enqueue(2, "a");
  auto first = admission.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->account, "a");
  EXPECT_FALSE(admission.next());
  admission.finished(*first);
  EXPECT_EQ(admission.next()->row, 2u);
}

RC_GTEST_PROP(PollAdmission, runs_everything_once_and_never_too_much, ()) {
  PollAdmission::Limits limits{.in_all = 5, .per_account = 2};
  PollAdmission admission(limits);
  std::map<RowId, std::string> account_of;
  std::vector<PollAdmission::Admitted> running;
  std::vector<RowId> done;
  RowId next_id = 0;
  auto start_all = [&] {
    while (auto id = admission.next()) running.push_back(*id);
    std::map<std::string, std::size_t> count;
    for (const auto& one : running) ++count[one.account];
    RC_ASSERT(running.size() <= limits.in_all);
    for (auto& [name, n] : count) RC_ASSERT(n <= limits.per_account);
  };
  for (int step = *rc::gen::inRange(0, 60); step > 0; --step) {
    if (*rc::gen::inRange(0, 3) != 0 || running.empty()) {
      account_of[next_id] = std::string(1, static_cast<char>('a' + *rc::gen::inRange(0, 4)));
      admission.enqueue(next_id, account_of[next_id]);
      ++next_id;
    } else {
      auto at =
          running.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(running.size()));
      admission.finished(*at);
      done.push_back(at->row);
      running.erase(at);
    }
    start_all();
  }
  while (!running.empty()) {
    admission.finished(running.back());
    done.push_back(running.back().row);
    running.pop_back();
    start_all();
  }
  std::sort(done.begin(), done.end());
  RC_ASSERT(done.size() == next_id);
  RC_ASSERT(std::unique(done.begin(), done.end()) == done.end());
}

}  // namespace
}  // namespace abo::controllers
