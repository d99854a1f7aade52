// What a watcher has already done, in bounded space: a cursor, the keys of versions done beyond it, and the
// blobs that must wait while younger ones go on. A value: it is read from the watcher's status, moved forward
// by pure functions and written back with the resourceVersion it was read at. The promise that rests on it is
// in docs/exactly-once.md.
//
// Laws:  the cursor never moves back, but for a replay (replay.h);
//        a blob is done iff it is not postponed and stands at or before the cursor, or its key is among the
//        recent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/reason.h"
#include "base/time.h"
#include "base/trigger_key.h"
#include "checkpoint/position.h"
#include "checkpoint/recent_keys.h"
#include "checkpoint/replays.h"
#include "listing/blob_item.h"

namespace abo::checkpoint {

// A blob version whose turn came but which could not be triggered yet: its creation failed in a way that may
// pass, or its content is still being copied. It carries all that rendering needs, since the blob itself may
// be gone by then.
struct Postponed {
  listing::BlobItem blob;
  std::uint32_t attempts = 0;
  bool fallback =
      false;  // the last request bore the fallback name and may have been carried out: that name again
  WallTime retry_at{};  // ours, for pacing only: nothing is decided by it
  Reason reason = Reason::Internal;
  std::string message;
  // A request whose answer was lost may be carried out until then; before, the other name is not used. {}: none.
  WallTime under_way_until{};

  friend bool operator==(const Postponed&, const Postponed&) = default;
};

struct Checkpoint {
  static constexpr std::size_t max_postponed = 100;
  static constexpr std::size_t max_postponed_bytes =
      64U << 10;  // of their texts; JSON may take six times as much
  static constexpr std::size_t max_previous = 3;

  std::string source;  // the container's URL: a checkpoint says nothing about another container
  Position cursor;     // everything at or before it is done or postponed
  RecentKeys recent;
  std::vector<Postponed> postponed;
  Replays replays;       // that were asked for here
  json::array previous;  // of containers this watcher looked at before, newest first, as they were written

  [[nodiscard]] bool is_postponed(std::string_view name, std::string_view etag) const;

  // True when this version needs no more work. `key` is of the version.
  [[nodiscard]] bool is_done(const TriggerKey& key, const listing::BlobView& blob) const;

  // This version is done, wherever the cursor stands, and no longer postponed.
  void mark_done(const TriggerKey& key, const listing::BlobView& blob);

  // Moves the cursor forward, never back, and forgets the keys it passes.
  void move_cursor(Position to);

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// The form in status.checkpoint. Persisted: fields may be added, never renamed or given another meaning.
[[nodiscard]] json::object to_json(const Checkpoint& checkpoint);

// Errors: Invalid, InvalidCheckpoint. A checkpoint that cannot be read is never replaced by an empty one:
// that would trigger everything again.
[[nodiscard]] Result<Checkpoint> from_json(const json::value& value);

// The watcher looks at another container now: the checkpoint it had there before, if it did, else `fresh`, with `left`
// kept among the previous ones either way. So a typo that is mended, or a way there and back, triggers nothing twice.
[[nodiscard]] Result<Checkpoint> move_to(const Checkpoint& left, Checkpoint fresh);
// True when move_to() would find one.
[[nodiscard]] bool was_at(const Checkpoint& checkpoint, std::string_view source);

}  // namespace abo::checkpoint
