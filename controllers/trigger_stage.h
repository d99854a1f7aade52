// Render, create, and say what became of it: the part of a pass that turns candidates into resources, with several
// requests in flight. It writes no checkpoint; what it reports goes into the next one.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/advance.h"
#include "controllers/pass_plan.h"
#include "controllers/resource_creator.h"
#include "controllers/run_store.h"
#include "controllers/services.h"
#include "controllers/watcher_row.h"
#include "report/status.h"

namespace abo::controllers {

// One blob version whose turn it is.
struct Work {
  checkpoint::Candidate candidate;
  std::uint32_t attempts = 0;   // tries before this one
  bool fallback_first = false;  // see CreateOrder
  WallTime under_way_until{};   // see checkpoint::Postponed
};

// Where the resources of one pass go.
struct Target {
  kube::Resource resource;
  WatchId watch = 0;
  render::Source source;
  std::int64_t generation = 0;  // of the spec this pass works by
};

class TriggerStage {
 public:
  // All outlive the stage: it is a local of the pass.
  TriggerStage(Services& services, WatcherRow& row, const PassPlan& plan, Target target);

  // Works on all of them, in order of their start, and begins none after `until`; outcomes[i] is of work[i], Untried for
  // those not begun then, or when the stage halted.
  [[nodiscard]] Task<std::vector<checkpoint::Outcome>> run(std::vector<Work> work,
                                                           MonoTime until = MonoTime::max());

  // Why nothing more should be created in this pass; the blobs wait for the next one.
  [[nodiscard]] const std::optional<Error>& halt() const { return halt_; }
  // The watcher was edited meanwhile: what was done counts, the rest is for a pass by the new spec.
  [[nodiscard]] bool outdated() const { return row_.generation != target_.generation; }
  // A holder vanished under our eyes: the pass starts over from a quorum read, and concludes nothing.
  [[nodiscard]] bool begin_again() const { return begin_again_; }

  // What happened since the last call, for the status that is written with the next checkpoint.
  struct Harvest {
    std::vector<report::TriggeredJob> triggered;  // in order of creation
    std::vector<report::SetAsideBlob> set_aside;
  };
  [[nodiscard]] Harvest harvest();

 private:
  [[nodiscard]] Task<void> one(const Work& work, checkpoint::Outcome& outcome);
  [[nodiscard]] Task<void> settle(const Work& work, Creation creation, checkpoint::Outcome& outcome);
  [[nodiscard]] Task<void> settle_failure(const Work& work, Creation creation, checkpoint::Outcome& outcome);
  [[nodiscard]] Task<void> settle_rejection(const Work& work, Error error, checkpoint::Outcome& outcome);
  [[nodiscard]] Task<bool> others_would_pass();
  [[nodiscard]] Task<Result<void>> dry_run_sample();
  [[nodiscard]] render::Blob sample() const;
  [[nodiscard]] Error advised(Error error) const;
  [[nodiscard]] std::optional<kube::ServiceAccount> identity() const;
  void keep(const Work& work, const Creation& creation);
  void set_aside(const Work& work, const Error& error);
  void note_under_way(const Work& work, bool fallback);
  [[nodiscard]] const UnderWay* under_way(const Work& work) const;
  [[nodiscard]] std::chrono::milliseconds under_way_for(const Work& work) const;
  void postpone(const Work& work, const Error& error, bool fallback, checkpoint::Outcome& outcome) const;
  [[nodiscard]] bool must_stop() const;

  Services& services_;
  WatcherRow& row_;
  const PassPlan& plan_;
  Target target_;
  Harvest harvest_;
  std::optional<Error> halt_;
  bool sample_passes_ = false;  // the API server would take an object of this template for an ordinary blob
  bool begin_again_ = false;
  MonoTime until_ = MonoTime::max();
  std::size_t failures_in_a_row_ = 0;
  std::size_t denied_ = 0;  // blobs that a policy refuses, while it takes others
};

}  // namespace abo::controllers
