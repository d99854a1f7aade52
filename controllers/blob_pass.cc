#include "controllers/blob_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "checkpoint/advance.h"
#include "checkpoint/candidates.h"
#include "checkpoint/existing.h"
#include "checkpoint/replay.h"
#include "controllers/api_outage.h"
#include "controllers/container_listing.h"
#include "controllers/held_runs.h"
#include "controllers/pass_plan.h"
#include "controllers/pass_report.h"
#include "controllers/postponed_work.h"
#include "controllers/replay_request.h"
#include "controllers/run_history.h"
#include "controllers/stored_watcher.h"
#include "controllers/trigger_stage.h"
#include "controllers/watcher_access.h"

namespace abo::controllers {
namespace {

using checkpoint::Candidate;
using checkpoint::Checkpoint;
using checkpoint::Horizon;
using checkpoint::Selection;

// Resources created between two writes of the checkpoint: at most so many, and as many as are created in so long. The
// finalizers hold their names meanwhile; writing more often would let the API server wait for us.
constexpr std::size_t max_batch = 1024;
constexpr std::chrono::seconds batch_time{5};
// Recorded resources whose finalizers wait until the creations are through; with more they go between two batches, as
// far as they have been held long enough (Settings::recording_hold).
constexpr std::size_t max_unreleased = 1024;
// Watchers that poll at least so often keep their plan: making it is most of what a small poll costs.
constexpr std::chrono::seconds often{10};
// A credential that ends is told of from so long before.
constexpr std::chrono::days credential_warning{7};

Error out_of_date() {
  return {ErrorKind::Conflict, Reason::ApiServerUnavailable, "the watcher changed during the poll"};
}

// Conflict means "what we knew is old" here; of a creation it means something else.
// And a creation that may not be sent (the lease is in doubt) is no end of the work, but a reason to look again.
Error not_stale(Error error) {
  if (error.kind == ErrorKind::Canceled) return out_of_date();
  if (error.kind == ErrorKind::Conflict) error.kind = ErrorKind::UnknownOutcome;
  return error;
}

class BlobPass {
 public:
  BlobPass(Services& services, WatcherRow& row)
      : services_(services),
        row_(row),
        stored_(services, row),
        generation_(row.generation),
        spec_(row.spec),
        wish_(row.wish()),
        suspended_(row.suspended),
        started_(services.clock.mono()),
        started_at_(services.clock.wall()) {}

  // Only what can be said without asking Azure: held resources, counts, phases.
  Task<PassResult> refresh() {
    auto done = co_await refresh_stored();
    if (!done && done.error().kind != ErrorKind::Canceled) unreported(done.error());
    co_return ended();
  }

  Task<PassResult> run() {
    auto done = co_await poll();
    if (!done && done.error().kind == ErrorKind::Canceled) co_return ended();
    if (!done && done.error().kind == ErrorKind::Conflict) {
      row_.checkpoint.reset();
      result_.again = true;
      co_return ended();
    }
    if (!done) {
      result_.failed = true;
      result_.api_down = api_is_away(done.error());
      result_.retry_after = done.error().retry_after;
      services_.telemetry.poll_failed(row_, done.error());
      if (done.error().kind == ErrorKind::Unauthenticated) row_.access.reset();
    }
    if (done) row_.history.polled = true;
    if (!result_.api_down) co_await keep_history();
    // A server that asks for patience is not asked to store that it does.
    bool patience = !done && done.error().reason == Reason::ApiServerUnavailable && result_.retry_after;
    if (patience && !stored_.loaded()) co_return ended();
    numbers_.verdict = done ? verdict(row_.checkpoint.get()) : report::verdict_of(done.error());
    result_.verdict = numbers_.verdict;
    if (auto reported = co_await report_once(); !reported) {
      if (reported.error().kind != ErrorKind::Canceled) unreported(reported.error());
      row_.report_print = 0;
      row_.checkpoint.reset();
    }
    if (!row_.gone) services_.telemetry.polled(row_, numbers_);
    co_return ended();
  }

