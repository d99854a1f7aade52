#include "kube/lease.h"

#include <utility>

#include "kube/resource.h"

namespace abo::kube {

LeaderElection::LeaderElection(Client& client, ElectionOptions options, const Clock& clock, Sleeper& sleeper,
                               std::function<double()> random)
    : client_(client),
      options_(std::move(options)),
      clock_(clock),
      sleeper_(sleeper),
      random_(std::move(random)),
      state_(options_.identity, options_.times) {}

Task<Result<LeaseState::Next>> LeaderElection::look() {
  Result<json::object> read = co_await client_.get(resources::leases().path(options_.ns, options_.name),
                                                   options_.times.request_timeout);
  if (read) {
    lease_ = std::move(*read);
    co_return state_.observe(lease_record(lease_), clock_.mono());
  }
  if (read.error().kind != ErrorKind::NotFound) co_return pass(read);
  lease_ = {{"apiVersion", "coordination.k8s.io/v1"},
            {"kind", "Lease"},
            {"metadata", json::object{{"name", options_.name}, {"namespace", options_.ns}}}};
  co_return state_.observe(std::nullopt, clock_.mono());
}

// The resourceVersion that was read goes along, so that of two candidates one gets a Conflict.
Task<Result<void>> LeaderElection::write(LeaseState::Next how, bool release) {
  json::object lease = lease_;
  lease["spec"] = state_.to_write(clock_.wall(), release);
  MonoTime began = clock_.mono();
  Resource leases = resources::leases();
  WriteOptions options;
  options.timeout = options_.times.request_timeout;
  Result<json::object> answer;
  if (how == LeaseState::Next::Create) {
    // write site: lease-create
    answer = co_await client_.create(leases.path(options_.ns), std::move(lease), std::move(options));
  } else {
    // write site: lease-replace
    answer = co_await client_.replace(leases.path(options_.ns, options_.name), std::move(lease),
                                      std::move(options));
  }
  if (!answer) co_return pass(answer);
  lease_ = std::move(*answer);
  state_.wrote(lease_record(lease_), began, clock_.mono());
  co_return Result<void>{};
}

Task<Result<void>> LeaderElection::attempt() {
  // A leader renews from its own last answer, without reading first; when the Lease is not as it left it, it looks.
  bool led = state_.is_leader();
  if (led) {
    Result<void> renewed = co_await write(LeaseState::Next::Renew, false);
    bool changed = !renewed && (renewed.error().kind == ErrorKind::Conflict ||
                                renewed.error().kind == ErrorKind::NotFound);
    if (!changed) co_return renewed;
  }
  Result<LeaseState::Next> next = co_await look();
  if (!next) co_return pass(next);
  // Whoever led meanwhile may have worked and gone again. What was begun under the lost lease knows nothing of that and
  // must not go on under a new one, even if the lease is free: run() ends, and the owner with it.
  if (led && !state_.is_leader()) co_return Result<void>{};
  if (released_ || *next == LeaseState::Next::Wait) co_return Result<void>{};
  co_return co_await write(*next, false);
}

Task<void> LeaderElection::run() {
  bool led = false;
  while (!released_) {
    Result<void> tried = co_await attempt();
    if (released_) co_return;
    if (!tried && tried.error().kind == ErrorKind::Canceled) co_return;
    // Two candidates that meet are no failure, and so is a renewal whose answer was lost: the next look tells.
    bool lost_race = !tried && (tried.error().kind == ErrorKind::Conflict ||
                                tried.error().kind == ErrorKind::AlreadyExists);
    if (!tried && !lost_race && options_.on_error) options_.on_error(tried.error());
    // However long it could not renew: while the Lease is as we left it, nobody else has led. Nothing is sent meanwhile
    // (held_safely), so an outage of the API server ends no process.
    if (led && !state_.is_leader()) co_return;
    if (state_.is_leader() && !std::exchange(led, true) && options_.on_leading) options_.on_leading();
    std::chrono::milliseconds every =
        state_.is_leader() ? options_.times.renew_every : options_.times.look_every;
    co_await sleeper_.sleep(std::chrono::milliseconds{
        static_cast<std::int64_t>(static_cast<double>(every.count()) * (0.8 + 0.2 * random_()))});
  }
}

Task<void> LeaderElection::release() {
  bool ours = state_.is_leader();
  released_ = true;
  if (!ours) co_return;
  Result<void> released = co_await write(LeaseState::Next::Renew, true);
  if (!released && released.error().kind == ErrorKind::Conflict) {  // a renewal was still under way
    Result<LeaseState::Next> next = co_await look();
    if (next && *next == LeaseState::Next::Renew) released = co_await write(*next, true);
  }
  if (!released && options_.on_error) options_.on_error(released.error());
  state_.lost();
}

}  // namespace abo::kube
