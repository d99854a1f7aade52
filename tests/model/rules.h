// What a simulated world is like: how many operators, which times, and which deliberate error of the protocol its
// operators make. Fixed for the whole life of a world.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "kube/lease_state.h"

namespace abo::model {

using Millis = std::int64_t;  // virtual time

// Deliberate errors, one each. The search must catch every one of them: that is the test of the test.
enum class Mutant : std::uint8_t {
  None,
  CheckpointBeforeCreate,      // records a batch, then creates it
  CursorIsNewestModified,      // the cursor goes to the youngest Last-Modified that was listed
  NoFinalizer,                 // objects are created without our finalizer
  FinalizerBeforeCheckpoint,   // takes the finalizers off, then writes the checkpoint
  CachedCheckpoint,            // believes the watch's copy of the watcher instead of reading it
  NoResourceVersion,           // writes the status whatever was written meanwhile
  OverwritesOtherCheckpoint,   // after a conflict, writes although another checkpoint is stored
  LocalClock,                  // takes S from this machine's clock
  AnyConflictIsSuccess,        // a taken name means done, whoever holds it
  GoneHolderIsFree,            // the holder of the name vanished: creates at once, by the check made before
  UnfinishedSweepMovesCursor,  // concludes from a listing that broke off
  ForeignObjectAdopted,        // a holder without our key counts as ours
  KeyWithoutETag,              // a version is named by name and Last-Modified
  OtherNameAfterUnknown,       // an unknown outcome is retried under the other name
  NoWaitForOtherName,  // the other name is used though a request whose answer is missing may still arrive
  NoSweepAtStart,      // what is held is not recorded before something is created
  ReleaseWithoutRecording,    // what is held at the start is let go without being recorded
  NoRecordingHold,            // two leaders, and finalizers go as soon as they are recorded
  NoLeaseCheckAtSend,         // the lease is not asked about when a request leaves
  LeadsAgainInOneBreath,      // a leader that was replaced takes a free lease and goes on
  NotCurrentBeforeCreate,     // what is stored is not compared again before the first creation
  NoSettleMargin,             // the cursor goes up to S
  PostponedDropped,           // a blob whose creation failed is not remembered
  TruncatedMovesCursor,       // a selection that left some out moves the cursor to the horizon
  RecentKeysDroppedEarly,     // keys are forgotten before the cursor has passed them
  ReplayKeepsKeys,            // a replay's versions have the keys that they had before
  ReplayForgetsWhatWaits,     // a replay drops the postponed blobs
  ReplayPassesOverWhatWaits,  // a replay of a later time than the cursor's moves it there
  ReplayForgetsAllKeys,       // a replay forgets the keys of versions that it does not cover, too
  ReplayWishNotCompared,      // the annotation is not compared again before the first creation
  OneBatchAPass,              // what a poll showed beyond the first batch is left to the next poll
  // No error: the one limit that the search excuses (oracle.h) counts as a violation, which shows that it is real.
  LimitNotExcused,
};
inline constexpr auto last_mutant = Mutant::OneBatchAPass;

[[nodiscard]] std::string_view to_string(Mutant mutant);

struct Rules {
  Mutant mutant = Mutant::None;
  // One operator without --leader-elect, or two with it.
  int operators = 1;
  [[nodiscard]] bool elects() const { return operators > 1; }

  // Shorter than the product's, in about the same proportions, so that a world is quickly played through.
  kube::LeaseTimes lease{.duration = std::chrono::seconds{5},
                         .renew_every = std::chrono::milliseconds{1000},
                         .look_every = std::chrono::milliseconds{1000},
                         .slack = std::chrono::milliseconds{1000}};
  std::chrono::seconds settle_margin{4};
  std::chrono::seconds min_age{0};
  // How wrong the operators' own clocks are.
  std::array<Millis, 2> clock_error{};
  std::array<Millis, 2> boot_time{};  // of the monotonic clocks: they cannot be compared

  int blobs = 3;             // names: "a", "b", ...
  bool shared_name = false;  // the template gives "a" and "b" the same name
  bool ignore_existing = false;
  int date_skew = 0;          // seconds by which the Date of a listing may be ahead of Last-Modified's clock
  std::size_t page = 2;       // rows of one page
  std::size_t batch = 2;      // creations between two checkpoints
  std::size_t selection = 4;  // candidates held of one listing
  // Steps that only cost states are taken together with the one before: for the exhaustive search.
  bool coarse = false;

  // A finalizer stays at least so long (Settings::recording_hold, cli/run.cc).
  [[nodiscard]] Millis recording_hold() const;
  // From the stamp of Last-Modified until everybody sees the blob, at most: what the settle margin is for. The Date
  // may be ahead, and both are whole seconds.
  [[nodiscard]] Millis longest_write() const;
  // From the lease check until the API server carries a creation out, less than this: the stated limit. A sender that
  // misses an answer leaves the other name alone for so long (longest_request, controllers/trigger_stage.cc).
  [[nodiscard]] Millis longest_flight() const;
};

}  // namespace abo::model