 private:
  // ---- the sentence ----

  Task<Result<void>> poll() {
    auto target = co_await plan();  // the kind is followed from here on, so that what is held by it is known
    if (auto recorded = co_await record_held(); !recorded) co_return pass(recorded);
    if (suspended_) co_return Result<void>{};
    if (!target) co_return pass(target);
    auto access = co_await watcher_access(services_.kube, services_.clock, services_.settings, plan_->spec,
                                          generation_, row_);
    if (!access) co_return pass(access);
    identity_ = {row_.uid, access->container.text()};
    row_.account = access->container.endpoint.origin() + "/" + access->container.account;
    expires_ = access->expires;
    row_.figures.credential_expires = expires_.value_or(ServiceTime{});
    if (auto known = co_await know_checkpoint(); !known) co_return pass(known);
    if (is_new_) {
      if (auto begun = co_await begin(*access); !begun || held_back_) co_return begun;
    }
    if (auto replays = co_await begin_replay(); !replays) co_return pass(replays);
    auto selection = co_await choose(*access);
    if (!selection) co_return pass(selection);
    co_return co_await trigger(std::move(*selection),
                               Target{target->resource, target->watch, source(*access), generation_});
  }

  Task<Result<RunTracker::Followed>> plan() {
    plan_ = row_.plan;
    if (!plan_) {
      auto made = PassPlan::make(spec_, row_.ns, services_.settings.kinds);
      if (!made) co_return pass(made);
      plan_ = std::make_shared<const PassPlan>(std::move(*made));
      if (interval() <= often) row_.plan = plan_;
    }
    co_return co_await services_.runs.follow(plan_->template_.api_version(), plan_->template_.kind(),
                                             row_.ns);
  }

  // Step 2 of the protocol, before anything is created: what is held and unknown is recorded, what is recorded is let
  // go.
  Task<Result<void>> record_held() {
    auto held = services_.runs.store().held(row_.owner());
    if (held.empty()) co_return Result<void>{};
    if (!row_.checkpoint || !knows_all(*row_.checkpoint, row_.uid, held)) {
      if (auto loaded = co_await stored_.load(); !loaded) co_return pass(loaded);
    }
    if (!row_.checkpoint)
      co_return Result<void>{};  // begin() is still to come, and begins with what is there
    Checkpoint next = *row_.checkpoint;
    auto unknown = absorb(next, row_.uid, held, services_.runs);
    if (!unknown.empty()) {
      report::Status status = stored_.status();
      note_triggered(status, unknown);
      if (auto written = co_await stored_.write(std::move(status), std::move(next)); !written)
        co_return pass(written);
    }
    co_await release(services_, std::move(held));
    co_return Result<void>{};
  }

  // A watcher that has no checkpoint for this container: decides what becomes of the blobs that are there.
  // Whatever it decides is stored before anything is created, and only after the container was listed to its end: a
  // typo in its name concludes nothing. A container it looked at before is taken up where it was left.
  Task<Result<void>> begin(azure::Access access) {
    Checkpoint initial = checkpoint::begin_with_all(identity_.container_url);
    auto start = checkpoint::start_at(plan_->spec, row_.checkpoint.get(), identity_.container_url);
    bool ignore = start == checkpoint::Start::IgnoreExisting;
    checkpoint::IgnoreExisting existing(identity_);
    auto take = [&](const listing::BlobView& blob) {
      if (ignore) existing.offer(blob);
    };
    auto horizon = co_await list(access, {[&] { existing = checkpoint::IgnoreExisting(identity_); }, take});
    if (!horizon) co_return pass(horizon);
    if (auto same = co_await read_again(); !same)
      co_return pass(same);  // a choice may have been made meanwhile
    held_back_ = checkpoint::must_hold(start, numbers_.matched);
    // Rows of a page that had to be asked for again were counted again: it is counted anew, and soon.
    if (held_back_ && repeated_) result_.wish = std::chrono::seconds{10};
    if (held_back_) co_return Result<void>{};
    if (ignore) initial = std::move(existing).finish(*horizon);
    if (row_.checkpoint) {
      auto moved = checkpoint::move_to(*row_.checkpoint, std::move(initial));
      if (!moved) co_return pass(moved);
      initial = std::move(*moved);
    }
    co_return co_await restart(std::move(initial));
  }

