// The two ways to a bearer token for Azure Storage, as requests and as the meaning of their answers: Microsoft Entra's
// token endpoint (the OAuth 2.0 client credentials grant, with a secret or a federated assertion) and the metadata
// service of an Azure node (IMDS). Pure.
//
// No error holds what the service says in its own words, only its code (AADSTS…): its texts change with every try, and
// what stands between us and it may repeat what we sent.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "azure/token_grant.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/http.h"

namespace abo::azure {

// What a federated token must be made for; the audience that Entra's federated credentials expect.
inline constexpr std::string_view exchange_audience = "api://AzureADTokenExchange";

struct AccessToken {
  Secret text;
  std::chrono::seconds lifetime{};  // from the answer on
};

// POST {authority}/{tenant}/oauth2/v2.0/token. `proof` is the client secret, or the assertion for every other grant.
[[nodiscard]] net::Request entra_request(std::string_view authority, const TokenGrant& grant,
                                         const Secret& proof);

// GET {host}/metadata/identity/oauth2/token, never through a proxy. client_id empty: the system-assigned identity.
[[nodiscard]] net::Request metadata_request(std::string_view host, std::string_view client_id);

// Any answer to one of those for `grant`; `host` is named in messages. Errors:
//   Unauthenticated  AuthenticationFailed  the application, its secret or its federated credential is refused
//   Invalid          InvalidSecret         no such tenant, and a Secret names it; InvalidSpec: the spec does
//   Throttled        TokenUnavailable      429
//   UnknownOutcome   TokenUnavailable      5xx, and whatever else may pass
//   Invalid          TokenUnavailable      whoever answers is no such service
[[nodiscard]] Result<AccessToken> read_token(const net::Response& response, const TokenGrant& grant,
                                             std::string_view host, WallTime now);

}  // namespace abo::azure
