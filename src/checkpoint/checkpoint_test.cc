#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "checkpoint/candidates.h"

namespace abo::checkpoint {
namespace {

ServiceTime at(std::int64_t seconds) {
  return ServiceTime{std::chrono::seconds{seconds}};
}

listing::BlobItem blob(std::string name, std::int64_t seconds, std::string etag = "0x1") {
  return {.name = std::move(name), .etag = std::move(etag), .last_modified = at(seconds), .size = 1};
}

const Identity me{"uid", "https://a.blob.core.windows.net/c"};

TriggerKey key(const listing::BlobItem& b) {
  return me.key_of(listing::view(b));
}

TEST(Position, orders_by_second_then_name) {
  EXPECT_LT((Position{at(1), "b"}), (Position{at(2), "a"}));
  EXPECT_LT((Position{at(1), "a"}), (Position{at(1), "b"}));
  EXPECT_TRUE(is_past(end_of(at(5)), at(6), "a"));
  EXPECT_FALSE(is_past(end_of(at(5)), at(5), "\xFF\xFF"));
  EXPECT_TRUE(is_past(start_of(at(5)), at(5), "a"));
}

TEST(Checkpoint, never_moves_its_cursor_back) {
  Checkpoint c;
  c.move_cursor({at(10), "m"});
  c.move_cursor({at(10), "a"});
  c.move_cursor({at(9), "z"});
  EXPECT_EQ(c.cursor, (Position{at(10), "m"}));
}

TEST(Checkpoint, keeps_a_key_until_its_whole_second_is_passed) {
  Checkpoint c;
  auto b = blob("b", 10);
  c.mark_done(key(b), listing::view(b));
  c.move_cursor({at(10), "a"});
  EXPECT_TRUE(c.is_done(key(b), listing::view(b)));
  EXPECT_EQ(c.recent.size(), 1u);
  c.move_cursor(end_of(at(10)));
  EXPECT_EQ(c.recent.size(), 0u);
  EXPECT_TRUE(c.is_done(key(b), listing::view(b)));
}

TEST(Checkpoint, does_not_take_a_postponed_blob_for_done_although_the_cursor_is_past_it) {
  Checkpoint c;
  auto b = blob("b", 10);
  c.postponed.push_back({b, 1, false, {}, Reason::QuotaExceeded, "no"});
  c.move_cursor(end_of(at(20)));
  EXPECT_FALSE(c.is_done(key(b), listing::view(b)));
  c.mark_done(key(b), listing::view(b));
  EXPECT_TRUE(c.is_done(key(b), listing::view(b)));
  EXPECT_TRUE(c.postponed.empty());
}

TEST(Checkpoint, refuses_to_be_read_when_damaged_instead_of_starting_over) {
  for (
      const char* text :
      {"null", "[]", "{}", R"({"version":3,"cursor":{"lastModified":"2026-11-22T05:30:00Z","name":""}})",
       R"({"version":1})", R"({"version":1,"cursor":{"lastModified":"yesterday"}})",
       R"({"version":1,"cursor":{"lastModified":"2026-11-22T05:30:00Z"}})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"recent":"AAAA"})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"recent":[]})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"postponed":{}})",
       R"({"version":1,"cursor":{"lastModified":"2026-11-22T05:30:00Z"},"postponed":[{}]})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"postponed":[
            {"name":"a","lastModified":"2026-11-22T05:30:00Z","size":-1,"attempts":1}]})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"postponed":[
            {"name":"a","lastModified":"2026-11-22T05:30:00Z","size":1,"attempts":-1}]})",
       R"({"version":2,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"}})",
       R"({"version":2,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"replays":"now"})",
       R"({"version":2,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"replays":["now"]})",
       R"({"version":2,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"replays":[1]})",
       R"({"version":1,"source":"s","cursor":{"lastModified":"2026-11-22T05:30:00Z"},"replays":["2026-01-01T00:00:00Z"]})"}) {
    auto read = from_json(*parse_json(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().reason, Reason::InvalidCheckpoint);
  }
}

