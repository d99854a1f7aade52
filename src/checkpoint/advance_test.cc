// The heart's laws, checked against a small world: writers, listings that may be cut short, creations that
// may fail, crashes at any point, a deleter that removes every object our finalizer does not hold. The oracle
// is a plain list of versions that a complete listing showed to a pass that was not killed: they must be created once,
// though their blob may be overwritten before the next pass.
#include "checkpoint/advance.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "checkpoint/existing.h"

namespace abo::checkpoint {
namespace {

using Kind = Outcome::Kind;

ServiceTime at(std::int64_t seconds) {
  return ServiceTime{std::chrono::seconds{seconds}};
}

listing::BlobItem blob(std::string name, std::int64_t seconds, std::string etag = "0x1") {
  return {.name = std::move(name), .etag = std::move(etag), .last_modified = at(seconds), .size = 1};
}

const Identity me{"uid", "https://a.blob.core.windows.net/c"};

Candidate candidate(const listing::BlobItem& b) {
  return {b, me.key_of(listing::view(b))};
}

const Horizon settled_at_100{.service_date = at(130), .settle_margin = std::chrono::seconds{30}};

TEST(Advance, moves_to_the_end_of_what_is_settled_when_all_is_done) {
  std::vector<Candidate> c{candidate(blob("a", 50)), candidate(blob("b", 120))};
  std::vector<Outcome> o{{Kind::Done}, {Kind::Done}};
  auto next = advance({}, {c, o, false}, settled_at_100);
  EXPECT_EQ(next.cursor, end_of(at(100)));
  EXPECT_EQ(next.recent.size(), 1u) << "the blob within the margin is remembered by its key";
}

TEST(Advance, stops_before_the_first_blob_that_is_not_done) {
  std::vector<Candidate> c{candidate(blob("a", 50)), candidate(blob("b", 60)), candidate(blob("c", 70))};
  std::vector<Outcome> o{{Kind::Done}, {Kind::Untried}, {Kind::Done}};
  auto next = advance({}, {c, o, false}, settled_at_100);
  EXPECT_EQ(next.cursor, start_of(at(60)));
  EXPECT_TRUE(next.is_done(c[2].key, listing::view(c[2].blob)));
  EXPECT_FALSE(next.is_done(c[1].key, listing::view(c[1].blob)));
}

TEST(Advance, passes_a_postponed_blob_and_waits_when_the_list_is_full) {
  Checkpoint full;
  for (std::size_t i = 0; i < Checkpoint::max_postponed; ++i) {
    full.postponed.push_back({blob("old" + std::to_string(i), 1), 1, false, {}, Reason::QuotaExceeded, ""});
  }
  std::vector<Candidate> c{candidate(blob("a", 50)), candidate(blob("b", 60))};
  std::vector<Outcome> o{{Kind::Postponed, 1, false, {}, Reason::QuotaExceeded, ""}, {Kind::Done}};
  EXPECT_EQ(advance({}, {c, o, false}, settled_at_100).cursor, end_of(at(100)));
  EXPECT_EQ(advance(full, {c, o, false}, settled_at_100).cursor, start_of(at(50)));
}

TEST(Advance, waits_when_the_list_is_full_of_long_texts) {
  std::string text(Checkpoint::max_postponed_bytes, 'x');
  std::vector<Candidate> c{candidate(blob("a", 50)), candidate(blob("b", 60))};
  std::vector<Outcome> o{{Kind::Postponed, 1, false, {}, Reason::QuotaExceeded, text},
                         {Kind::Postponed, 1, false, {}, Reason::QuotaExceeded, ""}};
  auto next = advance({}, {c, o, false}, settled_at_100);
  EXPECT_EQ(next.postponed.size(), 1U) << "one finds room whatever it is";
  EXPECT_EQ(next.cursor, start_of(at(60)));
}

TEST(Advance, stays_behind_the_youngest_it_holds_when_there_are_more) {
  std::vector<Candidate> c{candidate(blob("a", 50)), candidate(blob("b", 50))};
  std::vector<Outcome> o{{Kind::Done}, {Kind::Done}};
  EXPECT_EQ(advance({}, {c, o, true}, settled_at_100).cursor, (Position{at(50), "a"}));
}

TEST(Advance, stays_behind_both_versions_of_a_name_that_share_a_second) {
  std::vector<Candidate> c{candidate(blob("a", 50, "0x1")), candidate(blob("a", 50, "0x2"))};
  std::vector<Outcome> o{{Kind::Done}, {Kind::Untried}};
  EXPECT_EQ(advance({}, {c, o, false}, settled_at_100).cursor, start_of(at(50)));
}

TEST(Advance, never_passes_the_minimum_age) {
  Horizon h{.service_date = at(1000),
            .settle_margin = std::chrono::seconds{30},
            .min_age = std::chrono::seconds{600}};
  EXPECT_EQ(h.newest_takeable(), at(400));
  EXPECT_EQ(advance({}, {{}, {}, false}, h).cursor, end_of(at(400)));
}

TEST(BatchSize, waits_when_the_keys_are_full_unless_the_cursor_can_follow) {
  Checkpoint full;
  for (std::size_t i = 0; i < RecentKeys::capacity; ++i) full.recent.insert(i, at(125));
  std::vector<Candidate> young{candidate(blob("y", 120))}, old{candidate(blob("o", 50))};
  std::vector<Outcome> o{{Kind::Untried}};
  EXPECT_EQ(batch_size(full, {young, o, false}, 0, settled_at_100, 16), 0u);
  EXPECT_EQ(batch_size(full, {old, o, false}, 0, settled_at_100, 16), 1u);
  EXPECT_EQ(batch_size({}, {young, o, false}, 0, settled_at_100, 16), 1u);
}

TEST(IgnoreExisting, takes_all_that_was_listed_for_done_and_nothing_else) {
  IgnoreExisting ignore(me);
  auto old = blob("old", 10), now = blob("now", 130), later = blob("later", 130);
  for (auto& b : {old, now}) ignore.offer(listing::view(b));
  auto c = std::move(ignore).finish(settled_at_100);
  for (auto& b : {old, now}) EXPECT_TRUE(c.is_done(me.key_of(listing::view(b)), listing::view(b)));
  EXPECT_FALSE(c.is_done(me.key_of(listing::view(later)), listing::view(later)))
      << "landed in the same second, after the listing";
}

TEST(IgnoreExisting, takes_nothing_for_done_that_was_written_after_the_listing_began) {
  IgnoreExisting ignore(me);
  auto met = blob("met", 131), unseen = blob("unseen", 131);
  ignore.offer(listing::view(met));
  // More of them than can be remembered: these must not move the cursor either.
  for (std::size_t i = 0; i <= RecentKeys::capacity; ++i) {
    auto young = blob("n" + std::to_string(i), 140);
    ignore.offer(listing::view(young));
  }
  auto c = std::move(ignore).finish(settled_at_100);
  for (auto& b : {met, unseen}) EXPECT_FALSE(c.is_done(me.key_of(listing::view(b)), listing::view(b)));
}

TEST(IgnoreExisting, lets_the_cursor_cover_what_is_too_much_to_remember) {
  IgnoreExisting ignore(me);
  std::vector<listing::BlobItem> all;
  for (int i = 0; i < 6000; ++i) all.push_back(blob("n" + std::to_string(i), 101 + i % 30));
  for (auto& b : all) ignore.offer(listing::view(b));
  auto c = std::move(ignore).finish(settled_at_100);
  for (auto& b : all) EXPECT_TRUE(c.is_done(me.key_of(listing::view(b)), listing::view(b)));
  EXPECT_LE(c.recent.size(), RecentKeys::capacity);
}

// ---- the small world ----

struct World {
  std::int64_t now = 1000;
  int next_etag = 1;
  std::map<std::string, listing::BlobItem> container;
  std::set<std::string> promised;        // etags: see the top
  std::map<std::string, int> creations;  // etag -> how often the API server answered 201
  struct Object {
    listing::BlobItem blob;  // as its annotations tell
    bool held = true;        // by our finalizer
  };
  std::map<std::string, Object> objects;  // by etag: the name is a function of it here
  Checkpoint stored;                      // what the status holds

