#include "controllers/held_runs.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace abo::controllers
