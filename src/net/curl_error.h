// What a failed transfer means, in http.h's kinds and in words a user understands.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace abo::net {

// "https://acct.blob.core.windows.net" of a URL: scheme, host and port; no user, path or query.
[[nodiscard]] std::string origin_of(std::string_view url);

// "acct.blob.core.windows.net" or "127.0.0.1:10000" of a URL.
[[nodiscard]] std::string authority_of(std::string_view url);

// The URL's port, its scheme's own when it names none.
[[nodiscard]] int port_of(std::string_view url);

struct Failure {
  CURLcode code = CURLE_OK;
  std::string_view url;
  bool sent = false;        // the request may have left: decides between UnknownOutcome and Unavailable
  long os_error = 0;        // errno of a failed connect
  std::string_view detail;  // libcurl's own words
};

[[nodiscard]] Error describe(const Failure& failure);

// Our own deadlines: which one passed.
enum class Deadline { Connect, Idle, Total };
[[nodiscard]] Error describe_timeout(Deadline deadline, std::string_view url, std::chrono::milliseconds after,
                                     bool sent);

}  // namespace abo::net
