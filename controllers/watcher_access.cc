#include "controllers/watcher_access.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "controllers/watcher_identity.h"
#include "kube/resource.h"

namespace abo::controllers {
namespace {

constexpr std::chrono::seconds max_age{60};

// Values that are no base64 cannot come from a real API server; they are left out, as an absent key.
azure::SecretData decode(const json::object& secret) {
  azure::SecretData out;
  const json::object* data = find_object(secret, {"data"});
  if (!data) return out;
  for (const auto& [key, value] : *data) {
    const json::string* text = value.if_string();
    auto bytes = text ? base64_decode(std::string_view(*text)) : std::nullopt;
    if (bytes) out.emplace(std::string(key), Secret(std::move(*bytes)));
  }
  return out;
}

Error secret_error(Error error, const WatcherRow& row, std::string_view name) {
  if (error.kind == ErrorKind::NotFound) {
    error.reason = Reason::SecretNotFound;
    error.message = fmt::format(
        "Secret {0} does not exist in namespace {1}; create it, for example: kubectl -n {1} create secret "
        "generic {0} "
        "--from-literal=accountKey=...",
        name, row.ns);
  } else if (error.kind == ErrorKind::Forbidden) {
    error.message =
        fmt::format("the operator may not read Secret {} in namespace {}: {}", name, row.ns, error.message);
  }
  return error;
}

Task<Result<azure::SecretData>> read_secret(kube::Client& client, const WatcherRow& row, std::string name) {
  auto secret = co_await client.get(kube::resources::secrets().path(row.ns, name));
  if (!secret) co_return std::unexpected(secret_error(std::move(secret.error()), row, name));
  co_return decode(*secret);
}

}  // namespace

Task<Result<azure::Access>> watcher_access(kube::Client& client, const Clock& clock, const Settings& settings,
                                           api::Spec spec, std::int64_t generation, WatcherRow& row) {
  bool usable =
      row.access && row.access->generation == generation && clock.mono() - row.access->fetched < max_age;
  if (usable) co_return row.access->access;
  std::optional<azure::SecretData> secret;
  if (!spec.credentials_secret.empty()) {
    auto read = co_await read_secret(client, row, spec.credentials_secret);
    if (!read) co_return pass(read);
    secret = std::move(*read);
  }
  std::optional<azure::TokenGrant> identity;
  if (spec.identity) {
    auto grant = co_await watcher_identity(client, settings, *spec.identity, row.ns);
    if (!grant) co_return pass(grant);
    identity = std::move(*grant);
  }
  azure::AccessRequest request{.storage_account = spec.storage_account,
                               .container_name = spec.container_name,
                               .endpoint = spec.endpoint,
                               .secret_data = std::move(secret),
                               .secret_name = spec.credentials_secret,
                               .policy = settings.endpoints,
                               .identity = std::move(identity)};
  auto access = azure::resolve_access(request, clock.wall());
  if (!access) {
    row.access.reset();
    co_return pass(access);
  }
  // A watcher that polls more seldom would read it anew anyway: no credential is kept for nothing.
  bool keep = row.interval < max_age;
  row.access = keep ? std::make_unique<HeldAccess>(HeldAccess{*access, clock.mono(), generation}) : nullptr;
  co_return std::move(*access);
}

}  // namespace abo::controllers
