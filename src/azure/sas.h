// Shared access signatures: what a token says about itself, read when it is loaded so that a token that cannot work is
// named before the first request. The token itself is never decoded and written anew:
// its text goes into the query as it is. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"

namespace abo::azure {

struct SasToken {
  Secret text;                         // without the leading '?'
  std::optional<ServiceTime> starts;   // st
  std::optional<ServiceTime> expires;  // se; absent when a stored access policy (si) says it
  bool https_only = false;             // spr=https
  bool user_delegation = false;        // skoid: ends with its Entra ID key too, after seven days at most
  friend bool operator==(const SasToken&, const SasToken&) = default;
};

// One leading '?' is dropped. Errors, with `what` naming the Secret's key:
//   Invalid          InvalidSecret     it is no SAS: a whole URL, no sig, bytes that no query may hold
//   Unauthenticated  SasExpired        se lies before `now`; the message says when
//   Forbidden        PermissionDenied  it does not allow listing a container's blobs; the message says what it lacks
// A start in the future is no error here: the service's clock decides, not ours.
[[nodiscard]] Result<SasToken> parse_sas(const Secret& text, WallTime now, std::string_view what);

}  // namespace abo::azure