Checkpoint at_source(std::string source, std::int64_t seconds) {
  Checkpoint c;
  c.source = std::move(source);
  c.move_cursor(end_of(at(seconds)));
  return c;
}

TEST(Checkpoint, of_a_container_that_was_left_is_taken_up_again) {
  Checkpoint a = at_source("A", 10);
  auto b = move_to(a, at_source("B", 0));
  ASSERT_TRUE(b);
  EXPECT_EQ(b->source, "B");
  EXPECT_TRUE(was_at(*b, "A"));
  EXPECT_FALSE(was_at(*b, "C"));
  b->move_cursor(end_of(at(20)));
  auto again = move_to(*b, at_source("A", 0));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->source, "A");
  EXPECT_EQ(again->cursor, a.cursor) << "nothing of A is triggered twice";
  EXPECT_TRUE(was_at(*again, "B"));
  EXPECT_EQ(*from_json(to_json(*again)), *again);
}

TEST(Checkpoint, of_two_earlier_ones_of_a_container_takes_up_the_newest) {
  Checkpoint c = at_source("B", 1);
  c.previous = {to_json(at_source("A", 20)), to_json(at_source("A", 10))};
  auto a = move_to(c, at_source("A", 0));
  ASSERT_TRUE(a);
  EXPECT_EQ(a->cursor, at_source("A", 20).cursor);
}

TEST(Checkpoint, remembers_only_so_many_containers) {
  Checkpoint c = at_source("0", 1);
  for (int i = 1; i < 10; ++i) c = *move_to(c, at_source(std::to_string(i), 1));
  EXPECT_EQ(c.previous.size(), Checkpoint::max_previous);
  EXPECT_TRUE(was_at(c, "8"));
  EXPECT_FALSE(was_at(c, "1"));
}

