// What the metrics say of one watcher, as of its last poll: a few words in its row, so that a thousand idle watchers cost
// no series each. Telemetry keeps it, WatcherGauges shows it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace abo::controllers {

struct WatcherFigures {
  enum class Health : std::uint8_t { Unknown, Ready, NotReady };  // Unknown: not polled yet by this process
  Health health = Health::Unknown;
  std::int64_t active = 0;
  std::int64_t pending = 0;
  // A time that is 0 stands for none.
  ServiceTime oldest_pending{};      // Last-Modified of the blob that waits longest
  WallTime last_success{};           // when a poll last ended well
  ServiceTime credential_expires{};  // by the credential's own words
  ServiceTime expiry_told{};         // the end that an Event has warned of
};

}  // namespace abo::controllers
