#include "checkpoint/replay.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "checkpoint/advance.h"
#include "checkpoint/candidates.h"

namespace abo::checkpoint {
namespace {

ServiceTime at(std::int64_t seconds) {
  return ServiceTime{std::chrono::seconds{seconds}};
}

listing::BlobItem blob(std::string name, std::int64_t seconds, std::string etag = "0x1") {
  return {.name = std::move(name), .etag = std::move(etag), .last_modified = at(seconds), .size = 1};
}

TriggerKey key(const Checkpoint& c, const listing::BlobItem& b) {
  return identity_of(c, "uid").key_of(listing::view(b));
}
bool is_done(const Checkpoint& c, const listing::BlobItem& b) {
  return c.is_done(key(c, b), listing::view(b));
}
void mark_done(Checkpoint& c, const listing::BlobItem& b) {
  c.mark_done(key(c, b), listing::view(b));
}
Checkpoint settled_at(std::int64_t seconds) {
  Checkpoint c;
  c.source = "https://a.blob.core.windows.net/c";
  c.move_cursor(end_of(at(seconds)));
  return c;
}

TEST(Replay, makes_due_again_what_was_done_since_then_and_nothing_else) {
  Checkpoint c = settled_at(100);
  auto before = blob("before", 49), first = blob("first", 50), settled = blob("settled", 90),
       recent = blob("recent", 110);
  mark_done(c, recent);
  auto next = replay(c, at(50));
  ASSERT_TRUE(next);
  EXPECT_TRUE(is_done(*next, before));
  for (auto& b : {first, settled, recent}) EXPECT_FALSE(is_done(*next, b)) << b.name;
}

TEST(Replay, of_a_later_time_than_the_cursors_passes_over_nothing_and_forgets_nothing) {
  Checkpoint c = settled_at(100);
  auto waiting = blob("waiting", 110), done = blob("done", 110), again = blob("again", 130);
  mark_done(c, done);
  mark_done(c, again);
  auto next = replay(c, at(120));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->cursor, c.cursor);
  EXPECT_FALSE(is_done(*next, waiting));
  EXPECT_TRUE(is_done(*next, done)) << "before the replay's time: it was triggered, and stays so";
  EXPECT_FALSE(is_done(*next, again));
}

TEST(Replay, gives_other_keys_to_what_it_covers_alone) {
  Checkpoint c = settled_at(100);
  auto before = blob("b", 49), since = blob("b", 50);
  auto next = replay(c, at(50));
  EXPECT_EQ(key(*next, before), key(c, before));
  EXPECT_NE(key(*next, since), key(c, since));
  auto third = replay(*next, at(60));
  EXPECT_EQ(key(*third, since), key(*next, since)) << "still of the earlier replay";
  EXPECT_NE(key(*third, blob("b", 60)), key(*next, blob("b", 60)));
}

TEST(Replay, keeps_what_waits) {
  Checkpoint c = settled_at(100);
  Postponed old{blob("old", 20), 3, true, {}, Reason::QuotaExceeded, "no", WallTime::max()};
  Postponed covered{blob("covered", 80), 3, true, {}, Reason::QuotaExceeded, "no", WallTime::max()};
  c.postponed = {old, covered};
  auto next = replay(c, at(50));
  ASSERT_EQ(next->postponed.size(), 2u) << "the blobs may be gone by now";
  EXPECT_EQ(next->postponed[0], old);
  EXPECT_EQ(key(*next, old.blob), key(c, old.blob));
  // No request was made under the new key.
  EXPECT_FALSE(next->postponed[1].fallback);
  EXPECT_EQ(next->postponed[1].under_way_until, WallTime{});
  EXPECT_FALSE(is_done(*next, covered.blob));
}

TEST(Replay, of_a_time_that_is_remembered_does_nothing) {
  auto first = replay(settled_at(100), at(50));
  auto second = replay(*first, at(60));
  ASSERT_TRUE(second);
  EXPECT_FALSE(replay(*second, at(60)));
  EXPECT_FALSE(replay(*second, at(50))) << "an earlier one that comes back";
}

TEST(Replay, forgets_the_oldest_when_there_are_too_many) {
  Checkpoint c = settled_at(1000);
  for (std::size_t i = 0; i < 3 * Replays::capacity; ++i) {
    auto next = replay(c, at(static_cast<std::int64_t>(i)));
    ASSERT_TRUE(next);
    c = std::move(*next);
    c.move_cursor(end_of(at(1000)));
  }
  EXPECT_EQ(c.replays.size(), Replays::capacity);
  EXPECT_FALSE(c.replays.contains(at(1)));
}

TEST(Replay, does_not_begin_while_one_that_it_would_push_out_has_work) {
  Checkpoint c = settled_at(0);
  for (std::size_t i = 0; i < Replays::capacity; ++i) c = *replay(c, at(10 + static_cast<std::int64_t>(i)));
  EXPECT_FALSE(replay(c, at(100))) << "the cursor has passed none of them";
  EXPECT_TRUE(replay(c, at(5))) << "it covers all the others";
  Postponed waits{blob("w", 10), 1, false, {}, Reason::QuotaExceeded, "no"};
  c.move_cursor(start_of(at(12)));
  auto next = replay(c, at(100));
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->replays.contains(at(10)));
  c.postponed = {waits};
  next = replay(c, at(100));
  ASSERT_TRUE(next);
  EXPECT_TRUE(next->replays.contains(at(10))) << "a blob of it waits";
  EXPECT_FALSE(next->replays.contains(at(11)));
  EXPECT_EQ(key(*next, waits.blob), key(c, waits.blob));
}

