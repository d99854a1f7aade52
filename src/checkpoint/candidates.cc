#include "checkpoint/candidates.h"

#include <algorithm>

namespace abo::checkpoint {
namespace {

bool older(const Candidate& a, const Candidate& b) {
  if (a.blob.last_modified != b.blob.last_modified) return a.blob.last_modified < b.blob.last_modified;
  if (a.blob.name != b.blob.name) return a.blob.name < b.blob.name;
  return a.blob.etag < b.blob.etag;
}

std::size_t footprint(const listing::BlobItem& blob) {
  return sizeof(Candidate) + blob.name.size() + blob.etag.size() + blob.content_type.size() +
         blob.content_md5.size();
}

bool same_version(const Candidate& a, const Candidate& b) {
  return a.blob.name == b.blob.name && a.blob.etag == b.blob.etag;
}

}  // namespace

std::optional<ServiceTime> oldest_waiting(const Checkpoint& known, const Selection& selection) {
  std::optional<ServiceTime> oldest;
  auto waits = [&](const Candidate& c) { return !known.is_done(c.key, listing::view(c.blob)); };
  auto first = std::ranges::find_if(selection.candidates, waits);
  if (first != selection.candidates.end()) {
    oldest = first->blob.last_modified;
  } else if (selection.truncated && !selection.candidates.empty()) {
    oldest = selection.candidates.back().blob.last_modified;
  }
  for (const Postponed& postponed : known.postponed)
    oldest = std::min(oldest.value_or(postponed.blob.last_modified), postponed.blob.last_modified);
  return oldest;
}

CandidateSelector::CandidateSelector(const Checkpoint& known, Identity identity, Limits limits)
    : known_(known), identity_(std::move(identity)), limits_(limits) {}

void CandidateSelector::offer(const listing::BlobView& blob) {
  if (!known_.postponed.empty() && known_.is_postponed(blob.name, blob.etag)) return offer_postponed(blob);
  if (!is_past(known_.cursor, blob.last_modified, blob.name)) return;

  bool may_be_recent = !known_.recent.surely_without(blob.last_modified);
  bool full = heap_.size() >= limits_.count || bytes_ >= limits_.bytes;
  bool too_young = full && is_past(heap_.front().position(), blob.last_modified, blob.name);
  if (too_young && !may_be_recent) {  // the usual case in a large backlog: counted, not hashed
    ++selection_.eligible;
    selection_.truncated = true;
    return;
  }
  TriggerKey key = identity_.key_of(blob);
  if (may_be_recent && known_.recent.contains(key.bits())) return;
  ++selection_.eligible;
  if (too_young) {
    selection_.truncated = true;
  } else {
    hold(blob, key);
  }
}

void CandidateSelector::offer_postponed(const listing::BlobView& blob) {
  auto waits_for_copy = [&](const Postponed& p) {
    return p.reason == Reason::CopyPending && p.blob.name == blob.name && p.blob.etag == blob.etag;
  };
  if (std::ranges::none_of(known_.postponed, waits_for_copy)) return;
  if (blob.copy_pending) {
    selection_.copying.emplace_back(blob.name);
  } else {
    Candidate complete{listing::own(blob), identity_.key_of(blob)};
    auto again = [&](const Candidate& c) { return same_version(c, complete); };
    if (std::ranges::none_of(selection_.copied, again)) selection_.copied.push_back(std::move(complete));
  }
}

void CandidateSelector::hold(const listing::BlobView& blob, const TriggerKey& key) {
  heap_.push_back({listing::own(blob), key});
  bytes_ += footprint(heap_.back().blob);
  std::ranges::push_heap(heap_, older);
  while (heap_.size() > limits_.count || (bytes_ > limits_.bytes && heap_.size() > 1)) {
    std::ranges::pop_heap(heap_, older);
    bytes_ -= footprint(heap_.back().blob);
    heap_.pop_back();
    selection_.truncated = true;
  }
}

Selection CandidateSelector::finish() && {
  std::ranges::sort(heap_, older);
  auto repeated = std::ranges::unique(heap_, same_version);
  selection_.eligible -= static_cast<std::int64_t>(repeated.size());
  heap_.erase(repeated.begin(), repeated.end());
  selection_.candidates = std::move(heap_);
  return std::move(selection_);
}

}  // namespace abo::checkpoint
