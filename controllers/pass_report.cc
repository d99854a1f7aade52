#include "controllers/pass_report.h"

#include <fmt/format.h>

#include <functional>

namespace abo::controllers {
namespace {

void mix(std::uint64_t& hash, std::uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15ULL + (hash << 6) + (hash >> 2);
}

}  // namespace

report::Verdict suspended_verdict() {
  return {report::Health::Suspended, Reason::Suspended,
          "spec.suspend is true: nothing is polled or created. Set it to false to go on."};
}

report::Verdict held_back_verdict(std::int64_t matched) {
  return {report::Health::Stalled, Reason::TooManyExistingBlobs,
          fmt::format("{} blobs match already. Set spec.existingBlobs to Trigger to start a resource for "
                      "each of them, or "
                      "to Ignore to begin with the next upload.",
                      matched)};
}

report::Verdict waiting_verdict(const checkpoint::Postponed& failing) {
  return {report::Health::Retrying, failing.reason,
          fmt::format("Blob {} waits and is tried again: {}", failing.blob.name, failing.message)};
}

report::Verdict ready_verdict(bool out_of_room, bool hierarchical, std::string_view warnings) {
  std::string_view waiting = out_of_room ? " Blobs wait for their turn (maxActive, maxTriggersPerPoll)." : "";
  std::string_view unseen = hierarchical
                                ? " The account has a hierarchical namespace: a blob that is renamed or "
                                  "undeleted keeps its old Last-Modified and is not seen."
                                : "";
  return {report::Health::Ready, Reason::PollSucceeded,
          fmt::format("The last poll succeeded.{}{}{}", waiting, unseen, warnings)};
}

std::string credential_warning_text(std::string_view secret, ServiceTime expires) {
  return fmt::format("the SAS in Secret \"{}\" expires at {}; put a new one into the Secret before.", secret,
                     format_rfc3339(expires));
}

std::uint64_t fingerprint(const PassNumbers& n, std::int64_t generation, std::uint32_t runs_revision) {
  std::uint64_t hash = 1;
  for (std::int64_t value :
       {generation, n.listed, n.matched, n.triggered, n.pending, n.runs.active, n.runs.succeeded,
        n.runs.failed, std::int64_t{runs_revision}, std::int64_t{n.hierarchical},
        static_cast<std::int64_t>(n.verdict.health), static_cast<std::int64_t>(n.verdict.reason)}) {
    mix(hash, static_cast<std::uint64_t>(value));
  }
  mix(hash, std::hash<std::string>{}(n.verdict.message));
  return hash == 0 ? 1 : hash;
}

void fill(report::Status& status, const PassNumbers& numbers, std::int64_t generation, WallTime now,
          WallTime next) {
  report::set_conditions(status, numbers.verdict, generation, now);
  fill_counts(status, numbers.runs);
  if (numbers.verdict.health == report::Health::Suspended) {
    status.next_poll_time.clear();
    return;
  }
  using std::chrono::seconds;
  status.last_poll_time = format_rfc3339(std::chrono::floor<seconds>(now));
  status.next_poll_time = format_rfc3339(std::chrono::ceil<seconds>(next));
  if (!numbers.complete) return;
  status.pending = numbers.pending;
  status.last_poll = {numbers.listed, numbers.matched, numbers.triggered, numbers.duration.count()};
}

void fill_counts(report::Status& status, const RunCounts& runs) {
  status.active = runs.active;
  status.succeeded = runs.succeeded;
  status.failed = runs.failed;
}

void follow_phases(report::Status& status, const RunTracker& runs, std::string_view ns) {
  for (report::TriggeredJob& job : status.triggered_jobs) {
    if (!job.finished_at.empty()) continue;
    auto watch = runs.watch_of(job.api_version, job.kind, ns);
    auto outcome = watch ? runs.store().outcome(*watch, ns, job.name) : std::nullopt;
    if (!outcome) continue;
    job.phase = report::to_string(outcome->phase);
    if (outcome->finished_at) job.finished_at = format_rfc3339(*outcome->finished_at);
    job.message = outcome->failure;
  }
}

}  // namespace abo::controllers
