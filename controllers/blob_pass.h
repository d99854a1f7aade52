// One poll of one watcher, from the listing to the report. At most one runs for a watcher at a time; that is the
// controller's care. Reads like the sentence: list what exists -> keep what the filter matches -> let the checkpoint
// choose what is new -> render and create each -> advance the checkpoint -> report once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "controllers/services.h"
#include "controllers/watcher_row.h"
#include "report/conditions.h"

namespace abo::controllers {

// Whether another poll would find more to do without anything new landing.
enum class More : std::uint8_t { None, Now, WhenThereIsRoom };

struct PassResult {
  report::Verdict verdict;
  bool failed = false;  // the poll did not reach its end: back off
  bool again = false;   // what we knew turned out old (checkpoint, generation): poll again soon
  More more = More::None;
  std::int64_t active = 0;                        // unfinished resources when the room was last counted
  bool api_down = false;                          // failed for want of an API server
  bool unreported = false;                        // the status could not be written
  std::optional<std::chrono::milliseconds> wish;  // poll again after this: postponed blobs are due then
  std::optional<std::chrono::milliseconds>
      retry_after;                       // something failed, and the server does not want to be asked before
  std::optional<MonoTime> release_due;   // finalizers are still to be taken off then
  std::optional<MonoTime> history_due;   // finished resources are still to be deleted then
  bool warning_changed = false;          // of the Ready condition, by a refresh: the next poll says it
  std::chrono::milliseconds listing{0};  // how long the container took to list
  std::optional<MonoTime> announced;     // when the next poll is due, as the status says
};

// Polls, and writes the status if it says something new. Never throws for anything a service answered. services
// and row outlive the pass.
[[nodiscard]] Task<PassResult> run_blob_pass(Services& services, WatcherRow& row);

// Brings counts and phases in the status up to date without polling, after created resources changed, lets go of the
// finalizers whose time has come, and deletes what is more than the watcher keeps.
[[nodiscard]] Task<PassResult> refresh_status(Services& services, WatcherRow& row);

}  // namespace abo::controllers
