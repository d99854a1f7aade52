#include "controllers/postponed_work.h"

#include <gtest/gtest.h>

namespace abo::controllers {
namespace {

using std::chrono::milliseconds;

WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

checkpoint::Postponed postponed(std::string name, WallTime retry_at, Reason reason = Reason::QuotaExceeded) {
  checkpoint::Postponed out;
  out.blob = {.name = name, .etag = "0x1", .last_modified = ServiceTime{std::chrono::seconds{1}}};
  out.attempts = 2;
  out.retry_at = retry_at;
  out.reason = reason;
  return out;
}

const checkpoint::Identity me{"uid", "https://a/c"};

TEST(PostponedWork, is_due_when_its_time_has_come) {
  checkpoint::Checkpoint known;
  known.postponed = {postponed("later", at(110)), postponed("now", at(100)),
                     postponed("copy", at(0), Reason::CopyPending)};
  auto work = due_work(known, {}, me, at(100));
  ASSERT_EQ(work.size(), 1u);
  EXPECT_EQ(work[0].candidate.blob.name, "now");
  EXPECT_EQ(work[0].attempts, 2u);
  EXPECT_EQ(next_due(known, at(100)), milliseconds{0});
  known.postponed.erase(known.postponed.begin() + 1);
  EXPECT_EQ(next_due(known, at(100)), milliseconds{10'000});
}

TEST(PostponedWork, does_not_believe_a_clock_that_was_ahead) {
  checkpoint::Checkpoint known;
  known.postponed = {postponed("a", at(100'000))};
  EXPECT_EQ(due_work(known, {}, me, at(100)).size(), 1u);
}

TEST(PostponedWork, takes_up_copies_that_are_complete_in_order) {
  checkpoint::Checkpoint known;
  known.postponed = {postponed("b", at(0))};
  checkpoint::Selection selection;
  selection.copied.push_back({postponed("a", at(0)).blob, {}});
  auto work = due_work(known, selection, me, at(100));
  ASSERT_EQ(work.size(), 2u);
  EXPECT_EQ(work[0].candidate.blob.name, "a");
}

TEST(PostponedWork, that_waits_for_a_copy_is_no_failure) {
  checkpoint::Checkpoint known;
  known.postponed = {postponed("copy", at(0), Reason::CopyPending)};
  EXPECT_EQ(first_failing(known), nullptr);
  EXPECT_FALSE(next_due(known, at(100)));
  known.postponed.push_back(postponed("a", at(0)));
  EXPECT_EQ(first_failing(known)->blob.name, "a");
}

}  // namespace
}  // namespace abo::controllers
