#include "checkpoint/existing.h"

#include <algorithm>

namespace abo::checkpoint {

Start start_at(const api::Spec& spec, const Checkpoint* known, std::string_view source) {
  if (known && (known->source == source || was_at(*known, source))) return Start::TakeUp;
  switch (spec.existing_blobs) {
    case api::ExistingBlobs::Trigger:
      return Start::TriggerExisting;
    case api::ExistingBlobs::Ignore:
      return Start::IgnoreExisting;
    case api::ExistingBlobs::Unset:
      return Start::TriggerUnlessMany;
  }
  return Start::TriggerUnlessMany;
}

bool must_hold(Start start, std::int64_t matched) {
  return start == Start::TriggerUnlessMany && matched > max_unconfirmed_existing;
}

Checkpoint begin_with_all(std::string source) {
  Checkpoint checkpoint;
  checkpoint.source = std::move(source);
  return checkpoint;
}

void IgnoreExisting::offer(const listing::BlobView& blob) {
  auto younger = [](const Seen& a, const Seen& b) { return a.last_modified > b.last_modified; };
  bool full = heap_.size() >= RecentKeys::capacity;
  if (full && blob.last_modified <= heap_.front().last_modified) {
    newest_forgotten_ = std::max(newest_forgotten_, blob.last_modified);
    return;
  }
  if (full) {
    std::ranges::pop_heap(heap_, younger);
    newest_forgotten_ = std::max(newest_forgotten_, heap_.back().last_modified);
    heap_.pop_back();
  }
  heap_.push_back({blob.last_modified, identity_.key_of(blob).bits()});
  std::ranges::push_heap(heap_, younger);
}

Checkpoint IgnoreExisting::finish(const Horizon& horizon) && {
  Checkpoint checkpoint = begin_with_all(identity_.container_url);
  for (const Seen& seen : heap_) {
    // What was written after the listing began did not exist then, though the listing met it.
    if (seen.last_modified <= horizon.service_date) checkpoint.recent.insert(seen.key, seen.last_modified);
  }
  ServiceTime settled = horizon.service_date - horizon.settle_margin;
  checkpoint.move_cursor(end_of(std::min(horizon.service_date, std::max(settled, newest_forgotten_))));
  return checkpoint;
}

}  // namespace abo::checkpoint
