// A Transport that adds who we are to every request: the bearer token as a header, the client certificate through a
// callback into the transport below, and one renewal and second attempt after a 401, which the API server gives before
// it does anything. Speaks only to the API server's own origin: a request elsewhere is a bug and gets no token.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "kube/authenticator.h"
#include "net/http.h"

namespace abo::kube {

class AuthenticatedTransport final : public net::Transport {
 public:
  // Called before the first request with a certificate, and whenever another one has to be used from now on.
  using UseCertificate = std::function<void(const std::string& cert_pem, const Secret& key_pem)>;

  // server: as in KubeConfig. below and authenticator outlive it.
  AuthenticatedTransport(net::Transport& below, Authenticator& authenticator, std::string server,
                         UseCertificate use_certificate);

  // As Transport::send(), and Unauthenticated ApiServerUnavailable when there is no credential to be had.
  [[nodiscard]] Task<Result<net::Response>> send(net::Request request, net::BodySink sink = {}) override;

 private:
  void apply(const Credential& credential, net::Request& request);

  net::Transport& below_;
  Authenticator& authenticator_;
  std::string server_;
  UseCertificate use_certificate_;
  std::string certificate_in_use_;
};

}  // namespace abo::kube
