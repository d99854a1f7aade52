#include "checkpoint/advance.h"

#include <algorithm>

namespace abo::checkpoint {
namespace {

using Kind = Outcome::Kind;

std::size_t bytes_of(const Postponed& p) {
  return p.blob.name.size() + p.blob.etag.size() + p.blob.content_type.size() + p.blob.content_md5.size() +
         p.message.size();
}

// By what it would take in the status as well: an object of Kubernetes has about 1.5 MB.
bool has_room(const std::vector<Postponed>& list, const Postponed& one) {
  std::size_t bytes = bytes_of(one);
  for (const Postponed& p : list) bytes += bytes_of(p);
  return list.empty() ||
         (list.size() < Checkpoint::max_postponed && bytes <= Checkpoint::max_postponed_bytes);
}

// True when the blob is in the list of postponed blobs afterwards.
bool postpone(Checkpoint& checkpoint, const Candidate& candidate, const Outcome& outcome) {
  Postponed entry{candidate.blob, outcome.attempts, outcome.fallback,       outcome.retry_at,
                  outcome.reason, outcome.message,  outcome.under_way_until};
  auto same = [&](const Postponed& p) {
    return p.blob.name == candidate.blob.name && p.blob.etag == candidate.blob.etag;
  };
  auto at = std::ranges::find_if(checkpoint.postponed, same);
  if (at != checkpoint.postponed.end()) {
    *at = std::move(entry);
    return true;
  }
  if (!has_room(checkpoint.postponed, entry)) return false;
  checkpoint.postponed.push_back(std::move(entry));
  return true;
}

// The farthest position that leaves candidates[i] ahead. Two versions of one name may carry the same second,
// when a listing saw both: then the cursor must stay behind both, so only a position that is truly smaller
// counts.
Position just_before(std::span<const Candidate> candidates, std::size_t i) {
  Position limit = candidates[i].position();
  Position second = start_of(limit.last_modified);
  while (i > 0) {
    Position previous = candidates[--i].position();
    if (previous < limit) return std::max(second, previous);
  }
  return second;
}

}  // namespace

Checkpoint advance(Checkpoint next, const Progress& progress, const Horizon& horizon) {
  std::size_t unfinished = progress.candidates.size();
  for (std::size_t i = 0; i < progress.candidates.size(); ++i) {
    const Candidate& candidate = progress.candidates[i];
    const Outcome& outcome = progress.outcomes[i];
    bool handled = false;
    switch (outcome.kind) {
      case Kind::Untried:
        break;
      case Kind::Done:
        next.mark_done(candidate.key, listing::view(candidate.blob));
        handled = true;
        break;
      case Kind::Postponed:
        handled = postpone(next, candidate, outcome);
        break;
    }
    if (!handled) unfinished = std::min(unfinished, i);
  }

  Position reached = end_of(horizon.settled());
  if (unfinished < progress.candidates.size()) {
    reached = std::min(reached, just_before(progress.candidates, unfinished));
  } else if (progress.truncated && !progress.candidates.empty()) {
    reached = std::min(reached, just_before(progress.candidates, progress.candidates.size() - 1));
  }
  next.move_cursor(std::move(reached));
  return next;
}

void settle_postponed(Checkpoint& checkpoint, const Candidate& blob, const Outcome& outcome) {
  switch (outcome.kind) {
    case Kind::Untried:
      break;
    case Kind::Done:
      checkpoint.mark_done(blob.key, listing::view(blob.blob));
      break;
    case Kind::Postponed:
      postpone(checkpoint, blob, outcome);
      break;
  }
}

void drop_vanished_copies(Checkpoint& checkpoint, const Selection& selection) {
  std::erase_if(checkpoint.postponed, [&](const Postponed& p) {
    if (p.reason != Reason::CopyPending) return false;
    auto complete = [&](const Candidate& c) { return c.blob.name == p.blob.name; };
    return std::ranges::find(selection.copying, p.blob.name) == selection.copying.end() &&
           std::ranges::none_of(selection.copied, complete);
  });
}

std::size_t batch_size(const Checkpoint& checkpoint, const Progress& progress, std::size_t first,
                       const Horizon& horizon, std::size_t wish) {
  std::size_t left = progress.candidates.size() - first;
  std::size_t size = std::min({wish, left, checkpoint.recent.room()});
  if (size > 0 || left == 0 || wish == 0) return size;
  // No room for a key. The oldest blob needs none if the cursor can pass it as soon as it is done.
  auto untried = [](const Outcome& outcome) { return outcome.kind == Kind::Untried; };
  bool contiguous = std::ranges::none_of(progress.outcomes.first(first), untried);
  return contiguous && progress.candidates[first].blob.last_modified <= horizon.settled() ? 1 : 0;
}

}  // namespace abo::checkpoint
