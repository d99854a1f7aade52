// How far one listing can be trusted, in the service's own time. S is the Date of the listing's first page.
// Every blob that will ever carry a Last-Modified of at most S - margin is visible in that listing, so up to
// there the cursor alone may say what is done; younger blobs are remembered one by one.
#pragma once

#include <algorithm>

#include "base/time.h"
#include "checkpoint/position.h"

namespace abo::checkpoint {

struct Horizon {
  ServiceTime service_date{};              // S
  std::chrono::seconds settle_margin{30};  // --settle-margin
  std::chrono::seconds min_age{0};         // spec.minAgeSeconds

  // Blobs of this second and older may be triggered now.
  [[nodiscard]] ServiceTime newest_takeable() const {
    return min_age.count() > 0 ? service_date - min_age : ServiceTime::max();
  }

  // The cursor may move to the end of this second and no further.
  [[nodiscard]] ServiceTime settled() const { return service_date - std::max(settle_margin, min_age); }
};

}  // namespace abo::checkpoint
