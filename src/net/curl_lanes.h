// The connections of one transport: which multi handle a request goes to. With HTTP/1.1 that is always the same one. With
// HTTP/2 each handle keeps one connection to a host, and a server takes 100 requests at once over it (kube-apiserver's
// limit, and libcurl's own): when all are full, one more is made. libcurl could hold several connections in one handle, but
// it opens one for every request that finds none with room, fifty for 150 requests that come together.
//
// Owned by the transport and by its exchanges in flight. Used from the loop's thread alone.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <vector>

#include "net/curl_multi.h"

namespace abo::net {

class CurlLanes {
 public:
  CurlLanes(boost::asio::any_io_executor executor, bool http2);

  // The handle for one more request: the first with room, so that those made for a rush empty and go.
  [[nodiscard]] std::shared_ptr<CurlMulti> pick();

  // Ends every transfer as abandoned and takes no new ones.
  void close();

 private:
  void drop_idle();

  boost::asio::any_io_executor executor_;
  bool http2_;
  std::vector<std::shared_ptr<CurlMulti>> multis_;  // never empty
};

}  // namespace abo::net