  void write(const std::string& name) { container[name] = blob(name, now, std::to_string(next_etag++)); }
  void delete_unheld() {
    std::erase_if(objects, [](const auto& entry) { return !entry.second.held; });
  }
  // Of these rows of a listing, those that a pass must take if it may hold so many: the oldest that were not created yet.
  [[nodiscard]] std::set<std::string> oldest(std::vector<listing::BlobItem> rows, std::size_t held) const {
    std::erase_if(rows, [&](const auto& row) { return creations.contains(row.etag); });
    std::ranges::sort(rows, {}, [](const auto& row) { return std::tie(row.last_modified, row.name); });
    rows.resize(std::min(rows.size(), held));
    std::set<std::string> etags;
    for (const listing::BlobItem& row : rows) etags.insert(row.etag);
    return etags;
  }
};

struct Dice {
  // Whatever the size of the case; a failing one shrinks to a world without trouble.
  bool one_in(int n) const { return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0, n)) == n - 1; }
};

// One pass as controllers/blob_pass does it. Returns early where the process "dies".
void pass(World& world, std::size_t held, const Dice& dice) {
  Checkpoint checkpoint = world.stored;
  // The sweep: what our finalizer holds and the checkpoint does not know is recorded first.
  for (auto& [etag, object] : world.objects) {
    if (object.held) checkpoint.mark_done(me.key_of(listing::view(object.blob)), listing::view(object.blob));
  }
  Horizon horizon{.service_date = at(world.now), .settle_margin = std::chrono::seconds{5}};
  CandidateSelector selector(checkpoint, me, {.count = held});
  std::vector<listing::BlobItem> rows;
  for (auto& [name, b] : world.container)
    rows.insert(rows.end(), dice.one_in(5) ? 2 : 1, b);  // a page came twice
  for (const listing::BlobItem& row : rows) selector.offer(listing::view(row));
  if (dice.one_in(6)) return;  // the listing broke off: nothing may be concluded
  auto selection = std::move(selector).finish();
  std::set<std::string> shown = world.oldest(std::move(rows), held);

  std::vector<Candidate> retry;
  for (const Postponed& p : checkpoint.postponed) retry.push_back(candidate(p.blob));
  auto create = [&](const Candidate& c) -> Outcome {
    if (dice.one_in(3)) return {Kind::Postponed, 1, false, {}, Reason::QuotaExceeded, "no"};
    if (!world.objects.contains(c.blob.etag)) {
      world.objects[c.blob.etag] = {c.blob};
      ++world.creations[c.blob.etag];
    }
    return {Kind::Done};
  };
  for (const Candidate& c : retry) settle_postponed(checkpoint, c, create(c));
  if (dice.one_in(8)) return;  // killed between creation and checkpoint

  std::vector<Outcome> outcomes(selection.candidates.size());
  Progress progress{selection.candidates, outcomes, selection.truncated};
  for (std::size_t first = 0; first < outcomes.size();) {
    std::size_t count = batch_size(checkpoint, progress, first, horizon, 3);
    if (count == 0) break;
    for (std::size_t i = first; i < first + count; ++i) outcomes[i] = create(selection.candidates[i]);
    first += count;
    if (dice.one_in(8)) return;  // killed
    checkpoint = advance(std::move(checkpoint), progress, horizon);
    world.stored = checkpoint;
    if (dice.one_in(8)) return;  // killed between checkpoint and finalizer
    for (auto& [etag, object] : world.objects) object.held = false;
    world.delete_unheld();
  }
  world.stored = advance(std::move(checkpoint), progress, horizon);
  for (auto& [etag, object] : world.objects) object.held = false;
  world.delete_unheld();
  world.promised.merge(shown);
}

