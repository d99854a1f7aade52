#include "controllers/blob_pass.h"

#include <algorithm>

#include "controllers/api_outage.h"
#include "controllers/held_runs.h"
#include "controllers/pass_beginning.h"
#include "controllers/pass_creation.h"
#include "controllers/pass_selection.h"
#include "controllers/pass_state.h"
#include "controllers/pass_verdict.h"
#include "controllers/postponed_work.h"
#include "controllers/run_history.h"
#include "controllers/watcher_access.h"

namespace abo::controllers {
namespace {

// Watchers that poll at least so often keep their plan: making it is most of what a small poll costs.
constexpr std::chrono::seconds often{10};

Task<Result<RunTracker::Followed>> plan(PassState& state) {
  state.plan = state.row.plan;
  if (!state.plan) {
    auto made = PassPlan::make(state.spec, state.row.ns, state.services.settings.kinds);
    if (!made) co_return pass(made);
    state.plan = std::make_shared<const PassPlan>(std::move(*made));
    if (state.interval() <= often) state.row.plan = state.plan;
  }
  co_return co_await state.services.runs.follow(state.plan->template_.api_version(),
                                                state.plan->template_.kind(), state.row.ns);
}

// Step 2 of the protocol, before anything is created: what is held and unknown is recorded, what is recorded is let
// go.
Task<Result<void>> record_held(PassState& state) {
  auto held = state.services.runs.store().held(state.row.owner());
  if (held.empty()) co_return Result<void>{};
  if (!state.row.checkpoint || !knows_all(*state.row.checkpoint, state.row.uid, held)) {
    if (auto loaded = co_await state.stored.load(); !loaded) co_return pass(loaded);
  }
  if (!state.row.checkpoint)
    co_return Result<void>{};  // begin() is still to come, and begins with what is there
  checkpoint::Checkpoint next = *state.row.checkpoint;
  auto unknown = absorb(next, state.row.uid, held, state.services.runs);
  if (!unknown.empty()) {
    report::Status status = state.stored.status();
    state.note_triggered(status, unknown);
    if (auto written = co_await state.stored.write(std::move(status), std::move(next)); !written)
      co_return pass(written);
  }
  co_await release(state.services, std::move(held));
  co_return Result<void>{};
}

// The container's address and the credential; the watcher's row says from here on whose lanes it uses.
Task<Result<azure::Access>> resolve_access(PassState& state) {
  auto access = co_await watcher_access(state.services.kube, state.services.clock, state.services.settings,
                                        state.plan->spec, state.generation, state.row);
  if (!access) co_return pass(access);
  state.identity = {state.row.uid, access->container.text()};
  state.row.account = access->container.endpoint.origin() + "/" + access->container.account;
  state.expires = access->expires;
  state.row.figures.credential_expires = state.expires.value_or(ServiceTime{});
  co_return std::move(*access);
}

// ---- the sentence ----

Task<Result<void>> poll(PassState& state) {
  // The lease is in doubt: nothing could be created, so nothing is asked either. Azure's answers are paid for.
  if (!state.services.may_act()) co_return std::unexpected(out_of_date());
  // The kind is followed from here on, so that what is held by it is known.
  auto target = co_await plan(state);
  if (auto recorded = co_await record_held(state); !recorded) co_return pass(recorded);
  if (state.suspended) co_return Result<void>{};
  if (!target) co_return pass(target);
  auto access = co_await resolve_access(state);
  if (!access) co_return pass(access);
  if (auto known = co_await know_checkpoint(state); !known) co_return pass(known);
  if (state.is_new) {
    if (auto begun = co_await begin(state, *access); !begun || state.held_back) co_return begun;
  }
  if (auto replays = co_await begin_replay(state); !replays) co_return pass(replays);
  auto selection = co_await choose(state, *access);
  if (!selection) co_return pass(selection);
  render::Source source =
      source_of(state.plan->spec, access->container, {state.row.ns, state.row.name, state.row.uid});
  co_return co_await trigger(state, std::move(*selection),
                             Target{target->resource, target->watch, std::move(source), state.generation});
}

// ---- the report ----

Task<void> keep_history(PassState& state) {
  auto kept = co_await controllers::keep_history(state.services, state.row);
  state.result.history_due = kept.due;
  state.result.warning_changed = kept.warning_changed;
  state.result.api_down = state.result.api_down || kept.api_down;
}

// Postponed blobs may be due before the interval is over.
void wish_for_postponed(PassState& state) {
  bool may_retry = state.row.checkpoint && state.allowance > 0 && !state.result.failed && !state.held_back &&
                   !state.suspended && state.row.checkpoint->source == state.identity.container_url;
  if (may_retry && !state.result.wish)
    state.result.wish = next_due(*state.row.checkpoint, state.services.clock.wall());
}

Task<Result<void>> report_once(PassState& state) {
  state.numbers.runs = state.services.runs.store().counts(state.row.owner());
  std::uint64_t print = fingerprint(state.numbers, state.generation, state.row.runs_revision);
  if (state.row.reported == MonoTime{}) state.row.reported = state.services.clock.mono();
  bool idle_refresh =
      state.services.clock.mono() - state.row.reported >= state.services.settings.idle_status_interval;
  if (print == state.row.report_print && !idle_refresh && !state.wrote) co_return Result<void>{};
  if (!state.stored.loaded()) {
    if (auto loaded = co_await state.stored.load_status(); !loaded) co_return pass(loaded);
  }
  report::Status before = state.stored.status();
  report::Status next = before;
  fill(next, state.numbers, state.generation, state.started_at, wall_time(state, *state.result.announced));
  follow_phases(next, state.services.runs, state.row.ns);
  next.triggered_jobs.resize(std::min(next.triggered_jobs.size(), state.history_limit()));
  if (state.settled && state.stored.holds_row_checkpoint())
    next.checkpoint = checkpoint::to_json(*state.settled);
  // What was written after the creations did not know yet what is due before the interval is over.
  bool misdated = state.wrote && next.next_poll_time != before.next_poll_time;
  if (idle_refresh || misdated || !report::says_the_same(before, next)) {
    if (auto written = co_await state.stored.write(next); !written) co_return pass(written);
    state.row.reported = state.services.clock.mono();
  }
  if (report::turned(state.stored.found(), next))
    state.services.telemetry.turned(state.row, state.numbers.verdict);
  tell_of_expiry(state);
  state.row.report_print = print;
  co_return Result<void>{};
}

void unreported(PassState& state, const Error& error) {
  state.result.unreported = true;
  state.result.api_down = state.result.api_down || api_is_away(error);
  if (error.retry_after) state.result.retry_after = error.retry_after;
  state.services.telemetry.report_failed(state.row, error);
}

PassResult ended(PassState& state) {
  if (state.row.checkpoint) state.result.release_due = next_release(state.services, state.row.owner());
  wish_for_postponed(state);
  return state.result;
}

// Only what can be said without asking Azure: held resources, counts, phases.
Task<Result<void>> refresh_stored(PassState& state) {
  if (auto recorded = co_await record_held(state); !recorded) co_return pass(recorded);
  if (auto loaded = co_await state.stored.load(); !loaded) co_return pass(loaded);
  report::Status next = state.stored.status();
  follow_phases(next, state.services.runs, state.row.ns);  // what is deleted now keeps its last one
  co_await keep_history(state);
  RunCounts counts = state.services.runs.store().counts(state.row.owner());
  state.row.figures.active = counts.active;
  fill_counts(next, counts);
  follow_phases(next, state.services.runs, state.row.ns);
  if (report::says_the_same(state.stored.status(), next)) co_return Result<void>{};
  state.row.refreshed = state.services.clock.mono();
  co_return co_await state.stored.write(std::move(next));
}

}  // namespace

Task<PassResult> run_blob_pass(Services& services, WatcherRow& row) {
  PassState state(services, row);
  auto done = co_await poll(state);
  state.numbers.duration = state.elapsed();
  if (!done && done.error().kind == ErrorKind::Canceled) co_return ended(state);
  if (!done && done.error().kind == ErrorKind::Conflict) {
    state.row.checkpoint.reset();
    state.result.again = true;
    co_return ended(state);
  }
  if (!done) {
    state.result.failed = true;
    state.result.api_down = api_is_away(done.error());
    state.result.retry_after = done.error().retry_after;
    state.services.telemetry.poll_failed(state.row, done.error());
    if (done.error().kind == ErrorKind::Unauthenticated) state.row.access.reset();
  }
  if (done) state.row.history.polled = true;
  if (!state.result.api_down) co_await keep_history(state);
  // A server that asks for patience is not asked to store that it does.
  bool patience = !done && done.error().reason == Reason::ApiServerUnavailable && state.result.retry_after;
  if (patience && !state.stored.loaded()) co_return ended(state);
  state.numbers.verdict =
      done ? verdict(state, state.row.checkpoint.get()) : report::verdict_of(done.error());
  state.result.verdict = state.numbers.verdict;
  wish_for_postponed(state);
  state.result.announced = next_poll(state);
  if (auto reported = co_await report_once(state); !reported) {
    if (reported.error().kind != ErrorKind::Canceled) unreported(state, reported.error());
    state.row.report_print = 0;
    state.row.checkpoint.reset();
  }
  if (!state.row.gone) state.services.telemetry.polled(state.row, state.numbers);
  co_return ended(state);
}

Task<PassResult> refresh_status(Services& services, WatcherRow& row) {
  PassState state(services, row);
  auto done = co_await refresh_stored(state);
  if (!done && done.error().kind != ErrorKind::Canceled) unreported(state, done.error());
  co_return ended(state);
}

}  // namespace abo::controllers
