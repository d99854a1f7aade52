// What an answer of Azure Storage that is no success means, in this program's kinds and reasons and in words that say
// what to do. Pure. The message carries the service's code, the trace its request id; neither ever
// carries a signature, a query or the string to sign, even when the service quotes them.
#pragma once

#include <vector>

#include "azure/credentials.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/http.h"

namespace abo::azure {

enum class CredentialKind : std::uint8_t { Anonymous, SharedKey, Sas, Bearer };
[[nodiscard]] CredentialKind kind_of(const Access& access);

// `now` is this machine's time: a refused signature is compared with the answer's Date, since a wrong clock is a common
// cause. retry_after is filled when the service (with 408, 409, 429 or 5xx) or the protocol says how long to wait. Kinds and reasons:
//   401, 403 about who asks      Unauthenticated  AuthenticationFailed, SasExpired
//   403 about what is allowed    Forbidden        PermissionDenied
//   404                          NotFound         ContainerNotFound
//   409 being deleted, created   Unavailable      ContainerNotFound, ServiceUnavailable
//   429, 503 ServerBusy, 500 OperationTimedOut    Throttled  Throttled
//   408, other 5xx               UnknownOutcome   ServiceUnavailable
//   400 about a name             Invalid          InvalidSpec
//   anything else, redirects     Invalid          InvalidResponse
// `sent`: as sent_with() gives it; a text of the service that repeats it, in whatever form, is left out.
[[nodiscard]] Error error_of(const net::Response& response, WallTime now, CredentialKind credential,
                             const std::vector<Secret>& sent = {});

// What of a request must never be shown: its Authorization's value, its signature when it bears a SAS, and the account key
// that signed it.
[[nodiscard]] std::vector<Secret> sent_with(const net::Request& request, const Access& access);

// The credential itself was refused (401, or 403 AuthenticationFailed), so a newer token may fare better.
[[nodiscard]] bool refuses_credential(const net::Response& response);

// 408, 429, 500, 502, 503, 504: the same request may succeed in a moment.
[[nodiscard]] bool is_passing(int status);

// The code of the service: the header x-ms-error-code, else <Code> in the body; "" when there is neither.
[[nodiscard]] std::string error_code(const net::Response& response);

}  // namespace abo::azure
