#include "azure/token_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace abo::azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds forget_after{3600};
constexpr seconds trust_new{30};         // so young a token that is refused: another one would be too, mostly
constexpr seconds after_refusal{30};     // somebody has to mend something; a new Secret is another grant
constexpr seconds after_failure{5};      // it may pass
constexpr seconds renewal_distance{30};  // between tries while the old token lives
constexpr seconds longest_wish{3600};
// So that no request arrives with a token that just ended.
constexpr seconds before_end{10};

// Ends the asking however the coroutine ends, also by cancellation.
struct Asking {
  bool& flag;
  net::Signal& signal;
  Asking(bool& f, net::Signal& s) : flag(f), signal(s) { flag = true; }
  ~Asking() {
    flag = false;
    signal.notify_all();
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
};

milliseconds pause_after(const Error& error, bool has_token) {
  if (error.retry_after) return std::min<milliseconds>(*error.retry_after, longest_wish);
  if (has_token) return renewal_distance;
  return disposition(error) == Disposition::Retry ? after_failure : after_refusal;
}

std::string host_of(std::string_view url) {
  std::size_t begin = url.find("://");
  url.remove_prefix(begin == url.npos ? 0 : begin + 3);
  return std::string(url.substr(0, url.find('/')));
}

std::string trimmed(std::string text) {
  static constexpr std::string_view space = " \t\r\n";
  text.erase(0, std::min(text.find_first_not_of(space), text.size()));
  text.erase(text.find_last_not_of(space) + 1);
  return text;
}

std::unexpected<Error> no_own_token(std::string message) {
  return fail(ErrorKind::Unauthenticated, Reason::TokenUnavailable, std::move(message));
}

}  // namespace

TokenStore::TokenStore(net::Transport& transport, const Clock& clock, TokenStoreOptions options)
    : transport_(transport), clock_(clock), options_(std::move(options)) {}

bool TokenStore::lives(const Entry& entry) const {
  return entry.token && clock_.mono() < entry.ends;
}

bool TokenStore::fresh(const Entry& entry) const {
  return entry.token && clock_.mono() < entry.renew_at;
}

// The entry is held by whoever works with it, so forgetting is safe at any time.
std::shared_ptr<TokenStore::Entry> TokenStore::entry_of(const std::string& key) {
  auto& entry = entries_[key];
  if (!entry) {
    entry = std::make_shared<Entry>();
    entry->used = clock_.mono();
    std::erase_if(entries_, [&](const auto& one) {
      return !one.second->asking && clock_.mono() - one.second->used > forget_after;
    });
    return entries_.at(key);
  }
  entry->used = clock_.mono();
  return entry;
}

Result<TokenStore::Token> TokenStore::known(const Entry& entry) const {
  if (lives(entry)) return entry.token;
  Error error = *entry.failure;
  if (error.retry_after)
    error.retry_after = std::chrono::duration_cast<milliseconds>(entry.try_again - clock_.mono());
  return std::unexpected(std::move(error));
}

Task<Result<TokenStore::Token>> TokenStore::token(std::shared_ptr<const TokenGrant> grant) {
  auto entry = entry_of(grant->key);
  while (entry->asking && !lives(*entry)) co_await entry->answered.wait();
  if (fresh(*entry) || (entry->asking && lives(*entry))) co_return entry->token;
  if (entry->failure && clock_.mono() < entry->try_again) co_return known(*entry);
  Asking asking(entry->asking, entry->answered);
  co_return settle(*entry, co_await fetch(*grant));
}

Result<TokenStore::Token> TokenStore::settle(Entry& entry, Result<AccessToken> fetched) {
  MonoTime now = clock_.mono();
  if (fetched) {
    auto life = std::chrono::duration_cast<milliseconds>(fetched->lifetime);
    entry.failure.reset();
    entry.token = std::make_shared<const Secret>(std::move(fetched->text));
    entry.fetched = now;
    entry.renew_at = now + life * 4 / 5;
    entry.ends = now + std::max<milliseconds>(life - before_end, life * 4 / 5);
    return entry.token;
  }
  if (fetched.error().kind == ErrorKind::Canceled) return pass(fetched);
  if (!lives(entry)) entry.token.reset();
  entry.try_again = now + pause_after(fetched.error(), entry.token != nullptr);
  entry.failure = std::move(fetched.error());
  return known(entry);
}

bool TokenStore::refused(const TokenGrant& grant, const Token& token) {
  auto found = entries_.find(grant.key);
  if (found == entries_.end() || found->second->token != token) return true;
  Entry& entry = *found->second;
  bool young = clock_.mono() - entry.fetched < trust_new;
  if (young && std::exchange(entry.replaced_young, true)) return false;
  entry.token.reset();
  entry.failure.reset();
  return true;
}

// AZURE_AUTHORITY_HOST is the operator's own cloud (the workload identity webhook always sets it); a watcher of an account
// in another one signs in there.
std::string TokenStore::authority_for(const TokenGrant& grant) const {
  const std::string& own = options_.environment.authority;
  bool elsewhere = grant.cloud != Cloud::Public && !std::holds_alternative<OperatorToken>(grant.proof);
  return own.empty() || elsewhere ? std::string(authority_of(grant.cloud)) : own;
}

Task<Result<AccessToken>> TokenStore::fetch(const TokenGrant& grant) {
  if (std::holds_alternative<ManagedIdentity>(grant.proof)) {
    const std::string& host = options_.environment.metadata_host;
    co_return co_await ask(grant, metadata_request(host, grant.client_id), host_of(host));
  }
  auto proof = co_await proof_of(grant);
  if (!proof) co_return pass(proof);
  std::string authority = authority_for(grant);
  co_return co_await ask(grant, entra_request(authority, grant, *proof), host_of(authority));
}

Task<Result<Secret>> TokenStore::proof_of(const TokenGrant& grant) {
  if (const auto* secret = std::get_if<ClientSecret>(&grant.proof)) co_return secret->text;
  if (const auto* account = std::get_if<ServiceAccountToken>(&grant.proof))
    co_return co_await options_.service_account_token(*account);
  co_return own_token();
}

// Read for each exchange: the kubelet replaces the file.
Result<Secret> TokenStore::own_token() const {
  const std::string& path = options_.environment.token_file;
  if (path.empty())
    return no_own_token(
        "the operator has no token of its own to exchange: AZURE_FEDERATED_TOKEN_FILE is not set; give its "
        "Pods the label azure.workload.identity/use: \"true\"");
  auto text = options_.read_file(path);
  if (!text) return no_own_token(fmt::format("AZURE_FEDERATED_TOKEN_FILE: {}", text.error().message));
  Secret token(trimmed(std::move(*text)));
  if (token.empty()) return no_own_token(fmt::format("AZURE_FEDERATED_TOKEN_FILE: {} is empty", path));
  return token;
}

Task<Result<AccessToken>> TokenStore::ask(const TokenGrant& grant, net::Request request, std::string host) {
  auto response = co_await transport_.send(std::move(request));
  if (!response) {
    observe("error", false);
    Error error = std::move(response.error());
    if (error.kind != ErrorKind::Canceled) {
      error.reason = Reason::TokenUnavailable;
      error.message = fmt::format("no token from {}: {}", host, error.message);
    }
    co_return std::unexpected(std::move(error));
  }
  auto token = read_token(*response, grant, host, clock_.wall());
  observe(fmt::to_string(response->status), !token && token.error().kind == ErrorKind::Throttled);
  co_return token;
}

void TokenStore::observe(std::string_view code, bool throttled) const {
  if (options_.observer) options_.observer("GetToken", code, throttled);
}

}  // namespace abo::azure
