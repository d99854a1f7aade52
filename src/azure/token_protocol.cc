#include "azure/token_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"
#include "base/percent_encoding.h"

namespace abo::azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view scope = "https://storage.azure.com/.default";
constexpr std::string_view resource = "https://storage.azure.com";
constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr milliseconds connect_timeout{5'000}, total_timeout{15'000};
constexpr std::size_t max_answer = 64U << 10;
constexpr std::size_t longest_token = 32U << 10;
constexpr std::int64_t longest_life = 7 * 86'400;

net::Request common_request(std::string url) {
  net::Request request;
  request.url = std::move(url);
  request.headers = {{"Accept", "application/json"}};
  request.connect_timeout = connect_timeout;
  request.total_timeout = total_timeout;
  request.max_body = max_answer;
  return request;
}

bool is_metadata(const TokenGrant& grant) {
  return std::holds_alternative<ManagedIdentity>(grant.proof);
}

// ---- success ----

// A number, or the same as text: IMDS writes "3599".
std::optional<std::int64_t> number(const json::object& body, std::string_view name) {
  if (auto value = find_int(body, {name})) return value;
  std::string_view text = find_string(body, {name});
  std::int64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// It becomes a header's value.
bool can_be_sent(std::string_view token) {
  return !token.empty() && token.size() <= longest_token &&
         std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7F; });
}

std::unexpected<Error> no_token(std::string_view host) {
  return fail(ErrorKind::Invalid, Reason::TokenUnavailable,
              fmt::format("the answer of {} holds no token; is there a proxy before it?", host));
}

Result<AccessToken> token_of(const json::object& body, std::string_view host) {
  std::string_view text = find_string(body, {"access_token"});
  auto lifetime = number(body, "expires_in");
  if (!can_be_sent(text) || !lifetime || *lifetime <= 0) return no_token(host);
  return AccessToken{Secret(std::string(text)), seconds{std::min(*lifetime, longest_life)}};
}

// ---- refusals ----

struct Meaning {
  ErrorKind kind;
  Reason reason;
  std::string advice;
};

Meaning refused(std::string advice) {
  return {ErrorKind::Unauthenticated, Reason::AuthenticationFailed, std::move(advice)};
}

Meaning passing(std::string advice) {
  return {ErrorKind::UnknownOutcome, Reason::TokenUnavailable, std::move(advice)};
}

Meaning no_such_tenant(const TokenGrant& grant) {
  bool of_secret = std::holds_alternative<ClientSecret>(grant.proof);
  return {ErrorKind::Invalid, of_secret ? Reason::InvalidSecret : Reason::InvalidSpec,
          fmt::format("there is no tenant {}; correct tenantId", grant.tenant_id)};
}

std::string federation_advice(const TokenGrant& grant) {
  std::string subject = "the operator's own ServiceAccount";
  if (const auto* account = std::get_if<ServiceAccountToken>(&grant.proof))
    subject = fmt::format("system:serviceaccount:{}:{}", account->ns, account->name);
  return fmt::format(
      "application {} trusts no federated credential with the subject {}, this cluster's issuer and the "
      "audience {}; add one (it takes a few minutes to be known)",
      grant.client_id, subject, exchange_audience);
}

// By Entra's own numbers, as its page of error codes lists them.
Meaning meaning_of_code(std::int64_t code, const TokenGrant& grant) {
  switch (code) {
    case 90002:   // tenant not found
    case 900021:  // requested tenant identifier is not valid
    case 900023:  // neither a DNS name nor a valid external domain
      return no_such_tenant(grant);
    case 700016:  // application not found in the directory
      return refused(fmt::format("tenant {} has no application {}; check tenantId and clientId",
                                 grant.tenant_id, grant.client_id));
    case 7000215:
      return refused(
          "the client secret is not one of the application's; the Secret needs the secret's value, "
          "not its ID");
    case 7000222:
      return refused("the client secret has expired; make a new one and put it into the Secret");
    case 7000112:
      return refused(fmt::format("application {} is disabled", grant.client_id));
    case 7000229:
      return refused(fmt::format("application {} has no service principal in tenant {}; create it there",
                                 grant.client_id, grant.tenant_id));
    case 70021:   // no matching federated identity record
    case 700211:  // issuer
    case 700212:  // audience
    case 700213:  // subject
      return refused(federation_advice(grant));
    case 700024:  // assertion outside its time range
      return refused("the federated token is outside of its life; do the cluster's clocks run right?");
    case 53003:
      return refused("a Conditional Access policy refuses the sign-in from here");
    case 90033:  // transient error
    case 50196:  // asked too often in a loop
      return passing("the sign-in service asks for patience");
    default:
      return refused("the sign-in is refused; https://login.microsoftonline.com/error explains the code");
  }
}

