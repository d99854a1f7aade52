// What one pass knows while it runs: the watcher as it was when the pass began, what the steps found out since, and what the
// report will say. The steps (pass_beginning, pass_selection, pass_creation, pass_verdict) are functions of it; blob_pass.cc
// puts them in order and owns it, so it outlives each step that is awaited.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/horizon.h"
#include "controllers/blob_pass.h"
#include "controllers/pass_plan.h"
#include "controllers/pass_report.h"
#include "controllers/services.h"
#include "controllers/stored_watcher.h"
#include "controllers/watcher_row.h"

namespace abo::controllers {

struct PassState {
  // Both outlive it.
  PassState(Services& services, WatcherRow& row);

  Services& services;
  WatcherRow& row;
  StoredWatcher stored;
  // The watch may bring a newer spec while the pass runs; this pass is about the one it began with.
  const std::int64_t generation;
  const std::string spec;
  const std::string wish;  // for a replay
  const bool suspended;
  const MonoTime started;
  const WallTime started_at;
  const double luck;  // from [0, 1), for the schedule: however often it is asked, it answers the same

  std::shared_ptr<const PassPlan> plan;
  checkpoint::Identity identity;
  std::optional<ServiceTime> expires;  // the credential, by its own words
  checkpoint::Horizon horizon;
  bool is_new = false;               // no checkpoint for this container yet
  bool wrote = false;                // a checkpoint, so that finalizers may go
  bool held_back = false;            // too many existing blobs, and nobody has chosen
  std::size_t allowance = SIZE_MAX;  // how many resources this pass may still make
  checkpoint::Checkpoint known;      // the row's, moved forward by what earlier polls found settled
  // Moved forward by a poll that found nothing to do; stored with the next report.
  std::optional<checkpoint::Checkpoint> settled;
  PassNumbers numbers;
  PassResult result;

  // Reads the stored watcher with a quorum: another checkpoint, spec or wish for a replay than this pass works by ends it.
  // So what lands after such a wish was stored is triggered once, by the replay. Errors: out_of_date(), and those of
  // StoredWatcher::load().
  [[nodiscard]] Task<Result<void>> read_again();

  // Puts what was created into the status, and counts it.
  void note_triggered(report::Status& status, const std::vector<report::TriggeredJob>& jobs);

  // The row's checkpoint with what idle polls found since it was written. There is one.
  [[nodiscard]] checkpoint::Checkpoint settled_checkpoint() const;
  // How many created resources the status names.
  [[nodiscard]] std::size_t history_limit() const;
  [[nodiscard]] std::chrono::seconds interval() const;  // between polls
  [[nodiscard]] std::chrono::milliseconds elapsed() const;
};

// The pass must start over: what it works by is not what is stored.
[[nodiscard]] Error out_of_date();

}  // namespace abo::controllers
