// Shared Key: the signature under a request made with an account key ("Authorize with Shared Key" in Azure's reference). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "net/http.h"

namespace abo::azure {

struct SharedKey {
  std::string account;
  Secret key;  // the decoded bytes
  friend bool operator==(const SharedKey&, const SharedKey&) = default;
};

// `base64` as portals and connection strings give it. Error: Invalid, InvalidSecret; `what` names the Secret's key.
[[nodiscard]] Result<SharedKey> parse_shared_key(std::string_view account, const Secret& base64,
                                                 std::string_view what);

struct SignedParts {
  std::string_view method;
  std::string_view path;                                   // percent-encoded, exactly as it is sent
  std::vector<std::pair<std::string, std::string>> query;  // values decoded; each name once
  net::Headers headers;  // everything that is sent, x-ms-date among it; no Date
};

[[nodiscard]] std::string string_to_sign(std::string_view account, const SignedParts& parts);

// base64 of the HMAC-SHA256; also what SAS tokens are signed with.
[[nodiscard]] std::string sign(const Secret& key, std::string_view text);

// "SharedKey account:signature".
[[nodiscard]] std::string authorization(const SharedKey& key, const SignedParts& parts);

}  // namespace abo::azure