std::int64_t code_of(const json::object& body) {
  const json::array* codes = find_array(body, {"error_codes"});
  const json::value* first = codes && !codes->empty() ? &codes->front() : nullptr;
  return first && first->is_int64() ? first->as_int64() : 0;
}

// The words of OAuth and of IMDS; "" for anything else, which may be what we sent.
std::string word(std::string_view text) {
  for (std::string_view known :
       {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope", "invalid_resource", "access_denied", "interaction_required", "consent_required",
        "temporarily_unavailable", "server_error", "identity_not_found", "unauthorized_request"}) {
    if (text == known) return std::string(text);
  }
  return {};
}

// A correlation ID, for the log.
std::string trace_of(const json::object& body) {
  std::string_view text = find_string(body, {"correlation_id"});
  return is_uuid(text) ? std::string(text) : "";
}

Meaning entra_refusal(int status, const json::object& body, const TokenGrant& grant) {
  std::string error = word(find_string(body, {"error"}));
  if (error == "temporarily_unavailable") return passing("the sign-in service asks for patience");
  if ((status != 400 && status != 401 && status != 403) || error.empty()) {
    return {ErrorKind::Invalid, Reason::TokenUnavailable,
            "whoever answers is no sign-in service of Microsoft Entra; check the operator's "
            "AZURE_AUTHORITY_HOST and its proxy"};
  }
  return meaning_of_code(code_of(body), grant);
}

Meaning metadata_refusal(int status, const json::object& body, const TokenGrant& grant) {
  // It says so while it is updated, and for a moment after an identity was assigned.
  if (status == 404 || status == 410) return passing("the metadata service is not ready");
  std::string error = word(find_string(body, {"error"}));
  if (status != 400 || error.empty()) {
    return {ErrorKind::Invalid, Reason::TokenUnavailable,
            "whoever answers is no metadata service of an Azure node"};
  }
  if (grant.client_id.empty())
    return refused(
        "the operator's node has no system-assigned identity, or several others; name one with "
        "spec.identity.clientId");
  return refused(
      fmt::format("the operator's node has no identity {}; assign it to the nodes", grant.client_id));
}

Meaning meaning_of(int status, const json::object& body, const TokenGrant& grant) {
  if (status == 429)
    return {ErrorKind::Throttled, Reason::TokenUnavailable, "tokens are asked for too often"};
  if (status >= 500 || status == 408) return passing("the service has a problem of its own");
  return is_metadata(grant) ? metadata_refusal(status, body, grant) : entra_refusal(status, body, grant);
}

Error refusal(const net::Response& response, const json::object& body, const TokenGrant& grant,
              std::string_view host, WallTime now) {
  Meaning meaning = meaning_of(response.status, body, grant);
  std::string code;
  if (std::int64_t number = is_metadata(grant) ? 0 : code_of(body); number > 0)
    code = fmt::format(" AADSTS{}", number);
  else if (std::string error = word(find_string(body, {"error"})); !error.empty())
    code = " " + error;
  Error error{meaning.kind, meaning.reason,
              fmt::format("no token from {}: {} (HTTP {}{})", host, meaning.advice, response.status, code),
              std::nullopt, trace_of(body)};
  // What somebody has to mend is asked for again soon, whatever the service wishes.
  if (disposition(error) == Disposition::Retry)
    error.retry_after = net::retry_after(response, std::chrono::floor<seconds>(now));
  return error;
}

}  // namespace

net::Request entra_request(std::string_view authority, const TokenGrant& grant, const Secret& proof) {
  net::Request request = common_request(fmt::format("{}/{}/oauth2/v2.0/token", authority, grant.tenant_id));
  request.method = "POST";
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = fmt::format("client_id={}&grant_type=client_credentials&scope={}",
                             percent_encode(grant.client_id), percent_encode(scope));
  if (std::holds_alternative<ClientSecret>(grant.proof)) {
    request.body += fmt::format("&client_secret={}", percent_encode(proof.reveal()));
  } else {
    request.body += fmt::format("&client_assertion_type={}&client_assertion={}",
                                percent_encode(assertion_type), percent_encode(proof.reveal()));
  }
  return request;
}

net::Request metadata_request(std::string_view host, std::string_view client_id) {
  std::string url = fmt::format("{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}", host,
                                percent_encode(resource));
  if (!client_id.empty()) url += fmt::format("&client_id={}", percent_encode(client_id));
  net::Request request = common_request(std::move(url));
  request.headers.emplace_back("Metadata", "true");
  request.no_proxy = true;
  return request;
}

Result<AccessToken> read_token(const net::Response& response, const TokenGrant& grant, std::string_view host,
                               WallTime now) {
  auto parsed = parse_json(response.body);
  const json::object* object = parsed ? parsed->if_object() : nullptr;
  if (response.status == 200) return object ? token_of(*object, host) : no_token(host);
  return std::unexpected(refusal(response, object ? *object : json::object{}, grant, host, now));
}

}  // namespace abo::azure