  // The watcher's owner wants blobs triggered again (the annotation replay-since): the checkpoint goes back to that time,
  // in one write, and only then does anything get a key of the replay.
  Task<Result<void>> begin_replay() {
    if (!replay_due(*row_.checkpoint, wish_)) co_return Result<void>{};
    if (auto same = co_await read_again(); !same) co_return pass(same);  // the wish may be gone by now
    co_return co_await restart(settled_checkpoint());
  }

  // Writes what is begun with: that, or a replay of it. When there is no room for a replay the Ready condition says so.
  Task<Result<void>> restart(Checkpoint from) {
    auto since = replay_due(from, wish_);
    auto replayed = since ? checkpoint::replay(from, *since) : std::nullopt;
    if (!replayed && !is_new_) co_return Result<void>{};
    report::Status status = stored_.status();
    auto written =
        co_await stored_.write(std::move(status), replayed ? std::move(*replayed) : std::move(from));
    if (written && replayed) services_.telemetry.replay_started(row_, *since);
    co_return written;
  }

  // With what idle polls found since it was written.
  Checkpoint settled_checkpoint() const {
    Checkpoint checkpoint = *row_.checkpoint;
    if (row_.settled) checkpoint.move_cursor(*row_.settled);
    return checkpoint;
  }

  Task<Result<Selection>> choose(azure::Access access) {
    known_ = settled_checkpoint();
    identity_ = checkpoint::identity_of(known_, row_.uid);
    std::optional<checkpoint::CandidateSelector> selector;
    auto horizon =
        co_await list(std::move(access),
                      {[&] { selector.emplace(known_, identity_, checkpoint::CandidateSelector::Limits{}); },
                       [&](const listing::BlobView& blob) { selector->offer(blob); }});
    if (!horizon) co_return pass(horizon);
    horizon_ = *horizon;
    co_return std::move(*selector).finish();
  }

  Task<Result<Horizon>> list(azure::Access access, ListingTaker taker) {
    numbers_.complete = false;
    auto listing = co_await list_container(services_, row_, *plan_, std::move(access), std::move(taker));
    result_.listing = listing.took;
    numbers_.listed = listing.listed;
    numbers_.matched = listing.matched;
    numbers_.hierarchical = listing.hierarchical;
    numbers_.complete = listing.horizon.has_value();
    repeated_ = listing.repeated;
    co_return std::move(listing.horizon);
  }

  // Creations first: the finalizers of what is recorded may follow. However it ends, what the stored checkpoint knows is let
  // go; after a write that failed it is unknown, and nothing is.
  Task<Result<void>> trigger(Selection selection, Target target) {
    auto done = co_await create(selection, std::move(target));
    if (settled_ || row_.checkpoint)
      numbers_.oldest_pending =
          checkpoint::oldest_waiting(settled_ ? *settled_ : *row_.checkpoint, selection);
    if (wrote_ && row_.checkpoint) co_await release_recorded();
    co_return done;
  }

  Task<void> release_recorded() {
    co_await release(services_,
                     recorded(*row_.checkpoint, row_.uid, services_.runs.store().held(row_.owner())));
  }

