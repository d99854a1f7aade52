// The promise of docs/exactly-once.md, held against random worlds and against every course of a small one. A longer run,
// and other seeds: `make model`, or
//   ABO_MODEL_SEED=7 ABO_MODEL_WORLDS=100000 build/dev/tests/model/model_test --gtest_filter='Model.*'
// A world that breaks a law is told by its seed and as a story of the few steps that matter;
// `build/dev/tests/model/model-search random --seed N --worlds 1` tells it again.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/model/exhaustive.h"
#include "tests/model/random_search.h"

namespace abo::model {
namespace {

std::uint64_t setting(const char* name, std::uint64_t usual) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : usual;
}

TEST(Model, creates_every_version_once_whatever_happens) {
  auto searched = search(Mutant::None, setting("ABO_MODEL_SEED", 1), setting("ABO_MODEL_WORLDS", 6000));
  fmt::print("{} worlds, {} steps, {} creations, {} met the known limit\n", searched.worlds, searched.steps,
             searched.creations, searched.limits);
  if (searched.found) FAIL() << story(shrink(*searched.found));
  EXPECT_GT(searched.creations, searched.worlds) << "the worlds are not empty";
}

std::string name_of(const Bounds& b) {
  return fmt::format("ticks_{}_blobs_{}_writes_{}_stops_{}_crashes_{}_exits_{}_lost_answers_{}_edits_{}",
                     b.ticks, b.existing, b.writes, b.stops, b.crashes, b.retires, b.lost_answers, b.edits);
}

// Every course of a small world, within these bounds. The whole product of all of them at once is `make model`.
struct SmallWorld : testing::TestWithParam<Bounds> {};

TEST_P(SmallWorld, breaks_no_law_on_any_course) {
  Explored explored = explore(Mutant::None, GetParam());
  fmt::print("{} states, {} steps, {} brought to rest, {} times at the known limit\n", explored.states,
             explored.steps, explored.rests, explored.limits);
  EXPECT_TRUE(explored.complete);
  EXPECT_EQ(explored.violation, "") << explored.story;
}

INSTANTIATE_TEST_SUITE_P(
    , SmallWorld,
    testing::Values(
        Bounds{.writes = 3, .stops = 0, .crashes = 1, .retires = 0, .lost_answers = 0},
        Bounds{.writes = 3, .stops = 0, .crashes = 0, .retires = 1, .lost_answers = 0},
        Bounds{.writes = 1, .stops = 1, .crashes = 0, .retires = 0, .lost_answers = 0},
        Bounds{.existing = 2, .writes = 0, .stops = 1, .crashes = 1, .retires = 0, .lost_answers = 1},
        Bounds{.ticks = 5,
               .existing = 2,
               .writes = 0,
               .stops = 1,
               .crashes = 0,
               .retires = 1,
               .lost_answers = 0}),
    [](const auto& info) { return name_of(info.param); });

}  // namespace

// Or GoogleTest shows the bytes.
void PrintTo(const Bounds& bounds, std::ostream* out) {
  *out << name_of(bounds);
}

}  // namespace abo::model
