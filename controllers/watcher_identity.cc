#include "controllers/watcher_identity.h"

#include <fmt/format.h>

#include "azure/token_protocol.h"
#include "kube/resource.h"

namespace abo::controllers {
namespace {

using azure::TokenGrant;

constexpr std::string_view client_annotation = "azure.workload.identity/client-id";
constexpr std::string_view tenant_annotation = "azure.workload.identity/tenant-id";

Error account_error(Error error, std::string_view ns, std::string_view name, std::string_view right) {
  if (error.kind == ErrorKind::NotFound && error.reason != Reason::NamespaceTerminating) {
    error.reason = Reason::ServiceAccountNotFound;
    error.message = fmt::format(
        "ServiceAccount {0} does not exist in namespace {1}; create it, or correct "
        "spec.identity.serviceAccountName",
        name, ns);
  } else if (error.kind == ErrorKind::Forbidden && error.reason == Reason::Forbidden) {
    error.message =
        fmt::format("the operator needs the right to {} for ServiceAccount {} in namespace {}: {}", right,
                    name, ns, error.message);
  }
  return error;
}

// What the spec leaves open, from the annotations that the workload identity webhook reads too.
Task<Result<void>> complete(kube::Client& client, api::Identity& identity, std::string ns) {
  if (!identity.client_id.empty() && !identity.tenant_id.empty()) co_return Result<void>{};
  auto account =
      co_await client.get(kube::resources::service_accounts().path(ns, identity.service_account_name));
  if (!account)
    co_return std::unexpected(
        account_error(std::move(account.error()), ns, identity.service_account_name,
                      "get serviceaccounts (or clientId and tenantId in spec.identity)"));
  auto annotation = [&](std::string_view name) {
    return std::string(find_string(*account, {"metadata", "annotations", name}));
  };
  if (identity.client_id.empty()) identity.client_id = annotation(client_annotation);
  if (identity.tenant_id.empty()) identity.tenant_id = annotation(tenant_annotation);
  co_return Result<void>{};
}

// Both IDs become parts of a request: they are checked wherever they come from.
Result<void> check_ids(const api::Identity& identity, std::string_view elsewhere) {
  auto missing = [&](std::string_view field) {
    return fail(ErrorKind::Invalid, Reason::InvalidSpec,
                fmt::format("spec.identity.{} is not set, nor {}", field, elsewhere));
  };
  if (identity.client_id.empty()) return missing("clientId");
  if (identity.tenant_id.empty()) return missing("tenantId");
  if (auto ok = azure::check_client_id(identity.client_id, "clientId", Reason::InvalidSpec); !ok) return ok;
  return azure::check_tenant_id(identity.tenant_id, "tenantId", Reason::InvalidSpec);
}

Result<void> check_allowed(const Settings& settings, const api::Identity& identity) {
  if (settings.allow_operator_identity) return {};
  bool managed = identity.type == api::IdentityType::ManagedIdentity;
  return fail(
      ErrorKind::Forbidden, Reason::IdentityNotAllowed,
      fmt::format(
          "{} is the operator's own identity, which watchers may use only when it was started with "
          "--allow-operator-identity; use type WorkloadIdentity with serviceAccountName, a "
          "ServiceAccount of this namespace",
          managed ? "spec.identity.type ManagedIdentity" : "spec.identity without serviceAccountName"));
}

Result<TokenGrant> own_identity(const azure::IdentityEnvironment& environment, api::Identity identity) {
  if (identity.client_id.empty()) identity.client_id = environment.client_id;
  if (identity.tenant_id.empty()) identity.tenant_id = environment.tenant_id;
  if (auto ok = check_ids(identity, "AZURE_CLIENT_ID and AZURE_TENANT_ID of the operator"); !ok)
    return pass(ok);
  return TokenGrant{std::move(identity.tenant_id), std::move(identity.client_id), azure::OperatorToken{}};
}

Result<TokenGrant> managed_identity(api::Identity identity) {
  if (!identity.client_id.empty()) {
    if (auto ok = azure::check_client_id(identity.client_id, "clientId", Reason::InvalidSpec); !ok)
      return pass(ok);
  }
  return TokenGrant{"", std::move(identity.client_id), azure::ManagedIdentity{}};
}

}  // namespace

Task<Result<TokenGrant>> watcher_identity(kube::Client& client, const Settings& settings,
                                          api::Identity identity, std::string ns) {
  bool managed = identity.type == api::IdentityType::ManagedIdentity;
  if (managed || identity.service_account_name.empty()) {
    if (auto allowed = check_allowed(settings, identity); !allowed) co_return pass(allowed);
    co_return managed ? managed_identity(std::move(identity))
                      : own_identity(settings.identities, std::move(identity));
  }
  if (auto known = co_await complete(client, identity, ns); !known) co_return pass(known);
  if (identity.tenant_id.empty()) identity.tenant_id = settings.identities.tenant_id;
  std::string elsewhere = fmt::format("the annotation {} or {} of ServiceAccount {}", client_annotation,
                                      tenant_annotation, identity.service_account_name);
  if (auto ok = check_ids(identity, elsewhere); !ok) co_return pass(ok);
  co_return TokenGrant{std::move(identity.tenant_id), std::move(identity.client_id),
                       azure::ServiceAccountToken{std::move(ns), std::move(identity.service_account_name)}};
}

Task<Result<Secret>> service_account_token(kube::Client& client, azure::ServiceAccountToken account) {
  auto token =
      co_await client.service_account_token(account.ns, account.name, std::string(azure::exchange_audience));
  if (!token)
    co_return std::unexpected(
        account_error(std::move(token.error()), account.ns, account.name, "create serviceaccounts/token"));
  co_return std::move(*token);
}

}  // namespace abo::controllers