  // `selection` is the caller's, who awaits this.
  Task<Result<void>> create(const Selection& selection, Target target) {
    Checkpoint next = known_;
    checkpoint::drop_vanished_copies(next, selection);
    std::vector<checkpoint::Outcome> outcomes(selection.candidates.size());
    checkpoint::Progress progress{selection.candidates, outcomes, selection.truncated};
    next = checkpoint::advance(std::move(next), progress, horizon_);
    std::vector<Work> earlier = due_work(next, selection, identity_, services_.clock.wall());
    std::size_t takeable = count_takeable(selection);
    numbers_.pending = selection.eligible + static_cast<std::int64_t>(next.postponed.size());
    numbers_.oldest_pending = checkpoint::oldest_waiting(next, selection);
    allowance_ = allowance();
    if ((takeable == 0 && earlier.empty()) || allowance_ == 0) {
      row_.settled = next.cursor;
      settled_ = std::move(next);
      bool waits = takeable > 0 || first_failing(*settled_) != nullptr;
      if (allowance_ == 0 && waits) result_.more = out_of_room();
      co_return Result<void>{};
    }

    if (auto current = co_await stay_current(); !current) co_return pass(current);
    TriggerStage stage(services_, row_, *plan_, std::move(target));
    if (auto ok = co_await retry_earlier(stage, next, std::move(earlier)); !ok) co_return pass(ok);
    std::size_t first = 0;
    while (first < takeable && allowance_ > 0 && !stage.halt()) {
      std::size_t count =
          checkpoint::batch_size(next, progress, first, horizon_, std::min(max_batch, allowance_));
      count = std::min(count, takeable - first);
      if (count == 0) {  // no room for more keys until the cursor follows
        result_.wish = services_.settings.settle_margin;
        break;
      }
      auto batch =
          co_await stage.run(first_work(selection, first, count), services_.clock.mono() + batch_time);
      std::ranges::move(batch, outcomes.begin() + static_cast<std::ptrdiff_t>(first));
      first += count_tried(std::span(outcomes).subspan(first, count));
      next = checkpoint::advance(std::move(next), progress, horizon_);
      if (auto ok = co_await commit(stage, next); !ok) co_return pass(ok);
      if (stage.outdated()) co_return std::unexpected(out_of_date());
      if (row_.gone || services_.stopping()) co_return fail(ErrorKind::Canceled, Reason::Canceled, "stopped");
    }
    if (stage.halt()) co_return std::unexpected(not_stale(*stage.halt()));
    bool all_tried = first == selection.candidates.size();
    bool waits = first < takeable || first_failing(next) != nullptr;
    if (all_tried && selection.truncated) result_.more = More::Now;
    if (allowance_ == 0 && waits) result_.more = out_of_room();
    co_return Result<void>{};
  }

  // ---- its parts ----

  Task<Result<void>> retry_earlier(TriggerStage& stage, Checkpoint& next, std::vector<Work> work) {
    if (work.size() > allowance_) work.resize(allowance_);
    if (work.empty()) co_return Result<void>{};
    std::vector<Candidate> candidates;
    for (const Work& w : work) candidates.push_back(w.candidate);
    auto outcomes = co_await stage.run(std::move(work));
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      checkpoint::settle_postponed(next, candidates[i], outcomes[i]);
    }
    co_return co_await commit(stage, next);
  }

  // Those that the time did not suffice for stand at the end.
  static std::size_t count_tried(std::span<const checkpoint::Outcome> outcomes) {
    auto untried =
        std::ranges::find(outcomes, checkpoint::Outcome::Kind::Untried, &checkpoint::Outcome::kind);
    return static_cast<std::size_t>(untried - outcomes.begin());
  }

  static std::vector<Work> first_work(const Selection& selection, std::size_t first, std::size_t count) {
    std::vector<Work> work;
    for (std::size_t i = first; i < first + count; ++i) work.push_back({selection.candidates[i]});
    return work;
  }

