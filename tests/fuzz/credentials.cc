// Endpoints and credentials. The first byte says what the Secret holds, the rest is fields with a NUL between them:
// account, container, endpoint, the Secret's value. Whatever the policy accepts by its default rules must be one of
// Azure's own names by https, also for libcurl, which connects to it; and no error may hold what was secret.
#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "azure/connection_string.h"
#include "azure/credentials.h"
#include "listing/text_decode.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using azure::ContainerUrl;
using azure::Endpoint;
using azure::EndpointPolicy;

const WallTime now = *parse_rfc3339("2026-11-22T05:30:00Z");

void check_text(const Error& error) {
  require(listing::is_text(error.message), "an error is UTF-8 text");
  require(error.message.size() < 2000, "an error is short enough for a condition");
}

// --- endpoints ---

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

// The host that libcurl would connect to is the one that the policy has looked at.
void check_connects_to(const Endpoint& endpoint, const std::string& text) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  require(curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS) == CURLUE_OK,
          fmt::format("libcurl reads {}", text));
  require(part(url.get(), CURLUPART_HOST) == endpoint.host,
          fmt::format("libcurl connects to {}", endpoint.host));
  require(part(url.get(), CURLUPART_SCHEME) == endpoint.scheme, "libcurl uses the same scheme");
  std::string port = part(url.get(), CURLUPART_PORT);
  require(port.empty() ? endpoint.has_default_port() : port == std::to_string(endpoint.port),
          "the same port");
  for (CURLUPart none : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    require(part(url.get(), none).empty(), "libcurl sees no user, query or fragment");
  }
}

// By the words of SECURITY.md, written down a second time.
bool is_azures_own(const Endpoint& endpoint) {
  static constexpr std::string_view suffixes[] = {".blob.core.windows.net", ".blob.core.usgovcloudapi.net",
                                                  ".blob.core.chinacloudapi.cn", ".blob.storage.azure.net"};
  bool plain =
      endpoint.host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == endpoint.host.npos;
  return endpoint.scheme == "https" && endpoint.port == 443 && plain &&
         std::ranges::any_of(suffixes, [&](std::string_view suffix) {
           return endpoint.host.ends_with(suffix) && endpoint.host.size() > suffix.size();
         });
}

void check_endpoint(std::string_view text) {
  auto endpoint = azure::parse_endpoint(text, "endpoint");
  if (!endpoint) return check_text(endpoint.error());
  std::string canonical = endpoint->origin() + endpoint->path;
  auto again = azure::parse_endpoint(canonical, "endpoint");
  require(again && *again == *endpoint, fmt::format("{} is read as what was written", canonical));
  check_connects_to(*endpoint, canonical + "/data");
  if (EndpointPolicy{}.check(*endpoint)) {
    require(is_azures_own(*endpoint), fmt::format("{} is allowed by default", canonical));
  }
  auto flag = EndpointPolicy::parse({endpoint->origin()});
  require(flag && flag->check(*endpoint), fmt::format("--allowed-endpoint {} allows it", endpoint->origin()));
}

// --- credentials ---

struct Fields {
  std::string key, account, container, endpoint, value;
};

Result<azure::Access> resolve(const Fields& fields, const EndpointPolicy& policy) {
  azure::SecretData data{{fields.key, Secret(fields.value)}};
  if (fields.key.empty())
    return azure::resolve_access(
        {fields.account, fields.container, fields.endpoint, std::nullopt, "creds", policy}, now);
  return azure::resolve_access({fields.account, fields.container, fields.endpoint, data, "creds", policy},
                               now);
}

std::string_view behind(std::string_view text, std::string_view mark) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  auto found = std::ranges::search(text, mark, {}, lower);
  if (found.empty()) return {};
  return text.substr(static_cast<std::size_t>(found.end() - text.begin()));
}

// Account keys and signatures that the value holds. Short ones say nothing: they stand in any text by chance.
std::vector<std::string> secrets_of(const Fields& fields) {
  std::vector<std::string> out;
  if (fields.key == "accountKey") out.push_back(fields.value);
  std::string_view text = fields.value;
  if (std::string_view key = behind(text, "accountkey="); !key.empty())
    out.emplace_back(key.substr(0, key.find(';')));
  if (std::string_view sig = behind(text, "sig="); !sig.empty())
    out.emplace_back(sig.substr(0, sig.find_first_of("&;")));
  std::erase_if(out, [](const std::string& secret) { return secret.size() < 6; });
  return out;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// A text may hold the same bytes by chance ("core.windows.net" is a legal key). It leaks them only when it changes with
// them.
void check_keeps_secret(const Fields& fields, const EndpointPolicy& policy, const Error& error) {
  for (const std::string& secret : secrets_of(fields)) {
    if (!error.message.contains(secret)) continue;
    std::string other(secret.size(), 'Q');
    Fields changed = fields;
    changed.value = with(fields.value, secret, other);
    auto second = resolve(changed, policy);
    require(second || !second.error().message.contains(other), "no error holds a secret: " + error.message);
  }
}

void check_access(const Fields& fields, const azure::Access& access, bool defaults) {
  const ContainerUrl& url = access.container;
  if (defaults) require(is_azures_own(url.endpoint), fmt::format("{} is allowed by default", url.text()));
  require(azure::check_account_name(url.account).has_value(), "the account is a legal name");
  require(fields.account.empty() || fields.account == url.account,
          "the account is the one that was asked for");
  require(url.container == fields.container, "the container is the one that was asked for");
  check_connects_to(url.endpoint, url.text());
  if (const auto* sas = std::get_if<azure::SasToken>(&access.credential)) {
    require(!sas->https_only || url.endpoint.scheme == "https", "an https-only SAS is not sent by http");
    require(!sas->expires || *sas->expires > now, "an expired SAS is not sent");
    require(sas->text.reveal().find_first_of(" \r\n#?") == std::string_view::npos, "a SAS fits into a query");
  }
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo;
  using namespace abo::fuzz;
  static const EndpointPolicy defaults,
      open = *EndpointPolicy::parse({"http://127.0.0.1:10000", "https://*.example"});
  static constexpr std::string_view keys[] = {"", "accountKey", "sasToken", "connectionString"};
  std::string_view input = text_of(data, size), head = take(input, 1);
  Fields fields;
  if (!head.empty()) fields.key = keys[static_cast<unsigned char>(head.front()) % std::size(keys)];
  fields.account = take_field(input);
  fields.container = take_field(input);
  fields.endpoint = take_field(input);
  fields.value = input;
  // These come from a watcher's spec, which is JSON; a Secret may hold any bytes.
  if (!listing::is_text(fields.account + fields.container + fields.endpoint)) return 0;
  check_endpoint(fields.endpoint);
  for (const EndpointPolicy* policy : {&defaults, &open}) {
    auto access = resolve(fields, *policy);
    if (access) {
      check_access(fields, *access, policy == &defaults);
    } else {
      check_text(access.error());
      check_keeps_secret(fields, *policy, access.error());
    }
  }
  return 0;
}
