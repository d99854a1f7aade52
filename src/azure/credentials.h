// From a watcher's fields and its Secret to what a request needs: one checked URL and one credential. Pure: the Secret
// has been read already, and what is wrong with it is said before anything is sent.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "azure/endpoint.h"
#include "azure/endpoint_policy.h"
#include "azure/sas.h"
#include "azure/shared_key.h"
#include "azure/token_grant.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"

namespace abo::azure {

struct Anonymous {
  friend bool operator==(const Anonymous&, const Anonymous&) = default;
};

// A token is got from the TokenStore for each request; a pointer, since a row keeps its Access.
struct Bearer {
  std::shared_ptr<const TokenGrant> grant;
};

struct Access {
  ContainerUrl container;
  std::variant<Anonymous, SharedKey, SasToken, Bearer> credential;
  bool any_address = false;            // the administrator named the host: it may lead anywhere
  std::optional<ServiceTime> expires;  // when the credential ends by its own words: warn seven days before
};

// The decoded `data` of a Kubernetes Secret.
using SecretData = std::map<std::string, Secret>;

struct AccessRequest {
  std::string storage_account;            // spec.storageAccount, may be empty
  std::string container_name;             // spec.containerName
  std::string endpoint;                   // spec.endpoint, may be empty
  std::optional<SecretData> secret_data;  // absent: anonymous access
  std::string secret_name;                // spec.credentialsSecret, for messages
  const EndpointPolicy& policy;
  std::optional<TokenGrant> identity{};  // spec.identity, checked already; no secret_data then
  std::string_view credential_name{};    // how messages call one that is in no Secret: "AZURE_STORAGE_KEY"
};

// The Secret holds exactly one of accountKey, sasToken, connectionString, or clientSecret with tenantId and clientId
// (other keys do not matter); white space around the values is dropped, since `echo key | base64` adds a line break. A spec.endpoint goes before the one in a
// connection string; both must pass the policy when used. Errors:
//   Invalid          InvalidSpec         account, container or endpoint
//   Invalid          InvalidSecret       none of the keys, several, or a value that cannot be what its key says
//   Forbidden        EndpointNotAllowed  the policy
//   Forbidden        PermissionDenied    a SAS that cannot list
//   Unauthenticated  SasExpired
[[nodiscard]] Result<Access> resolve_access(const AccessRequest& request, WallTime now);

}  // namespace abo::azure
