#include "azure/credentials.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "azure/connection_string.h"

namespace abo::azure {
namespace {

constexpr std::string_view account_key = "accountKey";
constexpr std::string_view sas_token = "sasToken";
constexpr std::string_view connection_string = "connectionString";
constexpr std::string_view client_secret = "clientSecret";

std::unexpected<Error> invalid_secret(std::string message) {
  return fail(ErrorKind::Invalid, Reason::InvalidSecret, std::move(message));
}

Secret trimmed(const Secret& value) {
  static constexpr std::string_view space = " \t\r\n";
  std::string_view text = value.reveal();
  std::size_t begin = text.find_first_not_of(space), end = text.find_last_not_of(space);
  return begin == text.npos ? Secret{} : Secret(std::string(text.substr(begin, end - begin + 1)));
}

// Names of keys are no secrets, but a Secret may have many.
std::string key_list(const SecretData& data) {
  if (data.empty()) return "no key at all";
  std::vector<std::string> names;
  for (const auto& [name, value] : data) {
    if (names.size() == 8) {
      names.emplace_back("...");
      break;
    }
    names.push_back(name);
  }
  return fmt::format("only {}", fmt::join(names, ", "));
}

// The one key of the Secret that says how to sign.
Result<std::string_view> choose_key(const SecretData& data, const std::string& secret) {
  std::vector<std::string_view> present;
  for (std::string_view key : {account_key, sas_token, connection_string, client_secret}) {
    if (data.contains(std::string(key))) present.push_back(key);
  }
  if (present.size() > 1) {
    return invalid_secret(
        fmt::format("Secret \"{}\" has both {} and {}; keep one of them", secret, present[0], present[1]));
  }
  if (present.size() == 1) return present[0];
  return invalid_secret(fmt::format(
      "Secret \"{}\" needs one of the keys accountKey, sasToken, connectionString or clientSecret "
      "(with tenantId and clientId), but has {}",
      secret, key_list(data)));
}

// What the Secret says, whichever of its forms it has.
struct Credential {
  std::string account, endpoint;  // of a connection string
  Secret key, sas;
  std::optional<TokenGrant> grant;
  std::string what;  // names the Secret's key in messages
};

Result<std::string> plain(const SecretData& data, std::string_view key, const std::string& secret) {
  auto found = data.find(std::string(key));
  if (found == data.end())
    return invalid_secret(fmt::format("Secret \"{}\" has clientSecret, but no {}", secret, key));
  return std::string(trimmed(found->second).reveal());
}

Result<TokenGrant> read_client(const SecretData& data, const std::string& secret, Secret text) {
  auto tenant = plain(data, "tenantId", secret);
  if (!tenant) return pass(tenant);
  auto client = plain(data, "clientId", secret);
  if (!client) return pass(client);
  auto what = [&](std::string_view key) { return fmt::format("{} in Secret \"{}\"", key, secret); };
  if (auto ok = check_tenant_id(*tenant, what("tenantId"), Reason::InvalidSecret); !ok) return pass(ok);
  if (auto ok = check_client_id(*client, what("clientId"), Reason::InvalidSecret); !ok) return pass(ok);
  return TokenGrant{std::move(*tenant), std::move(*client), ClientSecret{std::move(text)}};
}

// Far above what any of them needs. What a service answers is searched for all of it.
constexpr std::size_t longest_value = 8U << 10;

Result<Credential> read_secret(const SecretData& data, const AccessRequest& request) {
  const std::string& secret = request.secret_name;
  auto key = choose_key(data, secret);
  if (!key) return pass(key);
  Credential credential;
  credential.what = std::string(request.credential_name);
  if (credential.what.empty()) credential.what = fmt::format("{} in Secret \"{}\"", *key, secret);
  Secret value = trimmed(data.at(std::string(*key)));
  if (value.empty()) return invalid_secret(fmt::format("{} is empty", credential.what));
  if (value.reveal().size() > longest_value)
    return invalid_secret(
        fmt::format("{} is longer than {} bytes: no such credential is", credential.what, longest_value));
  if (*key == account_key) {
    credential.key = std::move(value);
  } else if (*key == sas_token) {
    credential.sas = std::move(value);
  } else if (*key == client_secret) {
    auto grant = read_client(data, secret, std::move(value));
    if (!grant) return pass(grant);
    credential.grant = std::move(*grant);
  } else {
    auto parsed = parse_connection_string(value, credential.what);
    if (!parsed) return pass(parsed);
    credential.account = std::move(parsed->account);
    credential.endpoint = std::move(parsed->endpoint);
    credential.key = std::move(parsed->account_key);
    credential.sas = std::move(parsed->sas);
  }
  return credential;
}

Result<ContainerUrl> place(const AccessRequest& request, const Credential& credential) {
  const std::string& wanted = request.storage_account;
  if (!wanted.empty()) {
    if (auto legal = check_account_name(wanted); !legal) return pass(legal);
  }
  if (!wanted.empty() && !credential.account.empty() && wanted != credential.account) {
    return invalid_secret(
        fmt::format("{} belongs to another account than storageAccount \"{}\"", credential.what, wanted));
  }
  bool own_endpoint = !request.endpoint.empty();
  auto url = container_url(wanted.empty() ? credential.account : wanted, request.container_name,
                           own_endpoint ? request.endpoint : credential.endpoint,
                           own_endpoint ? "endpoint" : fmt::format("the endpoint of {}", credential.what));
  if (!url) return url;
  if (auto allowed = request.policy.check(url->endpoint); !allowed) return pass(allowed);
  return url;
}

Result<Access> with_sas(Access access, const Credential& credential, WallTime now) {
  auto token = parse_sas(credential.sas, now, credential.what);
  if (!token) return pass(token);
  if (token->https_only && access.container.endpoint.scheme != "https") {
    return fail(ErrorKind::Forbidden, Reason::PermissionDenied,
                fmt::format("{} allows https only (spr=https), but the endpoint is http", credential.what));
  }
  access.expires = token->expires;
  access.credential = std::move(*token);
  return access;
}

}  // namespace

Result<Access> resolve_access(const AccessRequest& request, WallTime now) {
  Credential credential;
  if (request.secret_data) {
    auto read = read_secret(*request.secret_data, request);
    if (!read) return pass(read);
    credential = std::move(*read);
  }
  if (request.identity) credential.grant = request.identity;
  auto url = place(request, credential);
  if (!url) return pass(url);
  Access access{.container = std::move(*url), .credential = Anonymous{}, .any_address = false, .expires = {}};
  access.any_address = request.policy.names(access.container.endpoint);
  if (!credential.sas.empty()) return with_sas(std::move(access), credential, now);
  if (credential.grant) {
    Cloud cloud = cloud_of(access.container.endpoint.host);
    access.credential = Bearer{finish(std::move(*credential.grant), cloud)};
  }
  if (!credential.key.empty()) {
    auto key = parse_shared_key(access.container.account, credential.key, credential.what);
    if (!key) return pass(key);
    access.credential = std::move(*key);
  }
  return access;
}

}  // namespace abo::azure
