// Which hosts the operator may talk to (SECURITY.md). Endpoints come from whoever may write a watcher, and from the
// connection strings in their Secrets, so an unchecked one would make the operator a way into the cluster's network and
// would hand its tokens to strangers. Allowed are Azure's own blob hosts by https on the default port, and what the
// flag --allowed-endpoint names. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "azure/endpoint.h"
#include "base/error.h"

namespace abo::azure {

class EndpointPolicy {
 public:
  // Azure's own hosts alone.
  EndpointPolicy() = default;

  // Origins as the flag takes them: scheme, host, optional port: "http://127.0.0.1:10000",
  // "https://*.blob.example.internal" (one label or more in place of the star). Without a port only the scheme's own
  // port is meant. Errors: Invalid, InvalidSpec; the message quotes the origin and says what is wrong with it.
  static Result<EndpointPolicy> parse(const std::vector<std::string>& allowed_origins);

  // Error: Forbidden, EndpointNotAllowed; the message says which flag would allow it.
  [[nodiscard]] Result<void> check(const Endpoint& endpoint) const;

 private:
  struct Origin {
    std::string scheme;
    std::string host;  // behind the star when `any_below`
    std::uint16_t port;
    bool any_below;
  };
  static bool matches(const Origin& origin, const Endpoint& endpoint);
  std::vector<Origin> origins_;
};

}  // namespace abo::azure