RC_GTEST_PROP(Checkpoint, reads_what_it_writes, ()) {
  Checkpoint c;
  c.source = me.container_url;
  c.cursor = {at(*rc::gen::inRange(0, 2'000'000'000)), *rc::gen::string<std::string>()};
  for (auto k : *rc::gen::arbitrary<std::vector<std::uint64_t>>()) {
    c.recent.insert(k, at(*rc::gen::inRange(0, 2'000'000'000)));
  }
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    auto b = blob("n" + std::to_string(i), i);
    b.content_type = "text/csv";
    c.postponed.push_back({b, 3, true, WallTime{std::chrono::milliseconds{i}}, Reason::Throttled, "later"});
  }
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) c.replays.add(at(*rc::gen::inRange(0, 2'000'000'000)));
  auto read = from_json(to_json(c));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == c);
}

RC_GTEST_PROP(RecentKeys, know_what_a_plain_map_knows, ()) {
  RecentKeys keys;
  std::map<std::uint64_t, std::int64_t> oracle;
  auto small = rc::gen::inRange<std::int64_t>(0, 40);
  for (auto op : *rc::gen::container<std::vector<std::pair<std::uint64_t, std::int64_t>>>(
           rc::gen::pair(rc::gen::inRange<std::uint64_t>(0, 50), small))) {
    if (op.first == 0) {
      keys.drop_passed({at(op.second), "x"});
      std::erase_if(oracle, [&](const auto& entry) { return entry.second < op.second; });
    } else {
      keys.insert(op.first, at(op.second));
      oracle.emplace(op.first, op.second);
    }
  }
  RC_ASSERT(keys.size() == oracle.size());
  for (std::uint64_t k = 0; k < 50; ++k) RC_ASSERT(keys.contains(k) == oracle.contains(k));
  for (const auto& [k, seconds] : oracle) RC_ASSERT(!keys.surely_without(at(seconds)));
}

TEST(CandidateSelector, chooses_the_oldest_in_order_whatever_order_they_come_in) {
  Checkpoint known;
  CandidateSelector selector(known, me, {.count = 2});
  for (auto& b : {blob("c", 3), blob("a", 1), blob("b", 1), blob("z", 0), blob("a", 1)}) {
    selector.offer(listing::view(b));
  }
  auto selection = std::move(selector).finish();
  ASSERT_EQ(selection.candidates.size(), 2u);
  EXPECT_EQ(selection.candidates[0].blob.name, "z");
  EXPECT_EQ(selection.candidates[1].blob.name, "a");
  EXPECT_TRUE(selection.truncated);
}

TEST(CandidateSelector, leaves_out_what_is_done) {
  Checkpoint known;
  known.move_cursor({at(10), "m"});
  auto recent = blob("r", 12);
  known.mark_done(key(recent), listing::view(recent));
  CandidateSelector selector(known, me, {});
  auto overwritten = blob("r", 12, "0x2");
  for (auto& b : {blob("a", 10), blob("m", 10), blob("n", 10), recent, overwritten})
    selector.offer(listing::view(b));
  auto selection = std::move(selector).finish();
  ASSERT_EQ(selection.candidates.size(), 2u);
  EXPECT_EQ(selection.candidates[0].blob.name, "n");
  EXPECT_EQ(selection.candidates[1].blob, overwritten);
  EXPECT_FALSE(selection.truncated);
  EXPECT_EQ(selection.eligible, 2);
}

TEST(CandidateSelector, the_oldest_that_waits_is_one_that_is_not_done) {
  Checkpoint known;
  CandidateSelector selector(known, me, {.count = 2});
  auto a = blob("a", 5), b = blob("b", 7), c = blob("c", 9);
  for (const auto& each : {c, a, b}) selector.offer(listing::view(each));
  Selection selection = std::move(selector).finish();
  EXPECT_EQ(oldest_waiting(known, selection), at(5));
  known.mark_done(key(a), listing::view(a));
  EXPECT_EQ(oldest_waiting(known, selection), at(7));
  known.move_cursor(end_of(at(7)));
  EXPECT_EQ(oldest_waiting(known, selection), at(7)) << "there is a third, not older than the second";
  known.postponed.push_back({blob("p", 3), 1, false, {}, Reason::QuotaExceeded, "no"});
  EXPECT_EQ(oldest_waiting(known, selection), at(3));
  EXPECT_EQ(oldest_waiting(Checkpoint{}, Selection{}), std::nullopt);
}

TEST(CandidateSelector, holds_no_more_than_its_bytes) {
  Checkpoint known;
  CandidateSelector selector(known, me, {.count = 1000, .bytes = 10'000});
  for (int i = 0; i < 500; ++i)
    selector.offer(listing::view(blob(std::string(1000, 'n') + std::to_string(i), i)));
  auto selection = std::move(selector).finish();
  EXPECT_LT(selection.candidates.size(), 10u);
  EXPECT_GT(selection.candidates.size(), 5u);
  EXPECT_TRUE(selection.truncated);
  EXPECT_EQ(selection.eligible, 500);
}

TEST(CandidateSelector, takes_up_a_copy_when_it_is_complete) {
  Checkpoint known;
  auto pending = blob("copy", 5), other = blob("other", 5);
  pending.copy_pending = other.copy_pending = true;
  known.postponed.push_back({pending, 1, false, {}, Reason::CopyPending, ""});
  known.postponed.push_back({other, 1, false, {}, Reason::CopyPending, ""});
  known.move_cursor(end_of(at(9)));
  CandidateSelector selector(known, me, {});
  auto complete = pending;
  complete.copy_pending = false;
  for (auto& b : {complete, complete, other}) selector.offer(listing::view(b));
  auto selection = std::move(selector).finish();
  ASSERT_EQ(selection.copied.size(), 1u);
  EXPECT_EQ(selection.copied[0].blob, complete);
  EXPECT_EQ(selection.copying, std::vector<std::string>{"other"});
  EXPECT_TRUE(selection.candidates.empty());
}

}  // namespace
}  // namespace abo::checkpoint
