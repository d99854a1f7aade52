// One creation of a batch, from the request to what it means: trigger_stage.cc and resource_creator.cc.
#include <algorithm>
#include <utility>

#include "tests/model/pass_step.h"

namespace abo::model {
namespace {

constexpr std::chrono::milliseconds retry_delay{1000};

}  // namespace

void Step::job(Job& job) {
  switch (job.state) {
    case Job::State::Ready:
      send(job);
      break;
    case Job::State::Sent:
      hear(job);
      break;
    case Job::State::Look:
      look(job);
      break;
    case Job::State::Done:
      break;
  }
  bool done = std::ranges::all_of(pass_.batch, [](const Job& j) { return j.state == Job::State::Done; });
  if (!done) return;
  std::size_t first = pass_.first;
  settle();
  pass_.first = first;
  batch_done();
}

bool Step::must_stop() const {
  return pass_.halted || pass_.begin_again || me_.generation != pass_.generation;
}

void Step::send(Job& job) {
  if (!job.second && must_stop()) return finish(job, Outcome::Kind::Untried);
  if (!job.second) job.one_name_only = under_way_for(job) > std::chrono::milliseconds{0};
  bool may = std::exchange(job.unchecked, false) || me_.may_act(world_, rules_);
  if (refused() || !may) {
    pass_.halted = true;
    return finish(job, Outcome::Kind::Untried);
  }
  bool fallback = job.fallback();
  job.request = cluster_.next_request++;
  job.state = Job::State::Sent;
  CreateRequest request{.id = job.request,
                        .sender = me_.index,
                        .incarnation = me_.incarnation,
                        .name = object_name(world_, job.version, epoch(job.version), fallback, rules_),
                        .version = job.version,
                        .epoch = epoch(job.version),
                        .with_finalizer = !is(Mutant::NoFinalizer),
                        .led = cluster_.is_led_by(me_.index, me_.incarnation),
                        .deadline = world_.now + rules_.longest_flight()};
  cluster_.requests.push_back(std::move(request));
}

void Step::hear(Job& job) {
  CreateRequest request = *cluster_.request(job.request);
  if (!request.flying)
    std::erase_if(cluster_.requests, [&](const CreateRequest& r) { return r.id == request.id; });
  switch (request.answer) {
    case CreateRequest::Answer::None:
      return;
    case CreateRequest::Answer::Created:
      return keep(job, request.uid, !is(Mutant::NoFinalizer));
    case CreateRequest::Answer::Exists:
      if (is(Mutant::AnyConflictIsSuccess)) return finish(job, Outcome::Kind::Done);
      job.state = Job::State::Look;
      return;
    case CreateRequest::Answer::Refused:
      return postpone(job, Reason::QuotaExceeded, false);
    case CreateRequest::Answer::Unknown:
      return postpone(job, Reason::ApiServerUnavailable, true);
  }
}

void Step::look(Job& job) {
  if (refused()) return postpone(job, Reason::ApiServerUnavailable, true);
  const Object* holder =
      cluster_.holder(object_name(world_, job.version, epoch(job.version), job.fallback(), rules_));
  if (!holder && is(Mutant::GoneHolderIsFree)) {
    job.state = Job::State::Ready;
    job.unchecked = true;
    return;
  }
  if (!holder) {
    pass_.begin_again = true;
    return finish(job, Outcome::Kind::Untried);
  }
  bool foreign = made(holder->uid).version == Made::foreign;
  bool ours = foreign ? is(Mutant::ForeignObjectAdopted) : key_of(made(holder->uid)) == key_of(job.version);
  if (ours) return keep(job, holder->uid, holder->held);
  if (job.second) return finish(job, Outcome::Kind::Done);  // both names belong to something else: set aside
  if (job.one_name_only && !is(Mutant::NoWaitForOtherName)) return postpone(job, Reason::NameConflict, false);
  job.second = true;
  job.state = Job::State::Ready;
}

void Step::keep(Job& job, int uid, bool held) {
  auto at = std::ranges::find(me_.store, uid, &Seen::uid);
  if (at == me_.store.end()) {
    me_.store.push_back({.uid = uid, .held = held, .since = world_.now});
  } else {
    at->held = held;
  }
  finish(job, Outcome::Kind::Done);
}

void Step::note_under_way(const Job& job) {
  MonoTime now = me_.mono(world_, rules_);
  me_.sweep = true;
  std::erase_if(me_.under_way, [&](const auto& one) { return one.second <= now; });
  me_.under_way[key_of(job.version).bits()] = now + std::chrono::milliseconds{rules_.longest_flight()};
}

std::chrono::milliseconds Step::under_way_for(const Job& job) const {
  using std::chrono::milliseconds;
  auto stored = std::clamp<milliseconds>(job.under_way_until - me_.wall(world_, rules_), milliseconds{0},
                                         std::chrono::milliseconds{rules_.longest_flight()});
  auto own = me_.under_way.find(key_of(job.version).bits());
  if (own == me_.under_way.end()) return stored;
  return std::max(stored, std::chrono::ceil<milliseconds>(own->second - me_.mono(world_, rules_)));
}

void Step::postpone(Job& job, Reason reason, bool unknown) {
  if (unknown) note_under_way(job);
  WallTime now = me_.wall(world_, rules_);
  std::chrono::milliseconds under_way = under_way_for(job);
  std::chrono::milliseconds delay = rules_.coarse ? std::chrono::milliseconds{0} : retry_delay;
  finish(job, Outcome::Kind::Postponed);
  job.outcome.attempts = job.attempts + 1;
  job.outcome.fallback = job.fallback_first || (job.fallback() && unknown);
  if (unknown && is(Mutant::OtherNameAfterUnknown)) job.outcome.fallback = !job.fallback();
  job.outcome.retry_at = now + (reason == Reason::NameConflict ? under_way : delay);
  job.outcome.reason = reason;
  if (under_way > std::chrono::milliseconds{0}) job.outcome.under_way_until = now + under_way;
}

void Step::finish(Job& job, Outcome::Kind kind) {
  job.outcome = {};
  job.outcome.kind = kind;
  job.state = Job::State::Done;
}

}  // namespace abo::model
