// What is stored and what is let go: stored_watcher.cc, status_document.cc, held_runs.cc and finalizer.cc.
#include <algorithm>
#include <unordered_map>

#include "controllers/recording.h"
#include "tests/model/pass_step.h"

namespace abo::model {
namespace {

constexpr int max_writes = 5;

// Remembered, since the same few are asked for millions of times.
const TriggerKey& known_key(const listing::BlobItem& blob, Epoch epoch) {
  static std::unordered_map<std::string, TriggerKey> known;
  auto [at, is_new] = known.try_emplace(blob.name + "/" + blob.etag + "/" + std::to_string(epoch));
  std::string replay =
      epoch == no_replay ? std::string() : format_rfc3339(ServiceTime{std::chrono::seconds{epoch}});
  if (is_new) at->second = TriggerKey::of(watcher_uid, container, blob.name, blob.etag, replay);
  return at->second;
}

}  // namespace

bool Step::load() {
  if (refused()) return false;
  pass_.document = {.loaded = true, .found = is(Mutant::CachedCheckpoint) ? me_.cached : cluster_.watcher};
  const auto& stored = pass_.document.found.checkpoint;
  if (stored != me_.checkpoint) me_.settled.reset();
  me_.checkpoint = stored;
  return true;
}

bool Step::read_again() {
  auto expected = me_.checkpoint;
  if (!load()) return false;
  const Watcher& found = pass_.document.found;
  me_.wish = found.wish;
  bool same_wish = found.wish == pass_.wish || is(Mutant::ReplayWishNotCompared);
  return expected == me_.checkpoint && same_wish && found.generation == pass_.generation;
}

void Step::begin_write(Checkpoint next, For what) {
  if (is(Mutant::CachedCheckpoint) && !pass_.document.loaded)
    pass_.document = {.loaded = true, .found = me_.cached};
  if (!pass_.document.loaded) pass_.document = {.loaded = true, .found = cluster_.watcher};
  pass_.writing = {.what = what, .next = std::move(next), .base = pass_.document.found.checkpoint};
  me_.at = At::Write;
}

void Step::write() {
  Writing& writing = pass_.writing;
  if (writing.attempts++ == max_writes) return unwritten();
  Watcher& found = pass_.document.found;
  Listed listed = world_.witness(me_.index).last;
  if (fault_ == Fault::CarriedLate) cluster_.late_writes.push_back({found.revision, writing.next, listed});
  writing.answer_lost = fault_ != Fault::None;
  if (fault_ == Fault::None || fault_ == Fault::AnswerLost) {
    int revision = is(Mutant::NoResourceVersion) ? cluster_.watcher.revision : found.revision;
    bool replaced = world_.replace_status(me_.index, revision, writing.next, listed);
    if (replaced && fault_ == Fault::None) {
      found = cluster_.watcher;
      return written();
    }
  }
  me_.at = At::Reread;
}

void Step::reread() {
  if (refused()) return unwritten();
  Writing& writing = pass_.writing;
  pass_.document.found = cluster_.watcher;
  const auto& stored = cluster_.watcher.checkpoint;
  bool untouched = stored == writing.base || is(Mutant::OverwritesOtherCheckpoint);
  bool arrived = writing.answer_lost && stored == writing.next;
  if (arrived && writing.next != writing.base) return written();
  if (!untouched && !arrived) return unwritten();
  me_.at = At::Write;
}

void Step::unwritten() {
  me_.checkpoint.reset();
  me_.at = At::Idle;
}

void Step::written() {
  me_.checkpoint = pass_.writing.next;
  me_.settled.reset();
  switch (pass_.writing.what) {
    case For::Held:
      return release(pass_.held, For::Held);
    case For::Begin:
      pass_.begins = false;
      return list();
    case For::Replay:
      return list();
    case For::Intent:
      me_.at = At::Create;
      return;
    case For::Batch:
      return release(recorded(pass_.next), For::Batch);
    case For::Report:
      me_.at = At::Idle;
      return;
  }
}

// ---- letting go ----

void Step::release(std::vector<int> uids, For what) {
  std::erase_if(uids, [&](int uid) {
    auto at = std::ranges::find(me_.store, uid, &Seen::uid);
    return at == me_.store.end() || !at->held || at->since + rules_.recording_hold() > world_.now;
  });
  pass_.to_release = std::move(uids);
  pass_.release_for = what;
  if (pass_.to_release.empty()) {
    released();
  } else {
    me_.at = At::Release;
  }
}

void Step::release_one() {
  int uid = pass_.to_release.back();
  pass_.to_release.pop_back();
  if (me_.may_act(world_, rules_) && !refused()) {
    cluster_.remove_finalizer(uid);
    auto at = std::ranges::find(me_.store, uid, &Seen::uid);
    if (at != me_.store.end() && fault_ == Fault::None) at->held = false;
  }
  if (pass_.to_release.empty()) released();
}

void Step::released() {
  switch (pass_.release_for) {
    case For::Held:
      return know_checkpoint();
    case For::Intent:
      return begin_write(pass_.next, For::Batch);
    case For::Batch:
      return after_batch();
    case For::Begin:
    case For::Replay:
    case For::Report:
      return;
  }
}

// ---- values ----

const Made& Step::made(int uid) const {
  return cluster_.made[static_cast<std::size_t>(uid)];
}

listing::BlobItem Step::item(int version) const {
  return item_of(world_, version, rules_);
}

Epoch Step::epoch(int version) const {
  return epoch_of(pass_.replays, item(version).last_modified);
}

checkpoint::Identity Step::identity() const {
  checkpoint::Identity out{std::string(watcher_uid), std::string(container)};
  if (!is(Mutant::ReplayKeepsKeys)) out.replays = pass_.replays;
  return out;
}

TriggerKey Step::key_of(int version) const {
  return known_key(item(version), is(Mutant::ReplayKeepsKeys) ? no_replay : epoch(version));
}

TriggerKey Step::key_of(const Made& made) const {
  return known_key(item(made.version), is(Mutant::ReplayKeepsKeys) ? no_replay : made.epoch);
}

Candidate Step::candidate(int version) const {
  return {item(version), key_of(version)};
}

std::vector<Candidate> Step::candidates_of(const std::vector<int>& versions) const {
  std::vector<Candidate> out;
  out.reserve(versions.size());
  for (int version : versions) out.push_back(candidate(version));
  return out;
}

std::vector<int> Step::held_uids() const {
  std::vector<int> uids;
  for (const Seen& seen : me_.store) {
    if (seen.held) uids.push_back(seen.uid);
  }
  return uids;
}

std::vector<HeldRun> Step::runs(const std::vector<int>& uids) const {
  std::vector<HeldRun> out;
  for (int uid : uids) {
    HeldRun& run = out.emplace_back();
    run.name = made(uid).name;
    run.uid = std::to_string(uid);
    run.blob = item(made(uid).version);
    run.trigger_key = key_of(made(uid)).hex();
  }
  return out;
}

std::vector<int> Step::recorded(const Checkpoint& known) const {
  std::vector<int> uids;
  std::vector<int> held = held_uids();
  if (held.empty()) return uids;
  for (const HeldRun& run : controllers::recorded(known, watcher_uid, runs(held)))
    uids.push_back(std::stoi(run.uid));
  return uids;
}

}  // namespace abo::model
