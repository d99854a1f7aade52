#include "azure/endpoint_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace abo::azure {
namespace {

constexpr std::string_view star = "://*.";

std::string without_star(std::string text) {
  std::size_t at = text.find(star);
  return at == text.npos ? text : text.erase(at + 3, 2);
}

}  // namespace

Result<EndpointPolicy> EndpointPolicy::parse(const std::vector<std::string>& allowed_origins) {
  EndpointPolicy policy;
  for (const std::string& text : allowed_origins) {
    std::string what = fmt::format("--allowed-endpoint \"{}\"", text);
    bool any_below = text.contains(star);
    auto endpoint = parse_endpoint(without_star(text), what);
    if (!endpoint) return pass(endpoint);
    if (!endpoint->path.empty() || (any_below && endpoint->is_ip())) {
      return fail(
          ErrorKind::Invalid, Reason::InvalidSpec,
          fmt::format("{} must be a scheme, a host and perhaps a port, as in http://127.0.0.1:10000 or "
                      "https://*.blob.example.internal",
                      what));
    }
    policy.origins_.push_back({endpoint->scheme, endpoint->host, endpoint->port, any_below});
  }
  return policy;
}

Result<void> EndpointPolicy::check(const Endpoint& endpoint) const {
  if (endpoint.scheme == "https" && endpoint.has_default_port() && is_azure_blob_host(endpoint.host))
    return {};
  if (std::ranges::any_of(origins_, [&](const Origin& origin) { return matches(origin, endpoint); }))
    return {};
  return fail(
      ErrorKind::Forbidden, Reason::EndpointNotAllowed,
      fmt::format("the endpoint {0} is not one of Azure's blob hosts by https; if it is meant, allow it with "
                  "--allowed-endpoint {0}",
                  endpoint.origin()));
}

bool EndpointPolicy::names(const Endpoint& endpoint) const {
  bool always_this_machine = endpoint.host.ends_with(".localhost");  // RFC 6761, section 6.3
  return std::ranges::any_of(origins_, [&](const Origin& origin) {
    return (!origin.any_below || always_this_machine) && matches(origin, endpoint);
  });
}

bool EndpointPolicy::matches(const Origin& origin, const Endpoint& endpoint) {
  if (origin.scheme != endpoint.scheme || origin.port != endpoint.port) return false;
  if (!origin.any_below) return origin.host == endpoint.host;
  return endpoint.host.size() > origin.host.size() + 1 && endpoint.host.ends_with("." + origin.host);
}

}  // namespace abo::azure
