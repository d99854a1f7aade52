#include "checkpoint/replay.h"

#include <algorithm>

namespace abo::checkpoint {
namespace {

// Nothing asks for the key of one of its versions any more. Resources that still carry our finalizer are no reason to
// keep it: they were recorded before the replay began.
bool is_through(const Checkpoint& checkpoint, const Replays::Range& range) {
  if (range.empty()) return true;
  bool passed = checkpoint.cursor >= start_of(range.to);
  return passed && std::ranges::none_of(checkpoint.postponed, [&](const Postponed& p) {
           return range.holds(p.blob.last_modified);
         });
}

// False: there is none that could be forgotten.
bool make_room(Checkpoint& checkpoint) {
  for (std::size_t i = checkpoint.replays.size(); i-- > 1;) {
    if (!is_through(checkpoint, checkpoint.replays.range(i))) continue;
    checkpoint.replays.forget(i);
    return true;
  }
  return false;
}

// A request for it was made under its old key, if any was.
void begin_anew(Postponed& blob) {
  blob.fallback = false;
  blob.under_way_until = {};
}

}  // namespace

std::optional<Checkpoint> replay(Checkpoint next, ServiceTime since) {
  if (next.replays.contains(since)) return std::nullopt;
  next.cursor = std::min(next.cursor, start_of(since));  // what waits before it must not be passed over
  next.recent.drop_from(since);
  next.replays.add(since);
  for (Postponed& blob : next.postponed) {
    if (blob.blob.last_modified >= since) begin_anew(blob);
  }
  bool fits = next.replays.size() <= Replays::capacity || make_room(next);
  if (!fits) return std::nullopt;
  return next;
}

}  // namespace abo::checkpoint
