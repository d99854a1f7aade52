// The promise of docs/exactly-once.md, held against random worlds and against every course of a small one. A longer run,
// and other seeds: `make model`, or
//   ABO_MODEL_SEED=7 ABO_MODEL_WORLDS=100000 build/dev/tests/model/model_test --gtest_filter='Model.*'
// A world that breaks a law is told by its seed and as a story of the few steps that matter;
// `build/dev/tests/model/model-search random --seed N --worlds 1` tells it again.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/model/exhaustive.h"
#include "tests/model/oracle.h"
#include "tests/model/random_search.h"
#include "tests/model/small_worlds.h"

namespace abo::model {
namespace {

std::uint64_t setting(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : usual;
}

TEST(Model, creates_every_version_once_whatever_happens) {
  auto searched = search(Mutant::None, setting("ABO_MODEL_SEED", 1), setting("ABO_MODEL_WORLDS", 6000));
  fmt::print(
      "{} worlds, {} steps, {} creations, {} of blobs that were gone in the end, {} met the known limit\n",
      searched.worlds, searched.steps, searched.creations, searched.promises, searched.limits);
  if (searched.found) FAIL() << story(shrink(*searched.found));
  EXPECT_GT(searched.creations, searched.worlds) << "the worlds are not empty";
  EXPECT_LE(searched.limits, searched.worlds / 1000) << "little is excused";
  EXPECT_GT(searched.promises, searched.worlds / 4) << "and what is gone in the end is judged";
}

std::string name_of(const Bounds& b) {
  return fmt::format("ticks_{}_blobs_{}_existing_{}_writes_{}_stops_{}_crashes_{}_exits_{}_lost_answers_{}",
                     b.ticks, b.blobs, b.existing, b.writes, b.stops, b.crashes, b.retires, b.lost_answers);
}

// Every course of a small world, within these bounds; larger ones are `make model`.
struct SmallWorld : testing::TestWithParam<Bounds> {};

TEST_P(SmallWorld, breaks_no_law_on_any_course) {
  Explored explored = explore(Mutant::None, GetParam());
  fmt::print(
      "{} states, {} steps, {} finalizers went, {} objects were deleted, {} brought to rest, {} times at the "
      "known limit\n",
      explored.states, explored.steps, explored.releases, explored.deletions, explored.rests,
      explored.limits);
  EXPECT_TRUE(explored.complete);
  EXPECT_EQ(explored.violation, "") << explored.story;
  const Bounds& bounds = GetParam();
  if (bounds.stops + bounds.crashes + bounds.retires == 0)
    EXPECT_EQ(explored.limits, 0U) << "a sender that lives is not excused";
  // Or a whole part of the protocol would only be seen on the one course that everything comes to rest by.
  bool lets_go = GetParam().ticks > finalizer_stays;
  EXPECT_EQ(lets_go, explored.releases > 0);
  EXPECT_EQ(lets_go, explored.deletions > 0);
}

std::string name_of_info(const testing::TestParamInfo<Bounds>& info) {
  return name_of(info.param);
}

// Three seconds: nothing that was made is let go before everything comes to rest.
INSTANTIATE_TEST_SUITE_P(
    Short, SmallWorld,
    testing::Values(
        Bounds{.writes = 3, .stops = 0, .crashes = 1, .retires = 0, .lost_answers = 0},
        Bounds{.writes = 3, .stops = 0, .crashes = 0, .retires = 1, .lost_answers = 0},
        Bounds{.writes = 1, .stops = 1, .crashes = 0, .retires = 0, .lost_answers = 0},
        Bounds{.existing = 2, .writes = 0, .stops = 1, .crashes = 1, .retires = 0, .lost_answers = 1}),
    name_of_info);

// Five or six: finalizers go, objects are deleted, and their names are free for whoever still wants them.
INSTANTIATE_TEST_SUITE_P(
    Long, SmallWorld,
    testing::Values(
        takeover_and_release, creation_is_given_up_on,
        Bounds{.ticks = 6,
               .blobs = 2,
               .existing = 2,
               .writes = 0,
               .stops = 1,
               .crashes = 0,
               .retires = 0,
               .lost_answers = 0},
        Bounds{.ticks = 5,
               .blobs = 1,
               .existing = 1,
               .writes = 1,
               .stops = 1,
               .crashes = 0,
               .retires = 0,
               .lost_answers = 0},
        Bounds{.ticks = 6, .blobs = 1, .existing = 1, .writes = 1, .stops = 0, .crashes = 1, .retires = 0},
        Bounds{.ticks = 6,
               .blobs = 2,
               .existing = 2,
               .writes = 1,
               .stops = 0,
               .crashes = 0,
               .retires = 1,
               .lost_answers = 0},
        Bounds{.ticks = 6, .writes = 1, .stops = 0, .crashes = 1, .retires = 0, .lost_answers = 0}),
    name_of_info);

// The limit that the search excuses is real, and met in a world that passes, by a sender that is killed.
TEST(KnownLimit, of_two_names_is_met) {
  Explored excused = explore(Mutant::None, creation_is_slow);
  EXPECT_EQ(excused.violation, "") << excused.story;
  EXPECT_GT(excused.limits, 0U);
  Explored counted = explore(Mutant::LimitNotExcused, creation_is_slow);
  EXPECT_EQ(law(counted.violation), "created twice");
}

}  // namespace

// Or GoogleTest shows the bytes.
void PrintTo(const Bounds& bounds, std::ostream* out) {
  *out << name_of(bounds);
}

}  // namespace abo::model
