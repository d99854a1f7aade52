// What a new watcher does with the blobs that are there already (spec.existingBlobs).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/horizon.h"

namespace abo::checkpoint {

// When existingBlobs is not set, more matching blobs than this make the watcher hold until somebody chooses.
inline constexpr std::int64_t max_unconfirmed_existing = 1000;

// What a watcher does first at a container that its checkpoint is not about.
enum class Start : std::uint8_t {
  TakeUp,             // it was there before: on from where it left
  IgnoreExisting,     // what is there is done
  TriggerExisting,    // nothing is done
  TriggerUnlessMany,  // nobody has chosen: as TriggerExisting, if no more than max_unconfirmed_existing match
};
// `known`: its checkpoint, whatever that is about; null: it has none.
[[nodiscard]] Start start_at(const api::Spec& spec, const Checkpoint* known, std::string_view source);
[[nodiscard]] bool must_hold(Start start, std::int64_t matched);

// The checkpoint of a watcher that triggers everything: nothing is done yet.
[[nodiscard]] Checkpoint begin_with_all(std::string source);

// existingBlobs: Ignore. Sees the first listing go by and makes the checkpoint in which all of it is done that was there
// when the listing began. Within the settle margin the cursor cannot say so (a blob of the same second may still land), so the
// youngest blobs are remembered one by one; only if they are too many for that the cursor goes further, up to the beginning.
class IgnoreExisting {
 public:
  explicit IgnoreExisting(Identity identity) : identity_(std::move(identity)) {}

  void offer(const listing::BlobView& blob);
  [[nodiscard]] Checkpoint finish(const Horizon& horizon) &&;

 private:
  struct Seen {
    ServiceTime last_modified;
    std::uint64_t key;
  };
  Identity identity_;
  std::vector<Seen> heap_;  // the youngest ones, oldest of them on top
  ServiceTime newest_forgotten_ = ServiceTime::min();
};

}  // namespace abo::checkpoint
