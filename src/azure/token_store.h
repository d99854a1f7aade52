// Bearer tokens, asked for once and kept until shortly before their end: one for each grant (TokenGrant::key), however
// many watchers use it. A token is renewed when four fifths of its life are over, which leaves a token of an hour longer
// than any listing takes; one poll asks, the others go on with the old one. While renewing fails, the old one is used as
// long as it lives. A grant that was refused is not asked for again at once.
//
// Used from the loop's thread alone; transport, clock and what the options refer to outlive it, and it outlives every
// coroutine of it. What has not been asked for an hour is forgotten.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "azure/identity_environment.h"
#include "azure/token_grant.h"
#include "azure/token_protocol.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "net/http.h"
#include "net/signal.h"
#include "net/task.h"

namespace abo::azure {

struct TokenStoreOptions {
  IdentityEnvironment environment{};
  // A token of that account for exchange_audience, by whoever speaks to Kubernetes.
  std::function<Task<Result<Secret>>(ServiceAccountToken account)> service_account_token{};
  std::function<Result<std::string>(const std::string& path)> read_file{};
  // As BlobClientOptions::observer, with the operation "GetToken".
  std::function<void(std::string_view operation, std::string_view code, bool throttled)> observer{};
};

class TokenStore {
 public:
  // Never null in a success; the same pointer as long as it is the same token.
  using Token = std::shared_ptr<const Secret>;

  TokenStore(net::Transport& transport, const Clock& clock, TokenStoreOptions options);
  TokenStore(const TokenStore&) = delete;
  TokenStore& operator=(const TokenStore&) = delete;

  // Errors: those of read_token() and of service_account_token, and
  //   Unavailable, UnknownOutcome  TokenUnavailable  no answer came
  //   Unauthenticated  TokenUnavailable  the operator has no token file, or it cannot be read
  [[nodiscard]] Task<Result<Token>> token(std::shared_ptr<const TokenGrant> grant);

  // Azure refused this one: it is not handed out again. False when asking anew is in vain, since it is only seconds old and
  // another one as young was refused before.
  bool refused(const TokenGrant& grant, const Token& token);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Token token;
    MonoTime fetched{}, renew_at{}, ends{};
    std::optional<Error> failure;  // of the last try
    MonoTime try_again{};
    MonoTime used{};
    bool asking = false;
    bool replaced_young = false;  // once a token that was only seconds old
    net::Signal answered;
  };

  [[nodiscard]] std::shared_ptr<Entry> entry_of(const std::string& key);
  [[nodiscard]] bool lives(const Entry& entry) const;
  [[nodiscard]] bool fresh(const Entry& entry) const;
  [[nodiscard]] Result<Token> known(const Entry& entry) const;
  [[nodiscard]] Result<Token> settle(Entry& entry, Result<AccessToken> fetched);
  [[nodiscard]] std::string authority_for(const TokenGrant& grant) const;
  [[nodiscard]] Task<Result<AccessToken>> fetch(const TokenGrant& grant);
  [[nodiscard]] Task<Result<Secret>> proof_of(const TokenGrant& grant);
  [[nodiscard]] Result<Secret> own_token() const;
  [[nodiscard]] Task<Result<AccessToken>> ask(const TokenGrant& grant, net::Request request,
                                              std::string host);
  void observe(std::string_view code, bool throttled) const;

  net::Transport& transport_;
  const Clock& clock_;
  TokenStoreOptions options_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace abo::azure
