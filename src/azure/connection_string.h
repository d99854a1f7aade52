// Azure Storage connection strings: "Key=value;Key=value". Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"

namespace abo::azure {

struct ConnectionString {
  std::string account;   // may be empty when there is an endpoint
  std::string endpoint;  // of the Blob service, not yet checked; never empty
  Secret account_key;    // base64; at most one of these two is set
  Secret sas;
};

// Errors: Invalid, InvalidSecret. Messages name known keys only: what stands before a '=' may be a piece of a key.
[[nodiscard]] Result<ConnectionString> parse_connection_string(const Secret& text, std::string_view what);

}  // namespace abo::azure
