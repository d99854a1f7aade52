#include "controllers/pass_verdict.h"

#include "controllers/poll_schedule.h"
#include "controllers/postponed_work.h"
#include "controllers/replay_request.h"

namespace abo::controllers {
namespace {

// A credential that ends is told of from so long before.
constexpr std::chrono::days credential_warning{7};

// Empty unless the credential ends soon. It names the moment and not how long is left, so that it stays the same.
std::string expiry_warning(const PassState& state) {
  if (!state.expires || *state.expires - state.services.clock.wall() > credential_warning) return "";
  return credential_warning_text(state.plan->spec.credentials_secret, *state.expires);
}

}  // namespace

report::Verdict verdict(const PassState& state, const checkpoint::Checkpoint* known) {
  if (state.suspended) return suspended_verdict();
  std::string expiry = expiry_warning(state);  // before the other warnings, since a long message is cut
  if (!expiry.empty()) expiry.insert(0, " Warning: ");
  auto and_expiry = [&expiry](report::Verdict verdict) {
    verdict.message += expiry;
    return verdict;
  };
  if (state.held_back) return and_expiry(held_back_verdict(state.numbers.matched));
  if (const checkpoint::Postponed* failing = known ? first_failing(*known) : nullptr)
    return and_expiry(waiting_verdict(*failing));
  std::string also = expiry + warnings(*state.plan) + state.row.history.warning;
  if (known) also += replay_warning(*known, state.wish);
  bool out_of_room = state.allowance == 0 && state.numbers.pending > 0;
  return ready_verdict(out_of_room, state.numbers.hierarchical, also);
}

void tell_of_expiry(PassState& state) {
  std::string warning = expiry_warning(state);
  if (warning.empty() || state.row.figures.expiry_told == *state.expires) return;
  state.row.figures.expiry_told = *state.expires;
  const report::Condition* was = report::ready(state.stored.found());
  if (was && was->message.contains(warning)) return;
  state.services.telemetry.credential_expiring(state.row, warning);
}

MonoTime next_poll(const PassState& state) {
  const PassResult& result = state.result;
  bool repeats = result.failed || result.again;
  PollTimes times{.started = state.started,
                  .now = state.services.clock.mono(),
                  .interval = state.row.interval,
                  .failures = repeats ? state.row.failures + 1 : 0};
  return next_poll(result, times, [&state] { return state.luck; });
}

WallTime wall_time(const PassState& state, MonoTime due) {
  auto pause = due - state.services.clock.mono();
  return state.services.clock.wall() + std::chrono::duration_cast<WallTime::duration>(pause);
}

}  // namespace abo::controllers
