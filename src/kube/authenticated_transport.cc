#include "kube/authenticated_transport.h"

#include <utility>

namespace abo::kube {

AuthenticatedTransport::AuthenticatedTransport(net::Transport& below, Authenticator& authenticator,
                                               std::string server, UseCertificate use_certificate)
    : below_(below),
      authenticator_(authenticator),
      server_(std::move(server)),
      use_certificate_(std::move(use_certificate)) {}

void AuthenticatedTransport::apply(const Credential& credential, net::Request& request) {
  if (!credential.client_cert_pem.empty() && credential.client_cert_pem != certificate_in_use_) {
    certificate_in_use_ = credential.client_cert_pem;
    if (use_certificate_) use_certificate_(credential.client_cert_pem, credential.client_key_pem);
  }
  if (!credential.token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + std::string{credential.token.reveal()});
  }
}

Task<Result<net::Response>> AuthenticatedTransport::send(net::Request request, net::BodySink sink) {
  if (!request.url.starts_with(server_ + "/")) {
    co_return fail(ErrorKind::Internal, Reason::Internal, "a request for another server than the API server");
  }
  for (bool again : {true, false}) {
    auto credential = co_await authenticator_.current();
    if (!credential) co_return pass(credential);
    net::Request attempt = request;
    apply(**credential, attempt);
    Result<net::Response> response = co_await below_.send(std::move(attempt), sink);
    bool refused = response && response->status == 401;
    if (refused && authenticator_.reject(*credential) && again) continue;
    co_return response;
  }
  co_return fail(ErrorKind::Internal, Reason::Internal, "unreachable");
}

}  // namespace abo::kube
