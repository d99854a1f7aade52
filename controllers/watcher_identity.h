// spec.identity: from a watcher's words to a grant that Azure's tokens are asked for with. Joins Kubernetes, which gives
// tokens of ServiceAccounts, and azure/, which exchanges them; neither knows the other.
//
// A ServiceAccount of the watcher's own namespace is always the tenant's to use. The operator's own identity (its
// projected token, or what its node's metadata service vouches for) is not: with it any watcher would read whatever the
// operator may read for others. Only Settings::allow_operator_identity lets watchers use it (docs/adr/0011).
#pragma once

#include <string>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "azure/token_grant.h"
#include "base/error.h"
#include "base/secret.h"
#include "controllers/settings.h"
#include "kube/client.h"

namespace abo::controllers {

// Reads the ServiceAccount only when the spec lacks clientId or tenantId. Errors:
//   Forbidden  IdentityNotAllowed      the operator's own identity, and nobody allowed it
//   NotFound   ServiceAccountNotFound
//   Invalid    InvalidSpec             no clientId or tenantId anywhere, or one that is none
// and the client's.
[[nodiscard]] Task<Result<azure::TokenGrant>> watcher_identity(kube::Client& client, const Settings& settings,
                                                               api::Identity identity, std::string ns);

// For azure::TokenStoreOptions. Errors: NotFound ServiceAccountNotFound, Forbidden Forbidden, and the client's. The client
// outlives the call.
[[nodiscard]] Task<Result<Secret>> service_account_token(kube::Client& client,
                                                         azure::ServiceAccountToken account);

}  // namespace abo::controllers
