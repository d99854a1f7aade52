// What a bearer token is asked for with: whose it is to be, and what proves that. Pure values; token_store.h turns them
// into tokens, and asks for one only when there is none for the same grant yet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/secret.h"

namespace abo::azure {

// The public cloud and the sovereign ones, each with a sign-in of its own.
enum class Cloud : std::uint8_t { Public, UsGovernment, China };

// By the suffix of a blob endpoint; hosts that are none of Azure's own count as public.
[[nodiscard]] Cloud cloud_of(std::string_view blob_host);
// "https://login.microsoftonline.com", without a slash at the end.
[[nodiscard]] std::string_view authority_of(Cloud cloud);

// Of an application, from the watcher's Secret.
struct ClientSecret {
  Secret text;
};
// A token of this ServiceAccount is exchanged; Kubernetes gives it.
struct ServiceAccountToken {
  std::string ns;
  std::string name;
};
// The operator's own projected token (AZURE_FEDERATED_TOKEN_FILE) is exchanged.
struct OperatorToken {};
// The node's metadata service vouches.
struct ManagedIdentity {};

using Proof = std::variant<ClientSecret, ServiceAccountToken, OperatorToken, ManagedIdentity>;

struct TokenGrant {
  std::string tenant_id;  // not of a ManagedIdentity
  std::string client_id;  // empty: the node's system-assigned identity
  Proof proof;
  Cloud cloud = Cloud::Public;
  std::string key{};  // same key, same token: a digest of all above; filled by finish()
};

// The grant with its cloud and key.
[[nodiscard]] std::shared_ptr<const TokenGrant> finish(TokenGrant grant, Cloud cloud);

[[nodiscard]] bool is_uuid(std::string_view text);

// A UUID or a domain name: it becomes a part of the token endpoint's path. `what` names the text in the error: Invalid
// with `reason`.
[[nodiscard]] Result<void> check_tenant_id(std::string_view text, std::string_view what, Reason reason);
// A UUID. Error as above.
[[nodiscard]] Result<void> check_client_id(std::string_view text, std::string_view what, Reason reason);

}  // namespace abo::azure
