// What is new: chooses, from a listing that streams by, the oldest blob versions that the checkpoint does not
// know. Only so many are held at once, so a backlog of any size passes through constant memory: the rest is
// found again by the next listing, since the cursor does not move beyond what was chosen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/trigger_key.h"
#include "checkpoint/checkpoint.h"
#include "listing/blob_item.h"

namespace abo::checkpoint {

// Whose keys: the part of a trigger key that does not come from the blob.
struct Identity {
  std::string watcher_uid;
  std::string container_url;
  Replays replays{};

  [[nodiscard]] TriggerKey key_of(const listing::BlobView& blob) const {
    return TriggerKey::of(watcher_uid, container_url, blob.name, blob.etag, replays.of(blob.last_modified));
  }
};

// Of the versions that a checkpoint speaks of.
[[nodiscard]] inline Identity identity_of(const Checkpoint& checkpoint, std::string watcher_uid) {
  return {std::move(watcher_uid), checkpoint.source, checkpoint.replays};
}

struct Candidate {
  listing::BlobItem blob;
  TriggerKey key;
  [[nodiscard]] Position position() const { return {blob.last_modified, blob.name}; }
};

struct Selection {
  std::vector<Candidate> candidates;  // oldest first, each version once
  bool truncated = false;             // there are more, all younger than the last of these
  std::int64_t eligible = 0;  // how many were offered in all, these included (a repeated page counts twice)
  std::vector<Candidate> copied;     // postponed as CopyPending, and complete now
  std::vector<std::string> copying;  // names of those that are still not complete
};

// Last-Modified of the oldest version of these that is not done by what `known` says, postponed ones included. When all
// candidates are done and there were more, those are a little younger than the last one, which stands for them.
[[nodiscard]] std::optional<ServiceTime> oldest_waiting(const Checkpoint& known, const Selection& selection);

class CandidateSelector {
 public:
  struct Limits {
    std::size_t count = 4096;
    std::size_t bytes = std::size_t{1} << 20;  // of names and such; a long name counts for more
  };

  // `known` must outlive the selector.
  CandidateSelector(const Checkpoint& known, Identity identity, Limits limits);

  // Takes a blob that passed the filter. Blobs may come in any order and more than once.
  void offer(const listing::BlobView& blob);

  // Call once, after a listing that was read to its end; of an unfinished one nothing may be concluded.
  [[nodiscard]] Selection finish() &&;

 private:
  void hold(const listing::BlobView& blob, const TriggerKey& key);
  void offer_postponed(const listing::BlobView& blob);

  const Checkpoint& known_;
  Identity identity_;
  Limits limits_;
  std::vector<Candidate> heap_;  // youngest on top
  std::size_t bytes_ = 0;
  Selection selection_;
};

}  // namespace abo::checkpoint
