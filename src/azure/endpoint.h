// Where a container is: from the fields of a watcher (or a connection string) to one checked URL. Pure.
//
// Two styles: https://ACCOUNT.blob.core.windows.net/CONTAINER (host style) and http://127.0.0.1:10000/ACCOUNT/CONTAINER
// (path style: Azurite, and endpoints that are an IP address or a bare host name). The account is needed for signing
// even when the URL does not show it, as with custom domains.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace abo::azure {

// The parts of an http(s) URL without credentials, query and fragment, made canonical: scheme and host in lower case,
// IP addresses in their one usual form, no slash at the end of the path.
struct Endpoint {
  std::string scheme;      // "http" or "https"
  std::string host;        // a name, an IPv4 address, or an IPv6 address in brackets
  std::uint16_t port = 0;  // never 0 after parsing
  std::string path;        // "" or "/devstoreaccount1"

  [[nodiscard]] bool is_ip() const;
  [[nodiscard]] bool has_default_port() const { return port == (scheme == "https" ? 443 : 80); }
  [[nodiscard]] std::string origin()
      const;  // "https://host" or "http://host:10000": the default port is not written
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct ContainerUrl {
  Endpoint endpoint;
  std::string account;
  std::string container;
  bool path_style = false;

  // The URL that identifies the container everywhere (trigger keys, annotations, ${BLOB_URL}); nothing secret in it.
  [[nodiscard]] std::string text() const { return endpoint.origin() + path(); }
  // Its path, as it is sent and signed.
  [[nodiscard]] std::string path() const { return endpoint.path + "/" + container; }
  friend bool operator==(const ContainerUrl&, const ContainerUrl&) = default;
};

// `what` names the text in errors: "endpoint", "BlobEndpoint". Refused, with kind Invalid, reason InvalidSpec: other
// schemes, user names, queries, fragments, bad ports, names ending in a dot, and IP addresses in any but their usual
// form (decimal, hexadecimal, octal, IPv4 inside IPv6), so that what a policy compares is what gets connected.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text, std::string_view what);

// Errors as above. `account` and `endpoint` may be empty, but not both.
[[nodiscard]] Result<ContainerUrl> container_url(std::string_view account, std::string_view container,
                                                 std::string_view endpoint,
                                                 std::string_view what = "endpoint");

// 3 to 24 of a-z and 0-9.
[[nodiscard]] Result<void> check_account_name(std::string_view name);
// 3 to 63 of a-z, 0-9 and '-', no "--", a letter or digit at both ends; or $root, $logs, $web, $blobchangefeed.
[[nodiscard]] Result<void> check_container_name(std::string_view name);

// True for hosts below the blob suffixes of the public and the sovereign clouds, and for DNS-zone accounts
// (ACCOUNT.z##.blob.storage.azure.net): hosts that belong to Azure Storage, private link names included.
[[nodiscard]] bool is_azure_blob_host(std::string_view host);

}  // namespace abo::azure
