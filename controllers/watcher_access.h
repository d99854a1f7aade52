// The container and the credential of a watcher: its Secret, read by name from its own namespace, or its identity
// (watcher_identity.h), resolved. A row's access is used again for at most a minute, and not at all after Azure refused it.
#pragma once

#include "api/v1alpha1/azure_blob_watcher.h"
#include "azure/credentials.h"
#include "base/error.h"
#include "controllers/settings.h"
#include "controllers/watcher_row.h"
#include "kube/client.h"

namespace abo::controllers {

// `generation`: of `spec`; the row may move on meanwhile. Fills row.access when it is missing or old. Errors: NotFound
// SecretNotFound, those of watcher_identity() and of azure::resolve_access, and the client's. The row outlives the call.
[[nodiscard]] Task<Result<azure::Access>> watcher_access(kube::Client& client, const Clock& clock,
                                                         const Settings& settings, api::Spec spec,
                                                         std::int64_t generation, WatcherRow& row);

}  // namespace abo::controllers
