#include "tests/model/rules.h"

#include <algorithm>

namespace abo::model {

std::string_view to_string(Mutant mutant) {
  switch (mutant) {
    case Mutant::None:
      return "none";
    case Mutant::CheckpointBeforeCreate:
      return "checkpoint-before-create";
    case Mutant::CursorIsNewestModified:
      return "cursor-is-newest-modified";
    case Mutant::NoFinalizer:
      return "no-finalizer";
    case Mutant::FinalizerBeforeCheckpoint:
      return "finalizer-before-checkpoint";
    case Mutant::CachedCheckpoint:
      return "cached-checkpoint";
    case Mutant::NoResourceVersion:
      return "no-resource-version";
    case Mutant::OverwritesOtherCheckpoint:
      return "overwrites-other-checkpoint";
    case Mutant::LocalClock:
      return "local-clock";
    case Mutant::AnyConflictIsSuccess:
      return "any-conflict-is-success";
    case Mutant::GoneHolderIsFree:
      return "gone-holder-is-free";
    case Mutant::UnfinishedSweepMovesCursor:
      return "unfinished-sweep-moves-cursor";
    case Mutant::ForeignObjectAdopted:
      return "foreign-object-adopted";
    case Mutant::KeyWithoutETag:
      return "key-without-etag";
    case Mutant::OtherNameAfterUnknown:
      return "other-name-after-unknown";
    case Mutant::NoWaitForOtherName:
      return "no-wait-for-other-name";
    case Mutant::NoSweepAtStart:
      return "no-sweep-at-start";
    case Mutant::ReleaseWithoutRecording:
      return "release-without-recording";
    case Mutant::NoRecordingHold:
      return "no-recording-hold";
    case Mutant::NoLeaseCheckAtSend:
      return "no-lease-check-at-send";
    case Mutant::LeadsAgainInOneBreath:
      return "leads-again-in-one-breath";
    case Mutant::NotCurrentBeforeCreate:
      return "not-current-before-create";
    case Mutant::NoSettleMargin:
      return "no-settle-margin";
    case Mutant::PostponedDropped:
      return "postponed-dropped";
    case Mutant::TruncatedMovesCursor:
      return "truncated-moves-cursor";
    case Mutant::RecentKeysDroppedEarly:
      return "recent-keys-dropped-early";
    case Mutant::ReplayKeepsKeys:
      return "replay-keeps-keys";
    case Mutant::ReplayForgetsWhatWaits:
      return "replay-forgets-what-waits";
    case Mutant::ReplayPassesOverWhatWaits:
      return "replay-passes-over-what-waits";
    case Mutant::ReplayForgetsAllKeys:
      return "replay-forgets-all-keys";
    case Mutant::ReplayWishNotCompared:
      return "replay-wish-not-compared";
    case Mutant::OneBatchAPass:
      return "one-batch-a-pass";
    case Mutant::LimitNotExcused:
      return "limit-not-excused";
  }
  return "?";
}

Millis Rules::recording_hold() const {
  if (!elects() || mutant == Mutant::NoRecordingHold) return 0;
  std::chrono::milliseconds duration = lease.duration;
  return (duration + lease.slack).count();
}

Millis Rules::longest_write() const {
  return std::max<Millis>(0, (settle_margin.count() - date_skew - 1) * 1000);
}

Millis Rules::longest_flight() const {
  std::chrono::milliseconds duration = lease.duration;
  return (duration + lease.slack).count();
}

}  // namespace abo::model