  std::size_t count_takeable(const Selection& selection) const {
    auto young = std::ranges::find_if(selection.candidates, [&](const Candidate& c) {
      return c.blob.last_modified > horizon_.newest_takeable();
    });
    return static_cast<std::size_t>(young - selection.candidates.begin());
  }

  // How many resources this pass may still make.
  std::size_t allowance() {
    constexpr std::size_t no_limit = SIZE_MAX;
    auto limit = [](std::int64_t setting, std::int64_t used) {
      return setting == 0 ? no_limit : static_cast<std::size_t>(std::max<std::int64_t>(0, setting - used));
    };
    result_.active = services_.runs.store().counts(row_.owner()).active;
    return std::min(limit(plan_->spec.max_active, result_.active),
                    limit(plan_->spec.max_triggers_per_poll, numbers_.triggered));
  }

  // Before the first creation: the stored watcher is read with a quorum, however long the listing took, and must be the
  // one this pass was planned for; whatever an unknown outcome may have left behind is found; and nothing may be held
  // by our finalizer that the checkpoint does not know.
  Task<Result<void>> stay_current() {
    if (auto same = co_await read_again(); !same) co_return pass(same);
    if (row_.sweep) {
      auto swept = co_await sweep(services_, *row_.sweep, row_.ns, row_.name);
      if (!swept) co_return pass(swept);
    }
    auto held = services_.runs.store().held(row_.owner());
    if (recorded(*row_.checkpoint, row_.uid, held).size() != held.size())
      co_return std::unexpected(out_of_date());
    row_.sweep.reset();  // not before: the watch may still tell of an earlier object and hide what was found
    co_return Result<void>{};
  }

  // Reads the stored watcher with a quorum: another checkpoint, spec or wish for a replay than this pass works by ends it.
  // So what lands after such a wish was stored is triggered once, by the replay.
  Task<Result<void>> read_again() {
    std::optional<Checkpoint> expected;
    if (row_.checkpoint) expected = *row_.checkpoint;
    if (auto loaded = co_await stored_.load(); !loaded) co_return pass(loaded);
    bool same = row_.checkpoint ? expected && *expected == *row_.checkpoint : !expected;
    bool other_wish = stored_.replay_wish() != wish_;
    if (other_wish) row_.take_wish(stored_.replay_wish());
    if (!same || other_wish || stored_.generation() != generation_) co_return std::unexpected(out_of_date());
    co_return Result<void>{};
  }

  // Writes the checkpoint with what happened. The finalizers follow when the creations are through, or when too many of
  // them have gathered.
  Task<Result<void>> commit(TriggerStage& stage, const Checkpoint& next) {
    if (stage.begin_again()) co_return std::unexpected(out_of_date());
    auto harvest = stage.harvest();
    report::Status status = stored_.status();
    note_triggered(status, harvest.triggered);
    for (report::SetAsideBlob& blob : harvest.set_aside) report::remember(status, std::move(blob));
    auto set_aside = static_cast<std::int64_t>(harvest.set_aside.size());
    status.set_aside += set_aside;
    numbers_.pending -= static_cast<std::int64_t>(harvest.triggered.size()) + set_aside;
    allowance_ = allowance();
    if (!stage.halt()) {  // mostly the last write of the pass: then it says all there is to say
      numbers_.runs = services_.runs.store().counts(row_.owner());
      numbers_.duration = elapsed();
      numbers_.verdict = verdict(&next);
      fill(status, numbers_, generation_, started_at_, interval());
      row_.reported = services_.clock.mono();
    }
    if (auto written = co_await stored_.write(std::move(status), next); !written) co_return pass(written);
    wrote_ = true;
    if (services_.runs.store().held_count(row_.owner()) > max_unreleased) co_await release_recorded();
    co_return Result<void>{};
  }

