// The real Transport: libcurl's multi interface, driven by the event loop. It owns the connections; one
// transport is made for each service it speaks to (HTTP/2 to the API server, HTTP/1.1 to Blob), since limits
// on connections are per transport. How many it has is curl_lanes.h's matter. Used from the loop's thread alone.
//
// TLS is always verified. Proxies come from HTTPS_PROXY, https_proxy, http_proxy, ALL_PROXY and NO_PROXY (an
// uppercase HTTP_PROXY is ignored, as curl does). A request on a reused connection that turns out to be dead
// is sent again once when its method is idempotent; may_send is asked again then.
//
// A transport may be destroyed with requests in flight: they end with Canceled on the next turn of the loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "net/http.h"

namespace abo::net {

struct CurlOptions {
  bool http2 = false;           // multiplex requests, up to 100 over one connection
  bool system_roots = true;     // trust what the machine trusts
  std::string ca_file;          // more roots: a PEM file, read when the first TLS connection is made
  std::string ca_pem;           // more roots: PEM text
  std::string client_cert_pem;  // both or none
  Secret client_key_pem;
  std::string tls_server_name;            // name to send and to verify instead of the URL's host
  std::string proxy_url;                  // instead of the environment's proxies, NO_PROXY included
  bool insecure_skip_tls_verify = false;  // exists only because kubeconfigs have it
  std::vector<std::string> resolve;       // "host:port:address,..." in place of what DNS says: for tests
};

class CurlLanes;
class TrustStore;

class CurlTransport final : public Transport {
 public:
  CurlTransport(boost::asio::any_io_executor executor, CurlOptions options);
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  // Cancellation ends the exchange at once with Canceled: on HTTP/1.1 it costs the connection, on HTTP/2 the
  // stream.
  [[nodiscard]] Task<Result<Response>> send(Request request, BodySink sink = {}) override;

  // New certificates or roots for requests from now on, over new connections; requests in flight end on the
  // old ones.
  void reload(CurlOptions options);
  [[nodiscard]] const CurlOptions& options() const { return *options_; }

 private:
  boost::asio::any_io_executor executor_;
  std::shared_ptr<const CurlOptions> options_;
  std::shared_ptr<TrustStore> trust_;
  std::shared_ptr<CurlLanes> lanes_;
  std::vector<std::weak_ptr<CurlLanes>> retired_;  // by reload(), with requests still in flight
};

}  // namespace abo::net