TEST(Replay, is_remembered_by_the_container_it_was_of) {
  Checkpoint a = *replay(settled_at(100), at(50));
  Checkpoint other = settled_at(0);
  other.source = "https://a.blob.core.windows.net/other";
  auto there = move_to(a, other);
  EXPECT_TRUE(there->replays.empty());
  Checkpoint fresh;
  fresh.source = a.source;
  auto back = move_to(*there, fresh);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->replays, a.replays);
  EXPECT_EQ(back->cursor, a.cursor);
}

// Against the slowest oracle: what is done is a set of (version, replay it belongs to).
RC_GTEST_PROP(Replay, of_any_kind_keeps_what_it_does_not_cover_and_makes_due_what_it_covers, ()) {
  auto second = rc::gen::inRange<std::int64_t>(0, 40);
  Checkpoint c = settled_at(*second);
  std::vector<listing::BlobItem> blobs;
  for (int i = 0; i < 12; ++i) blobs.push_back(blob("b" + std::to_string(i), *second));
  for (auto& b : blobs) {
    if (*rc::gen::inRange(0, 3) == 0) mark_done(c, b);
    if (*rc::gen::inRange(0, 4) == 0 && !c.is_postponed(b.name, b.etag))
      c.postponed.push_back({b, 1, false, {}, Reason::QuotaExceeded, "no"});
  }
  for (int i = *rc::gen::inRange(1, 5); i > 0; --i) {
    ServiceTime since = at(*second);
    auto next = replay(c, since);
    RC_ASSERT(next.has_value() == !c.replays.contains(since));
    if (!next) continue;
    for (auto& b : blobs) {
      bool covered = b.last_modified >= since;
      RC_ASSERT(is_done(*next, b) == (!covered && is_done(c, b)));
      RC_ASSERT((key(*next, b) == key(c, b)) == !covered);
      RC_ASSERT(next->is_postponed(b.name, b.etag) == c.is_postponed(b.name, b.etag));
    }
    c = std::move(*next);
    for (auto& b : blobs) {
      if (*rc::gen::inRange(0, 2) == 0) mark_done(c, b);
    }
  }
}

}  // namespace
}  // namespace abo::checkpoint