  void note_triggered(report::Status& status, const std::vector<report::TriggeredJob>& jobs) {
    std::string now = format_rfc3339(std::chrono::floor<std::chrono::seconds>(services_.clock.wall()));
    for (report::TriggeredJob job : jobs) {
      if (job.triggered_at.empty()) job.triggered_at = now;
      report::remember(status, std::move(job), history_limit());
    }
    status.triggered += static_cast<std::int64_t>(jobs.size());
    numbers_.triggered += static_cast<std::int64_t>(jobs.size());
    if (!jobs.empty()) status.last_trigger_time = now;
  }

  More out_of_room() const {
    std::int64_t limit = plan_->spec.max_triggers_per_poll;
    return limit > 0 && numbers_.triggered >= limit ? More::None : More::WhenThereIsRoom;
  }

  std::size_t history_limit() const {
    constexpr std::size_t longest = 100;  // without a plan nothing is cut that a plan might keep
    return plan_ ? static_cast<std::size_t>(plan_->spec.status_history_limit) : longest;
  }

  render::Source source(const azure::Access& access) const {
    return source_of(plan_->spec, access.container, {row_.ns, row_.name, row_.uid});
  }

  Task<Result<void>> know_checkpoint() {
    if (!row_.checkpoint && !stored_.loaded()) {
      if (auto loaded = co_await stored_.load(); !loaded) co_return pass(loaded);
    }
    auto elsewhere = [this] {
      return !row_.checkpoint || row_.checkpoint->source != identity_.container_url;
    };
    if (elsewhere() && !stored_.loaded()) {
      if (auto loaded = co_await stored_.load(); !loaded) co_return pass(loaded);
    }
    is_new_ = elsewhere();
    co_return Result<void>{};
  }

  // ---- the report ----

  // `known` may be null: there is no checkpoint yet.
  report::Verdict verdict(const Checkpoint* known) const {
    if (suspended_) return suspended_verdict();
    if (held_back_) return held_back_verdict(numbers_.matched);
    if (const checkpoint::Postponed* failing = known ? first_failing(*known) : nullptr)
      return waiting_verdict(*failing);
    std::string also = warnings(*plan_) + row_.history.warning;
    if (known) also += replay_warning(*known, wish_);
    if (std::string warning = expiry_warning(); !warning.empty()) also += " Warning: " + warning;
    bool out_of_room = allowance_ == 0 && numbers_.pending > 0;
    return ready_verdict(out_of_room, numbers_.hierarchical, also);
  }

  // Empty unless the credential ends soon. It names the moment and not how long is left, so that it stays the same.
  std::string expiry_warning() const {
    if (!expires_ || *expires_ - services_.clock.wall() > credential_warning) return "";
    return credential_warning_text(plan_->spec.credentials_secret, *expires_);
  }

  // One Event for each end of a credential, also over restarts: who is told is what the stored condition does not say.
  void tell_of_expiry() {
    std::string warning = expiry_warning();
    if (warning.empty() || row_.figures.expiry_told == *expires_) return;
    row_.figures.expiry_told = *expires_;
    const report::Condition* was = report::ready(stored_.found());
    if (was && was->message.contains(warning)) return;
    services_.telemetry.credential_expiring(row_, warning);
  }

  Task<Result<void>> report_once() {
    numbers_.runs = services_.runs.store().counts(row_.owner());
    numbers_.duration = elapsed();
    std::uint64_t print = fingerprint(numbers_, generation_, row_.runs_revision);
    if (row_.reported == MonoTime{}) row_.reported = services_.clock.mono();
    bool idle_refresh = services_.clock.mono() - row_.reported >= services_.settings.idle_status_interval;
    if (print == row_.report_print && !idle_refresh) co_return Result<void>{};
    if (!stored_.loaded()) {
      if (auto loaded = co_await stored_.load_status(); !loaded) co_return pass(loaded);
    }
    report::Status before = stored_.status();
    report::Status next = before;
    fill(next, numbers_, generation_, started_at_, interval());
    follow_phases(next, services_.runs, row_.ns);
    next.triggered_jobs.resize(std::min(next.triggered_jobs.size(), history_limit()));
    if (settled_ && stored_.holds_row_checkpoint()) next.checkpoint = checkpoint::to_json(*settled_);
    if (idle_refresh || !report::says_the_same(before, next)) {
      if (auto written = co_await stored_.write(next); !written) co_return pass(written);
      row_.reported = services_.clock.mono();
    }
    if (report::turned(stored_.found(), next)) services_.telemetry.turned(row_, numbers_.verdict);
    tell_of_expiry();
    row_.report_print = print;
    co_return Result<void>{};
  }

