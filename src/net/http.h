// One HTTP exchange, as the Azure and the Kubernetes client see it. The interface behind which libcurl lives,
// and the seam at which tests put a scripted transport. Single-threaded: everything happens on the event
// loop's thread.
//
// A send() ends in a Response of any status, or in one of these errors, which every implementation must
// return alike:
//   Unavailable     EndpointUnreachable   the name does not resolve, the connection is refused, TLS is not
//   agreed on:
//                                         the server surely did nothing
//   UnknownOutcome  EndpointUnreachable   connection lost or a time-out after the request may have been sent
//   Forbidden       EndpointNotAllowed    may_reach refused where the host's name leads: nothing was sent
//   TooLarge        InvalidResponse       the collected body of a 2xx answer passed max_body; that of
//                                         another answer is cut there
//   Canceled        Canceled              the coroutine was cancelled through its cancellation slot
//   (the sink's)                          the body sink returned an error: the exchange ends with it
// Redirects are never followed. Error texts hold scheme, host and port of the URL, never its query.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/task.h"

namespace abo::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url;  // complete and percent-encoded; sent as it is (dot segments are kept)
  Headers headers;
  std::string body;  // sent with Content-Length when not empty or when the method is POST, PUT or PATCH
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{60'000};  // 0: none, for a watch
  std::chrono::milliseconds idle_timeout{
      0};                            // 0: none; else: no byte received for this long ends it (UnknownOutcome)
  std::size_t max_body = 16U << 20;  // of a collected body; streamed bodies have no limit here
  std::size_t receive_buffer = 0;  // of a streamed body: more bytes, fewer trips through the loop; 0: 16 KiB
  bool no_proxy = false;           // metadata services must never be asked through a proxy
  // Called right before the request is handed to the connection; false ends it with Canceled and nothing
  // sent. The lease check of the exactly-once protocol hangs here (docs/exactly-once.md).
  std::function<bool()> may_send;
  // Whether the host may be asked at this address, as in "10.0.0.4" or "fe80::1": who chose the name may not be who
  // answers for it. Asked before each connection and again before the request goes over an open one. An address that
  // is refused is skipped; when nothing else is left the request ends with EndpointNotAllowed. Through a proxy the name
  // is the proxy's to resolve, and this is not asked: a connection to another port than the URL's is one to a proxy.
  std::function<bool(std::string_view address)> may_reach;
};

struct Response {
  int status = 0;
  Headers headers;   // names in lower case
  std::string body;  // empty when it went to a sink

  // The first header of that lower-case name, or "".
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

// Takes the body of a 2xx answer piece by piece as it arrives; other bodies are collected in Response::body.
// Runs inside the event loop and must not block. An error ends the exchange.
using BodySink = std::function<Result<void>(std::string_view)>;

class Transport {
 public:
  virtual ~Transport() = default;
  [[nodiscard]] virtual Task<Result<Response>> send(Request request, BodySink sink = {}) = 0;
};

// Retry-After: seconds or an HTTP date (measured against the answer's own Date, or `now` where it has none, so that this
// machine's clock does not matter), or Azure's retry-after-ms and x-ms-retry-after-ms.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const Response& response,
                                                                   std::chrono::sys_seconds now);

}  // namespace abo::net