RC_GTEST_PROP(Advance, creates_every_promised_version_once_and_only_once, ()) {
  World world;
  Dice dice;
  std::size_t held = *rc::gen::inRange<std::size_t>(1, 6);
  int steps = *rc::gen::inRange(1, 25);
  int names = *rc::gen::element(1, 2, 8);
  for (int step = 0; step < steps; ++step) {
    int writes = *rc::gen::inRange(0, 5);
    for (int i = 0; i < writes; ++i) world.write("blob" + std::to_string(*rc::gen::inRange(0, names)));
    world.now += *rc::gen::inRange(0, 4);
    Position before = world.stored.cursor;
    pass(world, held, dice);
    RC_ASSERT(world.stored.cursor >= before);
    for (auto& [etag, count] : world.creations) RC_ASSERT(count == 1);
  }
  // The writers rest; whatever a poll can still see must be created now, and what one saw before.
  Dice fair = dice;
  for (int i = 0; i < 200; ++i) {
    world.now += 3;
    pass(world, held, fair);
  }
  for (auto& [name, b] : world.container) RC_ASSERT(world.creations[b.etag] == 1);
  for (const std::string& etag : world.promised) RC_ASSERT(world.creations[etag] == 1);
  for (auto& [etag, count] : world.creations) RC_ASSERT(count == 1);
  RC_ASSERT(world.stored.recent.size() == 0u);
}

}  // namespace
}  // namespace abo::checkpoint