  Task<Result<void>> refresh_stored() {
    if (auto recorded = co_await record_held(); !recorded) co_return pass(recorded);
    if (auto loaded = co_await stored_.load(); !loaded) co_return pass(loaded);
    co_await keep_history();
    report::Status next = stored_.status();
    RunCounts counts = services_.runs.store().counts(row_.owner());
    row_.figures.active = counts.active;
    fill_counts(next, counts);
    follow_phases(next, services_.runs, row_.ns);
    if (report::says_the_same(stored_.status(), next)) co_return Result<void>{};
    row_.refreshed = services_.clock.mono();
    co_return co_await stored_.write(std::move(next));
  }

  Task<void> keep_history() {
    auto kept = co_await controllers::keep_history(services_, row_);
    result_.history_due = kept.due;
    result_.warning_changed = kept.warning_changed;
    result_.api_down = result_.api_down || kept.api_down;
  }

  std::chrono::seconds interval() const {
    return std::chrono::seconds{plan_ ? plan_->spec.polling_interval_seconds : 60};
  }

  std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock.mono() - started_);
  }

  void unreported(const Error& error) {
    result_.unreported = true;
    result_.api_down = result_.api_down || api_is_away(error);
    if (error.retry_after) result_.retry_after = error.retry_after;
    services_.telemetry.report_failed(row_, error);
  }

  PassResult ended() {
    if (row_.checkpoint) result_.release_due = next_release(services_, row_.owner());
    bool may_retry = row_.checkpoint && allowance_ > 0 && !result_.failed && !held_back_ && !suspended_ &&
                     row_.checkpoint->source == identity_.container_url;
    if (may_retry && !result_.wish) result_.wish = next_due(*row_.checkpoint, services_.clock.wall());
    return result_;
  }

  Services& services_;
  WatcherRow& row_;
  StoredWatcher stored_;
  // The watch may bring a newer spec while the pass runs; this pass is about the one it began with.
  const std::int64_t generation_;
  const std::string spec_;
  const std::string wish_;  // for a replay
  const bool suspended_;
  MonoTime started_;
  WallTime started_at_;
  std::shared_ptr<const PassPlan> plan_;
  checkpoint::Identity identity_;
  std::optional<ServiceTime> expires_;  // the credential, by its own words
  Horizon horizon_;
  bool is_new_ = false;     // no checkpoint for this container yet
  bool wrote_ = false;      // a checkpoint, so that finalizers may go
  bool held_back_ = false;  // too many existing blobs, and nobody has chosen
  bool repeated_ = false;   // a page of the listing was asked for more than once
  std::size_t allowance_ = SIZE_MAX;
  Checkpoint known_;  // the row's, moved forward by what earlier polls found settled
  std::optional<Checkpoint>
      settled_;  // moved forward by a poll that found nothing to do; stored with the next report
  PassNumbers numbers_;
  PassResult result_;
};

}  // namespace

Task<PassResult> refresh_status(Services& services, WatcherRow& row) {
  BlobPass blob_pass(services, row);
  co_return co_await blob_pass.refresh();
}

Task<PassResult> run_blob_pass(Services& services, WatcherRow& row) {
  BlobPass blob_pass(services, row);
  co_return co_await blob_pass.run();
}

}  // namespace abo::controllers
