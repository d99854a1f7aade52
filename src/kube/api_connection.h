// The connection to one API server, put together: libcurl over HTTP/2, with the kubeconfig's TLS settings, under the
// authenticator. Owned by main (or a command line tool) for the life of the program; the one event loop uses it.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "base/time.h"
#include "kube/authenticated_transport.h"
#include "kube/authenticator.h"
#include "kube/exec_process.h"
#include "kube/kube_config.h"
#include "net/curl_transport.h"

namespace abo::kube {

// What a kubeconfig says about TLS and proxies, in the transport's words. A cluster's own CA replaces the machine's.
[[nodiscard]] net::CurlOptions curl_options(const KubeConfig& config);

class ApiConnection {
 public:
  ApiConnection(boost::asio::any_io_executor executor, KubeConfig config, const Clock& clock,
                Surroundings surroundings = Surroundings::real());

  [[nodiscard]] net::Transport& transport() { return authenticated_; }
  [[nodiscard]] const KubeConfig& config() const { return config_; }

 private:
  void use_certificate(const std::string& cert_pem, const Secret& key_pem);

  KubeConfig config_;
  ProcessRunner runner_;
  Authenticator authenticator_;
  net::CurlTransport curl_;
  AuthenticatedTransport authenticated_;
};

}  // namespace abo::kube
