#include "controllers/pass_state.h"

#include <algorithm>

namespace abo::controllers {

Error out_of_date() {
  return {ErrorKind::Conflict, Reason::ApiServerUnavailable, "the watcher changed during the poll"};
}

PassState::PassState(Services& services, WatcherRow& row)
    : services(services),
      row(row),
      stored(services, row),
      generation(row.generation),
      spec(row.spec),
      wish(row.wish()),
      suspended(row.suspended),
      started(services.clock.mono()),
      started_at(services.clock.wall()),
      luck(services.random()) {}

Task<Result<void>> PassState::read_again() {
  std::optional<checkpoint::Checkpoint> expected;
  if (row.checkpoint) expected = *row.checkpoint;
  if (auto loaded = co_await stored.load(); !loaded) co_return pass(loaded);
  bool same = row.checkpoint ? expected && *expected == *row.checkpoint : !expected;
  bool other_wish = stored.replay_wish() != wish;
  if (other_wish) row.take_wish(stored.replay_wish());
  if (!same || other_wish || stored.generation() != generation) co_return std::unexpected(out_of_date());
  co_return Result<void>{};
}

void PassState::note_triggered(report::Status& status, const std::vector<report::TriggeredJob>& jobs) {
  std::string now = format_rfc3339(std::chrono::floor<std::chrono::seconds>(services.clock.wall()));
  for (report::TriggeredJob job : jobs) {
    if (job.triggered_at.empty()) job.triggered_at = now;
    report::remember(status, std::move(job), history_limit());
  }
  status.triggered += static_cast<std::int64_t>(jobs.size());
  numbers.triggered += static_cast<std::int64_t>(jobs.size());
  if (!jobs.empty()) status.last_trigger_time = now;
}

checkpoint::Checkpoint PassState::settled_checkpoint() const {
  checkpoint::Checkpoint checkpoint = *row.checkpoint;
  if (row.settled) checkpoint.move_cursor(*row.settled);
  return checkpoint;
}

std::size_t PassState::history_limit() const {
  constexpr std::size_t longest = 100;  // without a plan nothing is cut that a plan might keep
  return plan ? static_cast<std::size_t>(plan->spec.status_history_limit) : longest;
}

std::chrono::seconds PassState::interval() const {
  return std::chrono::seconds{plan ? plan->spec.polling_interval_seconds : 60};
}

std::chrono::milliseconds PassState::elapsed() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.mono() - started);
}

}  // namespace abo::controllers
