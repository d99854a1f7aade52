// Moving a checkpoint forward after work was done. Pure: what became of each candidate in, the next
// checkpoint out. Whoever calls this has already created the resources; the finalizer on them keeps their
// names taken until the checkpoint that comes out of here is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/horizon.h"

namespace abo::checkpoint {

struct Outcome {
  enum class Kind : std::uint8_t {
    Untried,    // not its turn yet: the cursor must not pass it
    Done,       // its resource exists, or the blob was set aside for good
    Postponed,  // may pass later: the cursor may pass it if there is room in the list
  };
  Kind kind = Kind::Untried;
  // With Postponed only:
  std::uint32_t attempts = 1;
  bool fallback = false;
  WallTime retry_at{};
  Reason reason = Reason::Internal;
  std::string message{};
  WallTime under_way_until{};
};

// What became of a whole selection so far. outcomes[i] is of selection.candidates[i].
struct Progress {
  std::span<const Candidate> candidates;
  std::span<const Outcome> outcomes;
  bool truncated = false;  // of the selection
};

// The next checkpoint. Calling it again with the same progress changes nothing.
[[nodiscard]] Checkpoint advance(Checkpoint before, const Progress& progress, const Horizon& horizon);

// Records what became of one postponed blob.
void settle_postponed(Checkpoint& checkpoint, const Candidate& blob, const Outcome& outcome);

// Drops the blobs that waited for a copy and that a complete listing does not show any more: that version is
// gone.
void drop_vanished_copies(Checkpoint& checkpoint, const Selection& selection);

// How many of candidates[first...] may be worked on before the next write of the checkpoint, at most `wish`,
// so that the recent keys cannot overflow. 0 means: wait until the horizon has moved.
[[nodiscard]] std::size_t batch_size(const Checkpoint& checkpoint, const Progress& progress,
                                     std::size_t first, const Horizon& horizon, std::size_t wish);

}  // namespace abo::checkpoint
