#include "azure/identity_environment.h"

#include <fmt/format.h>

#include "azure/endpoint.h"
#include "azure/token_grant.h"

namespace abo::azure {
namespace {

// Of an address, its one usual form; "" stays "".
Result<std::string> address(const std::string& text, std::string_view name, bool https_only) {
  if (text.empty()) return text;
  auto parsed = parse_endpoint(text, name);
  if (!parsed) return pass(parsed);
  if (https_only && parsed->scheme != "https")
    return fail(ErrorKind::Invalid, Reason::InvalidSpec,
                fmt::format("{} must be https: secrets are sent there", name));
  return parsed->origin() + parsed->path;
}

}  // namespace

Result<IdentityEnvironment> IdentityEnvironment::read(const Lookup& env) {
  auto text = [&](const char* name) { return env(name).value_or(""); };
  IdentityEnvironment out;
  auto authority = address(text("AZURE_AUTHORITY_HOST"), "AZURE_AUTHORITY_HOST", true);
  if (!authority) return pass(authority);
  out.authority = std::move(*authority);
  auto metadata =
      address(text("AZURE_POD_IDENTITY_AUTHORITY_HOST"), "AZURE_POD_IDENTITY_AUTHORITY_HOST", false);
  if (!metadata) return pass(metadata);
  if (!metadata->empty()) out.metadata_host = std::move(*metadata);
  out.tenant_id = text("AZURE_TENANT_ID");
  out.client_id = text("AZURE_CLIENT_ID");
  out.token_file = text("AZURE_FEDERATED_TOKEN_FILE");
  if (!out.tenant_id.empty()) {
    if (auto ok = check_tenant_id(out.tenant_id, "AZURE_TENANT_ID", Reason::InvalidSpec); !ok)
      return pass(ok);
  }
  if (!out.client_id.empty()) {
    if (auto ok = check_client_id(out.client_id, "AZURE_CLIENT_ID", Reason::InvalidSpec); !ok)
      return pass(ok);
  }
  return out;
}

}  // namespace abo::azure
