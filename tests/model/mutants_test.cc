// The test of the tests: every deliberate error of the protocol is caught, by the random search or by every course of a
// small world, with a budget that the protocol itself passes (model_test.cc). What it prints says how.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/exhaustive.h"
#include "tests/model/random_search.h"

namespace abo::model {
namespace {

constexpr std::uint64_t worlds = 8000;

// These need a leader that stands still, a successor that works, and a certain order of ten steps: the exhaustive search
// has them at once.
std::optional<Bounds> small_world_for(Mutant mutant) {
  constexpr Bounds two_leaders{
      .ticks = 6, .existing = 2, .writes = 0, .crashes = 0, .retires = 1, .lost_answers = 0};
  for (Mutant one : {Mutant::NoRecordingHold, Mutant::GoneHolderIsFree, Mutant::LeadsAgainInOneBreath}) {
    if (one == mutant) return two_leaders;
  }
  return std::nullopt;
}

struct Mutants : testing::TestWithParam<int> {};

TEST_P(Mutants, are_caught) {
  auto mutant = static_cast<Mutant>(GetParam());
  if (auto bounds = small_world_for(mutant)) {
    Explored explored = explore(mutant, *bounds);
    fmt::print("{}: {}; after {} states of a small world\n", to_string(mutant), explored.violation,
               explored.states);
    EXPECT_NE(explored.violation, "");
    return;
  }
  Searched searched = search(mutant, 1, worlds);
  ASSERT_TRUE(searched.found) << to_string(mutant) << " was not caught in " << worlds << " worlds";
  fmt::print("{}: {}; after {} random worlds\n", to_string(mutant), searched.found->violation,
             searched.worlds);
}

INSTANTIATE_TEST_SUITE_P(, Mutants, testing::Range(1, static_cast<int>(last_mutant) + 1),
                         [](const auto& info) {
                           std::string name(to_string(static_cast<Mutant>(info.param)));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// A schedule that breaks a law is told by the few steps that matter.
TEST(Shrinking, leaves_only_what_is_needed) {
  Searched searched = search(Mutant::ReleaseWithoutRecording, 1, worlds);
  ASSERT_TRUE(searched.found);
  Found few = shrink(*searched.found);
  EXPECT_LT(few.schedule.size(), searched.found->schedule.size());
  EXPECT_NE(few.violation, "");
  Found again = shrink(few);
  EXPECT_EQ(again.schedule, few.schedule) << story(few);
}

}  // namespace
}  // namespace abo::model
