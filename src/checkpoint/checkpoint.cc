#include "checkpoint/checkpoint.h"

#include <algorithm>

namespace abo::checkpoint {

bool Checkpoint::is_postponed(std::string_view name, std::string_view etag) const {
  return std::ranges::any_of(postponed,
                             [&](const Postponed& p) { return p.blob.name == name && p.blob.etag == etag; });
}

bool Checkpoint::is_done(const TriggerKey& key, const listing::BlobView& blob) const {
  if (is_postponed(blob.name, blob.etag)) return false;
  return !is_past(cursor, blob.last_modified, blob.name) || recent.contains(key.bits());
}

void Checkpoint::mark_done(const TriggerKey& key, const listing::BlobView& blob) {
  std::erase_if(postponed,
                [&](const Postponed& p) { return p.blob.name == blob.name && p.blob.etag == blob.etag; });
  if (is_past(cursor, blob.last_modified, blob.name)) recent.insert(key.bits(), blob.last_modified);
}

void Checkpoint::move_cursor(Position to) {
  if (to <= cursor) return;
  cursor = std::move(to);
  recent.drop_passed(cursor);
}

}  // namespace abo::checkpoint
