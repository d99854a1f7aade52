// The test of the tests: every deliberate error of the protocol is caught, by the random search or by every course of a
// small world, and for its own sake. It must break the law that it is an error against, not any; and where it is
// caught the protocol itself is held to the same: the very choices that undid the mutant are played again without it, or
// the same small world is one that SmallWorld (model_test.cc) tries on every course. What it prints says how.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/model/exhaustive.h"
#include "tests/model/oracle.h"
#include "tests/model/random_search.h"
#include "tests/model/small_worlds.h"

namespace abo::model {
namespace {

constexpr std::uint64_t worlds = 8000;

constexpr std::string_view twice = "created twice";
constexpr std::string_view missed = "never created";
constexpr std::string_view not_replayed = "not replayed";
constexpr std::string_view too_often = "created too often";

// What each error leads to. A mutant of this list that only ever broke another law would be a mistake in the model.
std::string_view law_broken_by(Mutant mutant) {
  switch (mutant) {
    // Something counts as done that is not.
    case Mutant::CheckpointBeforeCreate:
    case Mutant::CursorIsNewestModified:
    case Mutant::LocalClock:
    case Mutant::AnyConflictIsSuccess:
    case Mutant::UnfinishedSweepMovesCursor:
    case Mutant::ForeignObjectAdopted:
    case Mutant::KeyWithoutETag:
    case Mutant::NoSettleMargin:
    case Mutant::PostponedDropped:
    case Mutant::TruncatedMovesCursor:
    case Mutant::ReplayForgetsWhatWaits:
    case Mutant::ReplayPassesOverWhatWaits:
    case Mutant::OneBatchAPass:
      return missed;
    case Mutant::ReplayKeepsKeys:
      return not_replayed;
    // Something that is done is forgotten, or its name is free too early.
    case Mutant::NoFinalizer:
    case Mutant::FinalizerBeforeCheckpoint:
    case Mutant::CachedCheckpoint:
    case Mutant::NoResourceVersion:
    case Mutant::OverwritesOtherCheckpoint:
    case Mutant::GoneHolderIsFree:
    case Mutant::OtherNameAfterUnknown:
    case Mutant::NoWaitForOtherName:
    case Mutant::NoSweepAtStart:
    case Mutant::ReleaseWithoutRecording:
    case Mutant::NoRecordingHold:
    case Mutant::NoLeaseCheckAtSend:
    case Mutant::LeadsAgainInOneBreath:
    case Mutant::NotCurrentBeforeCreate:
    case Mutant::RecentKeysDroppedEarly:
    case Mutant::ReplayForgetsAllKeys:
    case Mutant::LimitNotExcused:
      return twice;
    // Once before a replay and once by it, although it landed after the wish.
    case Mutant::ReplayWishNotCompared:
      return too_often;
    case Mutant::None:
      return {};
  }
  return {};
}

// These need a certain order of ten steps, most of them a leader that stands still and a successor that works: the
// exhaustive search has them at once. SmallWorld tries these worlds too.
const Bounds* needs_every_course(Mutant mutant) {
  if (mutant == Mutant::NoWaitForOtherName) return &creation_is_given_up_on;
  bool takes_over = mutant == Mutant::NoRecordingHold || mutant == Mutant::GoneHolderIsFree ||
                    mutant == Mutant::LeadsAgainInOneBreath;
  return takes_over ? &takeover_and_release : nullptr;
}

struct Mutants : testing::TestWithParam<int> {};

TEST_P(Mutants, are_caught) {
  auto mutant = static_cast<Mutant>(GetParam());
  std::string_view wanted = law_broken_by(mutant);
  if (const Bounds* bounds = needs_every_course(mutant)) {
    Explored explored = explore(mutant, *bounds);
    fmt::print("{}: {}; after {} states of a small world\n", to_string(mutant), explored.violation,
               explored.states);
    EXPECT_EQ(law(explored.violation), wanted) << explored.story;
    return;
  }
  Searched searched = search(mutant, 1, worlds, wanted);
  ASSERT_TRUE(searched.found) << to_string(mutant) << ": not " << wanted << " in " << worlds << " worlds";
  fmt::print("{}: {}; after {} random worlds\n", to_string(mutant), searched.found->violation,
             searched.worlds);
  EXPECT_EQ(replay(*searched.found, mutant), searched.found->violation);
  EXPECT_EQ(replay(*searched.found, Mutant::None), "") << "it is not the mutant that is caught";
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
