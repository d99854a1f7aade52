// From the numbers of one pass to the status document: what it says, and whether it says anything new. Pure.
#pragma once

#include <cstdint>

#include "checkpoint/checkpoint.h"
#include "controllers/run_tracker.h"
#include "report/conditions.h"
#include "report/status.h"

namespace abo::controllers {

struct PassNumbers {
  report::Verdict verdict;
  bool hierarchical = false;  // see azure::Listing
  bool complete = false;      // the listing was read to its end: only then do the numbers below mean anything
  std::int64_t listed = 0;
  std::int64_t matched = 0;
  std::int64_t triggered = 0;
  std::int64_t pending = 0;  // eligible and not triggered: waiting for room, for age, or postponed
  std::optional<ServiceTime> oldest_pending;  // Last-Modified of the oldest of them
  RunCounts runs;
  std::chrono::milliseconds duration{0};
};

// What the conditions say of a poll that reached its end.
[[nodiscard]] report::Verdict suspended_verdict();
[[nodiscard]] report::Verdict held_back_verdict(std::int64_t matched);
[[nodiscard]] report::Verdict waiting_verdict(const checkpoint::Postponed& failing);
[[nodiscard]] report::Verdict ready_verdict(bool out_of_room, bool hierarchical, std::string_view warnings);

// What the conditions and an Event say of a SAS that ends soon.
[[nodiscard]] std::string credential_warning_text(std::string_view secret, ServiceTime expires);

// Two passes with the same fingerprint would write the same status, but for its times. Never 0.
[[nodiscard]] std::uint64_t fingerprint(const PassNumbers& numbers, std::int64_t generation,
                                        std::uint32_t runs_revision);

// Conditions, counts and times of a pass that began at `now`. `next`: when the next poll is due.
void fill(report::Status& status, const PassNumbers& numbers, std::int64_t generation, WallTime now,
          WallTime next);

// The counts of what was created.
void fill_counts(report::Status& status, const RunCounts& runs);

// Brings the phases of status.triggeredJobs up to date. What does not exist any more keeps its last phase.
void follow_phases(report::Status& status, const RunTracker& runs, std::string_view ns);

}  // namespace abo::controllers
