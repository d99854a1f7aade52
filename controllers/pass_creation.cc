#include "controllers/pass_creation.h"

#include <algorithm>
#include <span>

#include "checkpoint/advance.h"
#include "controllers/held_runs.h"
#include "controllers/pass_verdict.h"
#include "controllers/postponed_work.h"

namespace abo::controllers {

using checkpoint::Candidate;
using checkpoint::Checkpoint;
using checkpoint::Selection;

namespace {

// Resources created between two writes of the checkpoint: at most so many, and as many as are created in so long. The
// finalizers hold their names meanwhile; writing more often would let the API server wait for us.
constexpr std::size_t max_batch = 1024;
constexpr std::chrono::seconds batch_time{5};
// Recorded resources whose finalizers wait until the creations are through; with more they go between two batches, as
// far as they have been held long enough (Settings::recording_hold).
constexpr std::size_t max_unreleased = 1024;

// Conflict means "what we knew is old" here; of a creation it means something else.
// And a creation that may not be sent (the lease is in doubt) is no end of the work, but a reason to look again.
Error not_stale(Error error) {
  if (error.kind == ErrorKind::Canceled) return out_of_date();
  if (error.kind == ErrorKind::Conflict) error.kind = ErrorKind::UnknownOutcome;
  return error;
}

// Those that the time did not suffice for stand at the end.
std::size_t count_tried(std::span<const checkpoint::Outcome> outcomes) {
  auto untried = std::ranges::find(outcomes, checkpoint::Outcome::Kind::Untried, &checkpoint::Outcome::kind);
  return static_cast<std::size_t>(untried - outcomes.begin());
}

std::vector<Work> first_work(const Selection& selection, std::size_t first, std::size_t count) {
  std::vector<Work> work;
  for (std::size_t i = first; i < first + count; ++i) work.push_back({selection.candidates[i]});
  return work;
}

std::size_t count_takeable(const PassState& state, const Selection& selection) {
  auto young = std::ranges::find_if(selection.candidates, [&](const Candidate& c) {
    return c.blob.last_modified > state.horizon.newest_takeable();
  });
  return static_cast<std::size_t>(young - selection.candidates.begin());
}

More out_of_room(const PassState& state) {
  std::int64_t limit = state.plan->spec.max_triggers_per_poll;
  return limit > 0 && state.numbers.triggered >= limit ? More::None : More::WhenThereIsRoom;
}

// How many resources this pass may still make.
std::size_t allowance(PassState& state) {
  constexpr std::size_t no_limit = SIZE_MAX;
  auto limit = [](std::int64_t setting, std::int64_t used) {
    return setting == 0 ? no_limit : static_cast<std::size_t>(std::max<std::int64_t>(0, setting - used));
  };
  state.result.active = state.services.runs.store().counts(state.row.owner()).active;
  return std::min(limit(state.plan->spec.max_active, state.result.active),
                  limit(state.plan->spec.max_triggers_per_poll, state.numbers.triggered));
}

Task<void> release_recorded(PassState& state) {
  co_await release(state.services, recorded(*state.row.checkpoint, state.row.uid,
                                            state.services.runs.store().held(state.row.owner())));
}

// Before the first creation: the stored watcher is read with a quorum, however long the listing took, and must be the
// one this pass was planned for; whatever an unknown outcome may have left behind is found; and nothing may be held
// by our finalizer that the checkpoint does not know.
Task<Result<void>> stay_current(PassState& state) {
  if (auto same = co_await state.read_again(); !same) co_return pass(same);
  if (state.row.sweep) {
    auto swept = co_await sweep(state.services, *state.row.sweep, state.row.ns, state.row.name);
    if (!swept) co_return pass(swept);
  }
  auto held = state.services.runs.store().held(state.row.owner());
  if (recorded(*state.row.checkpoint, state.row.uid, held).size() != held.size())
    co_return std::unexpected(out_of_date());
  state.row.sweep
      .reset();  // not before: the watch may still tell of an earlier object and hide what was found
  co_return Result<void>{};
}

// Writes the checkpoint with what happened. The finalizers follow when the creations are through, or when too many of
// them have gathered.
Task<Result<void>> commit(PassState& state, TriggerStage& stage, const Checkpoint& next) {
  if (stage.begin_again()) co_return std::unexpected(out_of_date());
  auto harvest = stage.harvest();
  report::Status status = state.stored.status();
  state.note_triggered(status, harvest.triggered);
  for (report::SetAsideBlob& blob : harvest.set_aside) report::remember(status, std::move(blob));
  auto set_aside = static_cast<std::int64_t>(harvest.set_aside.size());
  status.set_aside += set_aside;
  state.numbers.pending -= static_cast<std::int64_t>(harvest.triggered.size()) + set_aside;
  state.allowance = allowance(state);
  if (!stage.halt()) {  // mostly the last write of the pass: then it says all there is to say
    state.numbers.runs = state.services.runs.store().counts(state.row.owner());
    state.numbers.duration = state.elapsed();
    state.numbers.verdict = verdict(state, &next);
    fill(status, state.numbers, state.generation, state.started_at, wall_time(state, next_poll(state)));
    state.row.reported = state.services.clock.mono();
  }
  if (auto written = co_await state.stored.write(std::move(status), next); !written) co_return pass(written);
  state.wrote = true;
  if (state.services.runs.store().held_count(state.row.owner()) > max_unreleased)
    co_await release_recorded(state);
  co_return Result<void>{};
}

Task<Result<void>> retry_earlier(PassState& state, TriggerStage& stage, Checkpoint& next,
                                 std::vector<Work> work) {
  if (work.size() > state.allowance) work.resize(state.allowance);
  if (work.empty()) co_return Result<void>{};
  std::vector<Candidate> candidates;
  for (const Work& w : work) candidates.push_back(w.candidate);
  auto outcomes = co_await stage.run(std::move(work));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    checkpoint::settle_postponed(next, candidates[i], outcomes[i]);
  }
  co_return co_await commit(state, stage, next);
}

// `selection` is the caller's, who awaits this.
Task<Result<void>> create(PassState& state, const Selection& selection, Target target) {
  Checkpoint next = state.known;
  checkpoint::drop_vanished_copies(next, selection);
  std::vector<checkpoint::Outcome> outcomes(selection.candidates.size());
  checkpoint::Progress progress{selection.candidates, outcomes, selection.truncated};
  next = checkpoint::advance(std::move(next), progress, state.horizon);
  std::vector<Work> earlier = due_work(next, selection, state.identity, state.services.clock.wall());
  std::size_t takeable = count_takeable(state, selection);
  state.numbers.pending = selection.eligible + static_cast<std::int64_t>(next.postponed.size());
  state.numbers.oldest_pending = checkpoint::oldest_waiting(next, selection);
  state.allowance = allowance(state);
  if ((takeable == 0 && earlier.empty()) || state.allowance == 0) {
    state.row.settled = next.cursor;
    state.settled = std::move(next);
    bool waits = takeable > 0 || first_failing(*state.settled) != nullptr;
    if (state.allowance == 0 && waits) state.result.more = out_of_room(state);
    co_return Result<void>{};
  }

  if (auto current = co_await stay_current(state); !current) co_return pass(current);
  TriggerStage stage(state.services, state.row, *state.plan, std::move(target));
  if (auto ok = co_await retry_earlier(state, stage, next, std::move(earlier)); !ok) co_return pass(ok);
  std::size_t first = 0;
  while (first < takeable && state.allowance > 0 && !stage.halt()) {
    std::size_t count =
        checkpoint::batch_size(next, progress, first, state.horizon, std::min(max_batch, state.allowance));
    count = std::min(count, takeable - first);
    if (count == 0) {  // no room for more keys until the cursor follows
      state.result.wish = state.services.settings.settle_margin;
      break;
    }
    auto batch =
        co_await stage.run(first_work(selection, first, count), state.services.clock.mono() + batch_time);
    std::ranges::move(batch, outcomes.begin() + static_cast<std::ptrdiff_t>(first));
    first += count_tried(std::span(outcomes).subspan(first, count));
    next = checkpoint::advance(std::move(next), progress, state.horizon);
    if (auto ok = co_await commit(state, stage, next); !ok) co_return pass(ok);
    if (stage.outdated()) co_return std::unexpected(out_of_date());
    if (state.row.gone || state.services.stopping())
      co_return fail(ErrorKind::Canceled, Reason::Canceled, "stopped");
  }
  if (stage.halt()) co_return std::unexpected(not_stale(*stage.halt()));
  bool all_tried = first == selection.candidates.size();
  bool waits = first < takeable || first_failing(next) != nullptr;
  bool some_done = std::ranges::find(outcomes, checkpoint::Outcome::Kind::Done, &checkpoint::Outcome::kind) !=
                   outcomes.end();
  if (all_tried && some_done && selection.truncated) state.result.more = More::Now;
  if (state.allowance == 0 && waits) state.result.more = out_of_room(state);
  co_return Result<void>{};
}

}  // namespace

Task<Result<void>> trigger(PassState& state, Selection selection, Target target) {
  auto done = co_await create(state, selection, std::move(target));
  if (state.settled || state.row.checkpoint)
    state.numbers.oldest_pending =
        checkpoint::oldest_waiting(state.settled ? *state.settled : *state.row.checkpoint, selection);
  if (state.wrote && state.row.checkpoint) co_await release_recorded(state);
  co_return done;
}

}  // namespace abo::controllers
