// Lists a container over HTTP: page after page, signed anew for each try, with retries (RetryPolicy), and a large one in
// up to eight parts at once. Between two listings it keeps nothing; what was learned of a container is the caller's to
// keep (container_shape.h). One thread, the event loop's; the transport, the clock and the client must outlive every
// listing in progress.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "azure/container_shape.h"
#include "azure/credentials.h"
#include "azure/token_store.h"
#include "base/error.h"
#include "base/time.h"
#include "listing/list_page_decoder.h"
#include "net/http.h"
#include "net/task.h"

namespace abo::azure {

struct RetryPolicy {
  // Of one page; of the first 2 when no connection is to be had, 1 when nothing came for half a minute.
  int tries = 5;
  std::chrono::milliseconds base{800};  // doubled for each try; the wait is a random part of it
  std::chrono::milliseconds cap{60'000};
  // Before any page was read there is nothing to lose: the next poll can wait as well, and holds no lane meanwhile.
  std::chrono::milliseconds longest_first_wish{2'000};
  std::chrono::milliseconds longest_wish{60'000};  // a longer Retry-After ends the listing with Throttled
};

// Parts of one large listing that are read at once.
inline constexpr std::size_t lists_in_flight = 8;

struct Listing;

struct BlobClientOptions {
  RetryPolicy retry;
  std::function<Task<void>(std::chrono::milliseconds)> sleep;  // required
  std::uint64_t seed = 0;                                      // of jitter and request ids
  int page_size = 5000;                                        // 1 to 5,000
  // Of all listings in progress, beyond one for each; see PollAdmission for what that means for accounts.
  std::size_t extra_lists = 28;
  std::chrono::milliseconds deadline{0};   // of a whole listing; 0: none
  std::size_t max_page_bytes = 64U << 20;  // a full page has about 4 MB
  TokenStore* tokens = nullptr;            // lent; needed for an Access with a Bearer
  // Told of every request that was sent: ("ListBlobs", "200", false); the code is the HTTP status, or "error" when no
  // answer came.
  std::function<void(std::string_view operation, std::string_view code, bool throttled)> observer;
  // Told of each page that was read to its end, with the listing so far: the sink has seen its blobs. What the sink saw
  // since the page before, and an answer other than 200, will come again.
  std::function<void(const Listing&)> on_page;
};

struct Listing {
  // Date of the very first answer of all: what is older than this (less a margin) was visible.
  ServiceTime service_date{};
  std::int64_t listed = 0;    // blobs, each counted once however often a page was tried
  std::int64_t left_out = 0;  // rows that are no current blob
  bool hierarchical = false;  // of the account's namespace, as far as what was listed shows it
  int pages = 0;
  int requests = 0;  // pages and their retries: each is money
  // A first listing turned out to be large enough for several parts, or splitting not to pay, halfway: nothing may be
  // concluded, count anew and list again, with the same shape. Twice in a row at most.
  bool begin_again = false;
};

class BlobClient {
 public:
  BlobClient(net::Transport& transport, const Clock& clock, BlobClientOptions options);

  // Hands every blob whose name begins with `prefix` to `sink`, in no order to rely on. A page that is tried again
  // hands out its blobs again, and a failed listing has handed out some: the sink's owner must tolerate repeats, and
  // may draw conclusions from what is missing only after success. `shape`, lent, makes that a large container is listed
  // in parts; without it the listing is one and begin_again stays false.
  // Errors: those of error_of(), of Transport::send(), of TokenStore::token() and of ListPageDecoder, and
  //   Invalid    InvalidResponse     no Date, a marker that was given before, a page beyond max_page_bytes (TooLarge)
  //   Throttled  Throttled           the service wants a longer pause than is waited here; retry_after says how long
  //   UnknownOutcome ServiceUnavailable  the deadline has passed
  [[nodiscard]] Task<Result<Listing>> list(Access access, std::string prefix, listing::BlobSink sink,
                                           ContainerShape* shape = nullptr);

 private:
  class Run;  // one listing in progress

  net::Transport& transport_;
  const Clock& clock_;
  BlobClientOptions options_;
  std::mt19937_64 random_;
  std::size_t extra_lists_ = 0;  // in flight now
};

}  // namespace abo::azure
