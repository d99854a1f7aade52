// When a watcher is polled next, from how its last poll ended. Pure: time and randomness are given.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/time.h"
#include "controllers/blob_pass.h"

namespace abo::controllers {

// Of a failure that was the `failures`-th in a row: 1 s, 2 s, 4 s … 5 min, of which a random part of up to a half is
// taken off, so that what failed together does not come back together. random: from [0, 1).
[[nodiscard]] std::chrono::milliseconds backoff(std::uint32_t failures, double random);

// A container that takes long to list is not listed again at once, however eager the reason: listing costs CPU here and
// money there. At most half of the time goes into it. What else a poll did, such as creating a thousand resources, is no
// reason to wait.
[[nodiscard]] std::chrono::milliseconds breather(std::chrono::milliseconds listing);

struct PollTimes {
  MonoTime started;
  MonoTime now;
  std::chrono::seconds interval;
  std::uint32_t failures = 0;  // polls in a row, this one included, that failed or must be done again
};

// The interval after the last start, with 5 % of jitter either way; sooner
//   - with a backoff after a failure that may pass (from a tenth of a second, when only what we knew was old),
//   - after a minute, when somebody has to mend something,
//   - when there is more to do.
// Never before a server's Retry-After, which is honoured up to an hour. What the poll announced, and could write, stands.
[[nodiscard]] MonoTime next_poll(const PassResult& result, const PollTimes& times,
                                 const std::function<double()>& random);

// The same for a refresh that failed.
[[nodiscard]] MonoTime next_try(const PassResult& result, MonoTime now, std::uint32_t failures,
                                double random);

}  // namespace abo::controllers
