// One complete listing of a watcher's container, seen through its filter, within the time that a poll may take, until the
// operator stops, the watcher goes or its spec changes. Nothing may be concluded from one that failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "azure/credentials.h"
#include "checkpoint/horizon.h"
#include "controllers/pass_plan.h"
#include "controllers/services.h"
#include "controllers/watcher_row.h"
#include "listing/blob_item.h"

namespace abo::controllers {

struct ListingTaker {
  std::function<void()> begin;  // before the listing, and again if it has to begin anew
  std::function<void(const listing::BlobView&)> matching;  // what passes the filter; a page may come twice
};

struct ContainerListing {
  Result<checkpoint::Horizon> horizon;
  std::int64_t listed = 0;
  std::int64_t matched = 0;
  bool hierarchical = false;  // see azure::Listing
  std::chrono::milliseconds took{};
};

// `generation`: of the spec that `plan` was made of. The row's shape tells how the listing is split, and learns from it.
// Errors: azure::BlobClient::list's; Canceled when the operator stops or the row is gone; out_of_date() when the row has
// another generation; UnknownOutcome ServiceUnavailable when it took too long.
[[nodiscard]] Task<ContainerListing> list_container(Services& services, WatcherRow& row,
                                                    std::int64_t generation, const PassPlan& plan,
                                                    azure::Access access, ListingTaker taker);

}  // namespace abo::controllers
