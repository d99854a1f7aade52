// The small HTTP server behind /metrics, /healthz and /readyz: GET and HEAD of a few fixed paths, each answered by a
// function that must not block. Not for anything else: no bodies, no TLS, no query parameters. On the event loop.
//
// It defends itself by limits: header size, time per request, a count of connections above which the one that has been open
// longest is closed, and one of answers under way, above which the one that takes longest is.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/task.h"

namespace abo::net {

struct ServerAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

class HttpServer {
 public:
  using Handlers = std::map<std::string, std::function<ServerAnswer()>, std::less<>>;  // by path: "/healthz"

  // Listens at "host:port", "[::1]:port" or ":port" (every address of the machine); port 0 takes a free one.
  // Invalid / InvalidSpec for an address that is none, Unavailable / EndpointUnreachable when it cannot be had; the
  // message names the address.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::any_io_executor executor,
                                                                  std::string address, Handlers handlers);
  ~HttpServer();  // without close(): connections are cut
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] unsigned short port() const;

  // Stops listening, lets answers under way finish, ends idle connections, and waits for all of it.
  [[nodiscard]] Task<void> close();

 private:
  struct State;
  explicit HttpServer(std::shared_ptr<State> state);
  friend struct HttpServerTasks;
  std::shared_ptr<State> state_;
};

}  // namespace abo::net
