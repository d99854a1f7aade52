#include "tests/model/pass_step.h"

#include <algorithm>
#include <utility>

#include "checkpoint/existing.h"
#include "checkpoint/replay.h"
#include "controllers/postponed_work.h"
#include "controllers/recording.h"

namespace abo::model {

void Step::take() {
  switch (me_.at) {
    case At::Down:
      return start();
    case At::Standby:
      return;
    case At::StartList:
      return start_list();
    case At::Idle:
      return begin_pass();
    case At::LoadHeld:
      return load() ? absorb() : fail();
    case At::LoadKnown:
      return load() ? begin_listing() : fail();
    case At::Page:
      return page();
    case At::LoadReplay:
      return read_again() ? replay() : end_old();
    case At::LoadBegin:
      return read_again() ? begin() : end_old();
    case At::LoadStay:
      return read_again() ? stay_swept() : end_old();
    case At::Sweep:
      return sweep();
    case At::Create:
      return job(pass_.batch[arg_]);
    case At::Write:
      return write();
    case At::Reread:
      return reread();
    case At::Release:
      return release_one();
    case At::LoadReport:
      return report();
  }
}

bool Step::is(Mutant mutant) const {
  return rules_.mutant == mutant;
}

bool Step::refused() const {
  return fault_ == Fault::Refused;
}

void Step::start() {
  ++me_.incarnation;
  world_.witness(me_.index) = {.incarnation = me_.incarnation};
  if (!rules_.elects()) {
    me_.at = At::StartList;
    return;
  }
  std::string name = process_name(me_.index, me_.incarnation);
  me_.election.emplace(Election{.state = kube::LeaseState(std::move(name), rules_.lease)});
  me_.at = At::Standby;
}

void Step::start_list() {
  me_.watch(world_, rules_);
  world_.witness(me_.index).informed = true;
  me_.at = At::Idle;
}

// ---- the sentence (blob_pass.cc) ----

void Step::begin_pass() {
  pass_ = {};
  pass_.generation = me_.generation;
  pass_.wish = me_.wish;
  record_held();
}

void Step::record_held() {
  for (const Seen& seen : me_.store) {
    if (seen.held) pass_.held.push_back(seen.uid);
  }
  if (pass_.held.empty() || is(Mutant::NoSweepAtStart)) return know_checkpoint();
  if (is(Mutant::ReleaseWithoutRecording)) return release(pass_.held, For::Held);
  if (!me_.checkpoint || !controllers::knows_all(*me_.checkpoint, watcher_uid, runs(pass_.held))) {
    me_.at = At::LoadHeld;
  } else {
    absorb();
  }
}

void Step::absorb() {
  if (!me_.checkpoint) return know_checkpoint();
  Checkpoint next = *me_.checkpoint;
  if (controllers::record(next, watcher_uid, runs(pass_.held)).empty()) return release(pass_.held, For::Held);
  begin_write(std::move(next), For::Held);
}

void Step::know_checkpoint() {
  if (!me_.checkpoint && !pass_.document.loaded) {
    me_.at = At::LoadKnown;
  } else {
    begin_listing();
  }
}

void Step::begin_listing() {
  pass_.begins = !me_.checkpoint;
  if (!pass_.begins && replayed(*me_.checkpoint)) {
    me_.at = At::LoadReplay;
  } else {
    list();
  }
}

std::optional<Checkpoint> Step::replayed(const Checkpoint& from) const {
  if (!pass_.wish) return std::nullopt;
  auto next = checkpoint::replay(from, *pass_.wish);
  if (!next) return next;
  if (is(Mutant::ReplayForgetsWhatWaits)) next->postponed.clear();
  if (is(Mutant::ReplayPassesOverWhatWaits)) next->move_cursor(checkpoint::start_of(*pass_.wish));
  if (is(Mutant::ReplayForgetsAllKeys)) next->recent = {};
  return next;
}

void Step::replay() {
  begin_write(*replayed(settled_checkpoint()), For::Replay);
}

Checkpoint Step::settled_checkpoint() const {
  Checkpoint checkpoint = *me_.checkpoint;
  if (me_.settled) checkpoint.move_cursor(*me_.settled);
  return checkpoint;
}

void Step::list() {
  pass_.first_page = true;
  pass_.marker.clear();
  pass_.from_marker = false;
  pass_.listed.clear();
  me_.at = At::Page;
}

void Step::page() {
  if (refused() && (pass_.first_page || !is(Mutant::UnfinishedSweepMovesCursor))) return fail();
  if (std::exchange(pass_.first_page, false)) {
    pass_.horizon = {.service_date = world_.service_time() + std::chrono::seconds{arg_},
                     .settle_margin = rules_.settle_margin,
                     .min_age = rules_.min_age};
    if (is(Mutant::LocalClock))
      pass_.horizon.service_date = std::chrono::floor<std::chrono::seconds>(me_.wall(world_, rules_));
    if (is(Mutant::NoSettleMargin)) pass_.horizon.settle_margin = std::chrono::seconds{0};
  }
  auto rows = world_.list_page(me_.index, pass_.marker, pass_.from_marker, rules_);
  for (std::size_t id : rows) pass_.listed.push_back(static_cast<int>(id));
  bool more = rows.size() == rules_.page && !refused();
  if (more) {
    pass_.marker = world_.blobs.history[rows.back()].name;
    pass_.from_marker = fault_ == Fault::AnswerLost && rows.size() > 1;
    return;
  }
  if (pass_.begins) {
    me_.at = At::LoadBegin;
  } else {
    choose();
  }
}

void Step::begin() {
  Checkpoint initial = checkpoint::begin_with_all(std::string(container));
  if (rules_.ignore_existing) {
    checkpoint::IgnoreExisting existing(identity());
    for (int version : pass_.listed) existing.offer(listing::view(item(version)));
    initial = std::move(existing).finish(pass_.horizon);
  }
  if (auto next = replayed(initial)) initial = std::move(*next);
  begin_write(std::move(initial), For::Begin);
}

void Step::choose() {
  Checkpoint known = settled_checkpoint();
  pass_.replays = known.replays;
  checkpoint::CandidateSelector selector(known, identity(), {.count = rules_.selection});
  for (int version : pass_.listed) {
    listing::BlobItem blob = item(version);
    selector.offer(listing::view(blob));
  }
  trigger(std::move(known), std::move(selector).finish());
}

void Step::trigger(Checkpoint known, checkpoint::Selection selection) {
  for (const Candidate& c : selection.candidates) pass_.candidates.push_back(static_cast<int>(c.blob.size));
  pass_.truncated = selection.truncated;
  pass_.outcomes.assign(pass_.candidates.size(), {});
  pass_.takeable =
      static_cast<std::size_t>(std::ranges::count_if(selection.candidates, [&](const Candidate& c) {
        return c.blob.last_modified <= pass_.horizon.newest_takeable();
      }));
  pass_.next = std::move(known);
  checkpoint::drop_vanished_copies(pass_.next, selection);
  advance();
  for (const controllers::Work& work :
       controllers::due_work(pass_.next, selection, identity(), me_.wall(world_, rules_))) {
    pass_.due.push_back({.version = static_cast<int>(work.candidate.blob.size),
                         .attempts = work.attempts,
                         .fallback_first = work.fallback_first,
                         .under_way_until = work.under_way_until});
  }
  if (pass_.takeable == 0 && pass_.due.empty()) {
    me_.settled = pass_.next.cursor;
    pass_.settled = pass_.next;
    return end_well();
  }
  if (is(Mutant::NotCurrentBeforeCreate)) return stay_swept();
  me_.at = At::LoadStay;
}

void Step::advance() {
  auto candidates = candidates_of(pass_.candidates);
  checkpoint::Progress progress{candidates, pass_.outcomes, pass_.truncated};
  if (is(Mutant::TruncatedMovesCursor)) progress.truncated = false;
  pass_.next = checkpoint::advance(std::move(pass_.next), progress, pass_.horizon);
  if (is(Mutant::CursorIsNewestModified) && !candidates.empty() &&
      std::ranges::all_of(pass_.outcomes, [](const Outcome& o) { return o.kind == Outcome::Kind::Done; }))
    pass_.next.move_cursor(candidates.back().position());
  if (is(Mutant::RecentKeysDroppedEarly))
    pass_.next.recent.drop_passed(checkpoint::end_of(pass_.horizon.service_date - std::chrono::seconds{1}));
  if (is(Mutant::PostponedDropped)) pass_.next.postponed.clear();
}

void Step::stay_swept() {
  if (me_.sweep) {
    me_.at = At::Sweep;
  } else {
    stay_recorded();
  }
}

void Step::sweep() {
  if (refused()) return fail();
  for (const Object& object : cluster_.objects) {
    if (!object.held) continue;
    auto earlier = [&](const Seen& seen) {
      return seen.uid != object.uid && made(seen.uid).name == made(object.uid).name;
    };
    std::erase_if(me_.store, earlier);
    if (std::ranges::find(me_.store, object.uid, &Seen::uid) == me_.store.end())
      me_.store.push_back({.uid = object.uid, .held = true, .since = world_.now});
  }
  me_.sweep = false;
  stay_recorded();
}

void Step::stay_recorded() {
  std::vector<int> held = held_uids();
  bool known = recorded(*me_.checkpoint).size() == held.size();
  if (!known && !is(Mutant::NoSweepAtStart) && !is(Mutant::ReleaseWithoutRecording)) return end_old();
  if (pass_.due.empty()) return next_batch();
  pass_.retries = true;
  begin_batch(std::move(pass_.due));
}

void Step::next_batch() {
  auto candidates = candidates_of(pass_.candidates);
  checkpoint::Progress progress{candidates, pass_.outcomes, pass_.truncated};
  std::size_t count = 0;
  if (pass_.first < pass_.takeable && !pass_.halted)
    count = checkpoint::batch_size(pass_.next, progress, pass_.first, pass_.horizon, rules_.batch);
  count = std::min(count, pass_.takeable - pass_.first);
  if (count == 0) return end_well();
  std::vector<Job> jobs;
  for (std::size_t i = pass_.first; i < pass_.first + count; ++i)
    jobs.push_back({.version = pass_.candidates[i]});
  pass_.retries = false;
  begin_batch(std::move(jobs));
}

void Step::begin_batch(std::vector<Job> jobs) {
  pass_.batch = std::move(jobs);
  me_.at = At::Create;
  if (!is(Mutant::CheckpointBeforeCreate)) return;
  for (Job& job : pass_.batch) job.outcome.kind = Outcome::Kind::Done;
  settle();
  for (Job& job : pass_.batch) job.outcome = {};
  begin_write(pass_.next, For::Intent);
}

void Step::settle() {
  if (pass_.retries) {
    for (const Job& job : pass_.batch)
      checkpoint::settle_postponed(pass_.next, candidate(job.version), job.outcome);
    return;
  }
  std::size_t i = pass_.first;
  for (const Job& job : pass_.batch) {
    pass_.outcomes[i++] = job.outcome;
    if (is(Mutant::PostponedDropped) && job.outcome.kind == Outcome::Kind::Postponed)
      pass_.outcomes[i - 1].kind = Outcome::Kind::Done;
  }
  advance();
}

void Step::batch_done() {
  if (!pass_.retries) pass_.first += pass_.batch.size();
  if (pass_.begin_again) return end_old();
  if (is(Mutant::CheckpointBeforeCreate)) return after_batch();
  if (is(Mutant::FinalizerBeforeCheckpoint)) return release(recorded(pass_.next), For::Intent);
  begin_write(pass_.next, For::Batch);
}

void Step::after_batch() {
  pass_.batch.clear();
  if (me_.generation != pass_.generation) return end_old();
  if (pass_.halted || is(Mutant::OneBatchAPass)) return end_old();
  next_batch();
}

// ---- the end of a pass ----

void Step::end_old() {
  me_.checkpoint.reset();
  me_.at = At::Idle;
}

void Step::fail() {
  me_.at = At::Idle;
}

void Step::end_well() {
  bool news = pass_.settled && me_.checkpoint && pass_.settled->cursor != me_.checkpoint->cursor;
  me_.at = news ? At::LoadReport : At::Idle;
}

void Step::report() {
  if (refused()) return fail();
  pass_.document = {.loaded = true, .found = cluster_.watcher};
  if (pass_.document.found.checkpoint != me_.checkpoint) return fail();
  begin_write(*pass_.settled, For::Report);
}

}  // namespace abo::model
