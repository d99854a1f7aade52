#include "controllers/held_runs.h"

#include <gtest/gtest.h>

#include "checkpoint/candidates.h"
#include "checkpoint/replay.h"

namespace abo::controllers {
namespace {

constexpr std::string_view uid = "uid";

ServiceTime at(std::int64_t seconds) {
  return ServiceTime{std::chrono::seconds{seconds}};
}

checkpoint::Checkpoint known_until(std::string source, std::int64_t seconds) {
  checkpoint::Checkpoint c;
  c.source = std::move(source);
  c.move_cursor(checkpoint::end_of(at(seconds)));
  return c;
}

HeldRun run(std::string_view source, std::string name, std::int64_t seconds) {
  HeldRun out;
  out.name = "job-" + name;
  out.blob = {.name = name, .etag = "0x1", .last_modified = at(seconds)};
  out.trigger_key = TriggerKey::of(uid, source, name, "0x1").hex();
  return out;
}

TEST(HeldRuns, are_recorded_when_the_checkpoint_knows_them) {
  auto c = known_until("A", 10);
  auto left = recorded(c, uid, {run("A", "old", 10), run("A", "new", 11)});
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].name, "job-old");
}

TEST(HeldRuns, of_the_container_before_are_looked_up_there_and_not_under_the_new_ones_cursor) {
  auto c = checkpoint::move_to(known_until("A", 10), known_until("B", 100));
  ASSERT_TRUE(c);
  auto left = recorded(*c, uid, {run("A", "done", 10), run("A", "unknown", 50), run("B", "done", 50)});
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[0].blob.last_modified, at(10));
  EXPECT_EQ(left[1].blob.last_modified, at(50));
  EXPECT_EQ(left[1].trigger_key, run("B", "done", 50).trigger_key);
}

TEST(HeldRuns, of_a_container_that_nobody_remembers_may_go) {
  EXPECT_EQ(recorded(known_until("A", 10), uid, {run("forgotten", "x", 99)}).size(), 1u);
}

// A Job of a version from before a replay, and one of the replay.
TEST(HeldRuns, of_before_a_replay_may_go_and_prove_nothing_about_it) {
  auto before = known_until("A", 10);
  auto c = *checkpoint::replay(before, at(5));
  HeldRun old = run("A", "x", 7), replayed = old, kept = run("A", "y", 4);
  replayed.trigger_key = identity_of(c, std::string(uid)).key_of(listing::view(old.blob)).hex();
  ASSERT_NE(old.trigger_key, replayed.trigger_key);
  EXPECT_EQ(recorded(c, uid, {old, replayed, kept}).size(), 2u);
  EXPECT_TRUE(record(c, uid, {old, kept}).empty());
  EXPECT_EQ(record(c, uid, {replayed}).size(), 1u);
  EXPECT_TRUE(knows_all(c, uid, {replayed, kept}));
}

TEST(HeldRuns, of_a_replay_are_not_let_go_by_a_checkpoint_from_before_it) {
  auto before = known_until("A", 10);
  auto c = *checkpoint::replay(before, at(5));
  HeldRun replayed = run("A", "x", 7);
  replayed.trigger_key = identity_of(c, std::string(uid)).key_of(listing::view(replayed.blob)).hex();
  EXPECT_FALSE(knows_all(before, uid, {replayed}));
  EXPECT_TRUE(knows_all(before, uid, {run("A", "x", 7)}));
}

}  // namespace
}  // namespace abo::controllers
