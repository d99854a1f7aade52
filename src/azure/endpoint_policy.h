// Which hosts the operator may talk to (SECURITY.md). Endpoints come from whoever may write a watcher, and from the
// connection strings in their Secrets, so an unchecked one would make the operator a way into the cluster's network and
// would hand its tokens to strangers. Allowed are Azure's own blob hosts by https on the default port, and what the
// flag --allowed-endpoint names. A name is only half of it: where DNS says it leads is looked at when a connection is
// made (may_reach() below, net::Request::may_reach). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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

  // Whether the flag names this very host, so that its addresses are the administrator's business. A star does not:
  // whoever may add names below it must not lead the operator to its own machine; one below localhost can mean no other.
  [[nodiscard]] bool names(const Endpoint& endpoint) const;

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

// Whether a host that no flag names may be asked at this address, given as inet_ntop() writes it. Private addresses may:
// private links have them. Refused are those of the machine itself and of its own link, where metadata services and
// node agents listen without asking who calls (loopback, link-local, unspecified, multicast, reserved, the clouds'
// metadata and wire-server addresses), each also inside an IPv6 address that stands for an IPv4 one. What is no address
// is refused.
[[nodiscard]] bool may_reach(std::string_view address);

}  // namespace abo::azure
