#include "kube/api_connection.h"

#include <utility>

namespace abo::kube {

net::CurlOptions curl_options(const KubeConfig& config) {
  net::CurlOptions options;
  options.http2 = true;
  options.system_roots = config.ca_pem.empty();
  options.ca_pem = config.ca_pem;
  options.tls_server_name = config.tls_server_name;
  options.proxy_url = config.proxy_url;
  options.insecure_skip_tls_verify = config.insecure_skip_tls_verify;
  return options;
}

ApiConnection::ApiConnection(boost::asio::any_io_executor executor, KubeConfig config, const Clock& clock,
                             Surroundings surroundings)
    : config_(std::move(config)),
      authenticator_(config_.auth, std::move(surroundings), runner_, clock),
      curl_(std::move(executor), curl_options(config_)),
      authenticated_(curl_, authenticator_, config_.server,
                     [this](const std::string& cert, const Secret& key) { use_certificate(cert, key); }) {}

void ApiConnection::use_certificate(const std::string& cert_pem, const Secret& key_pem) {
  net::CurlOptions options = curl_.options();
  options.client_cert_pem = cert_pem;
  options.client_key_pem = key_pem;
  curl_.reload(std::move(options));
}

}  // namespace abo::kube
