// What the operator's own environment says about identities, under the names that Microsoft's SDKs read and the
// workload identity webhook sets. The administrator's words, read once at the start; nothing here comes from a watcher.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/error.h"

namespace abo::azure {

struct IdentityEnvironment {
  std::string authority;   // AZURE_AUTHORITY_HOST, without a slash at the end; empty: the cloud's own
  std::string tenant_id;   // AZURE_TENANT_ID: also the default of tenants' ServiceAccounts
  std::string client_id;   // AZURE_CLIENT_ID
  std::string token_file;  // AZURE_FEDERATED_TOKEN_FILE: the operator's own projected token
  std::string metadata_host = "http://169.254.169.254";  // AZURE_POD_IDENTITY_AUTHORITY_HOST

  using Lookup = std::function<std::optional<std::string>(const std::string& name)>;
  // Errors: Invalid InvalidSpec: an authority that is not https, a URL or an ID that is none.
  static Result<IdentityEnvironment> read(const Lookup& env);
};

}  // namespace abo::azure
