#include "kube/authenticator.h"

#include <fmt/format.h>

#include <utility>

namespace abo::kube {
namespace {

constexpr std::chrono::minutes kReadAgain{1};
constexpr std::chrono::seconds kFailureHolds{1};
constexpr std::chrono::seconds kTrustNew{
    5};  // a credential younger than this is not renewed: it would not help
constexpr std::chrono::seconds kBeforeExpiry{20};  // so that no request arrives with a token that just ended

std::unexpected<Error> unauthenticated(std::string message) {
  return fail(ErrorKind::Unauthenticated, Reason::ApiServerUnavailable, std::move(message));
}

std::string trimmed(std::string text) {
  std::size_t end = text.find_last_not_of(" \t\r\n");
  text.resize(end == text.npos ? 0 : end + 1);
  return text;
}

// Ends the single flight however the coroutine ends, also by cancellation.
struct Flight {
  bool& flag;
  Signal& signal;
  Flight(bool& f, Signal& s) : flag(f), signal(s) { flag = true; }
  ~Flight() {
    flag = false;
    signal.notify_all();
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
};

}  // namespace

Authenticator::Authenticator(AuthInfo auth, Surroundings surroundings, CommandRunner& runner,
                             const Clock& clock)
    : auth_(std::move(auth)), surroundings_(std::move(surroundings)), runner_(runner), clock_(clock) {}

bool Authenticator::renewable() const {
  bool plugin = auth_.exec && auth_.token_file.empty() && auth_.token.empty();
  return plugin || !auth_.token_file.empty() || !auth_.client_cert_file.empty() ||
         !auth_.client_key_file.empty();
}

bool Authenticator::fresh() const {
  if (!credential_) return false;
  if (!renewable() || clock_.mono() - fetched_ < kTrustNew) return true;
  if (credential_->expires) return clock_.wall() + kBeforeExpiry < *credential_->expires;
  bool from_files = !auth_.token_file.empty() || !auth_.client_cert_file.empty();
  return !from_files || clock_.mono() - fetched_ < kReadAgain;
}

bool Authenticator::reject(const std::shared_ptr<const Credential>& credential) {
  // Another request may have had the same answer first; only the first rejection drops the credential.
  if (!renewable()) return false;
  if (credential != credential_) return true;
  if (clock_.mono() - fetched_ < kTrustNew) return false;
  credential_.reset();
  return true;
}

Task<Result<std::shared_ptr<const Credential>>> Authenticator::current() {
  while (renewing_ && !fresh()) co_await renewed_.wait();
  if (fresh()) co_return credential_;
  bool just_failed = failure_ && clock_.mono() - failed_ < kFailureHolds;
  if (just_failed && !credential_) co_return std::unexpected(*failure_);
  if (just_failed) co_return credential_;
  Flight flight(renewing_, renewed_);
  co_return settle(co_await fetch());
}

Result<std::shared_ptr<const Credential>> Authenticator::settle(Result<Credential> fetched) {
  if (fetched) {
    failure_.reset();
    fetched_ = clock_.mono();
    credential_ = std::make_shared<const Credential>(std::move(*fetched));
    return credential_;
  }
  failure_ = std::move(fetched.error());
  failed_ = clock_.mono();
  bool expired = credential_ && credential_->expires && clock_.wall() >= *credential_->expires;
  if (expired) credential_.reset();
  if (credential_) return credential_;
  return std::unexpected(*failure_);
}

Task<Result<Credential>> Authenticator::fetch() {
  Result<Credential> out = read_files();
  if (!out || !out->token.empty() || !auth_.exec) co_return out;
  Result<Credential> plugin = co_await run_plugin();
  if (!plugin) co_return plugin;
  out->token = std::move(plugin->token);
  out->expires = plugin->expires;
  if (!plugin->client_cert_pem.empty()) {
    out->client_cert_pem = std::move(plugin->client_cert_pem);
    out->client_key_pem = std::move(plugin->client_key_pem);
  }
  co_return out;
}

Result<Credential> Authenticator::read_files() const {
  Credential out{auth_.token, auth_.client_cert_pem, auth_.client_key_pem, std::nullopt};
  if (!auth_.client_cert_file.empty()) {
    auto cert = surroundings_.read_file(auth_.client_cert_file);
    if (!cert) return unauthenticated("client certificate: " + cert.error().message);
    out.client_cert_pem = std::move(*cert);
  }
  if (!auth_.client_key_file.empty()) {
    auto key = surroundings_.read_file(auth_.client_key_file);
    if (!key) return unauthenticated("client key: " + key.error().message);
    out.client_key_pem = Secret{std::move(*key)};
  }
  if (!auth_.token_file.empty()) {
    auto token = surroundings_.read_file(auth_.token_file);
    if (!token) return unauthenticated("token file: " + token.error().message);
    out.token = Secret{trimmed(std::move(*token))};
    if (out.token.empty()) return unauthenticated(auth_.token_file + " is empty");
  }
  return out;
}

Task<Result<Credential>> Authenticator::run_plugin() {
  const ExecPlugin& plugin = *auth_.exec;
  Command command;
  command.program = plugin.command;
  command.args = plugin.args;
  command.env = plugin.env;
  command.env.emplace_back("KUBERNETES_EXEC_INFO", exec_info(plugin));
  Result<std::string> output = co_await runner_.run(std::move(command));
  if (output) co_return parse_exec_credential(*output, plugin.api_version);
  Error error = std::move(output.error());
  error.message = "exec plugin: " + error.message;
  if (!plugin.install_hint.empty()) error.message += " (" + plugin.install_hint + ")";
  co_return std::unexpected(std::move(error));
}

}  // namespace abo::kube
