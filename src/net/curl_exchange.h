// One request on its way through libcurl: the handle's options, the callbacks that fill the Response, and the
// deadlines. It lives in the frame of CurlTransport::send and takes its handle out of the multi when that
// frame goes.
//
// After start(), wait until finished(): sleep on wakeup() until next_deadline(), then call expire(). That is
// all the coroutine has to do; cancelling it is nothing but destroying the exchange.
#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "net/curl_error.h"
#include "net/curl_multi.h"
#include "net/curl_transport.h"
#include "net/http.h"
#include "net/trust_store.h"

namespace abo::net {

class CurlExchange final : private CurlMulti::Waiter {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  CurlExchange(std::shared_ptr<CurlMulti> multi, std::shared_ptr<const CurlOptions> options,
               std::shared_ptr<TrustStore> trust, Request request, BodySink sink,
               const boost::asio::any_io_executor& executor);
  ~CurlExchange();
  CurlExchange(const CurlExchange&) = delete;
  CurlExchange& operator=(const CurlExchange&) = delete;

  // Hands the request to libcurl. After an error there is nothing to wait for.
  [[nodiscard]] Result<void> start();

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] boost::asio::steady_timer& wakeup() { return wakeup_; }
  [[nodiscard]] SteadyTime next_deadline() const;
  void expire(SteadyTime now);  // ends the exchange if a deadline has passed

  // Once finished. Throws what the sink or may_send threw.
  [[nodiscard]] Result<Response> result();

 private:
  friend struct CurlExchangeCallbacks;
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  using List = std::unique_ptr<curl_slist, FreeList>;

  void ended(CURLcode code) override;
  void abandoned() override;
  void finish();

  [[nodiscard]] Result<void> configure();
  void set_url();
  void set_method();
  void set_tls();
  void set_proxy();
  void set_limits();
  [[nodiscard]] Result<void> set_headers();
  void append(List& list, const std::string& text);
  template <class Value>
  void set(CURLoption option, Value value);

  bool take_body(std::string_view piece);
  bool take_header(std::string_view line);
  bool may_send_now();
  [[nodiscard]] curl_socket_t open_socket(const curl_sockaddr& address);
  [[nodiscard]] bool may_reach(std::string_view address, int port);
  [[nodiscard]] Error not_reached() const;
  [[nodiscard]] std::optional<std::pair<Deadline, SteadyTime>> deadline() const;

  std::shared_ptr<CurlMulti> multi_;
  std::shared_ptr<const CurlOptions> options_;
  std::shared_ptr<TrustStore> trust_;
  Request request_;
  BodySink sink_;
  boost::asio::steady_timer wakeup_;
  CURL* easy_;
  List headers_;
  List connect_to_;
  List resolve_;
  std::array<char, CURL_ERROR_SIZE> detail_{};

  Response response_;
  std::size_t header_bytes_ = 0;
  int attempts_ = 0;         // how often the request was handed to a connection
  bool body_begun_ = false;  // headers that come now are trailers
  bool body_cut_ = false;    // of an answer other than 2xx, which was too long
  bool bad_option_ = false;
  std::string refused_address_;  // the last one that may_reach refused
  bool opened_ = false;          // a connection to another address was begun

  bool finished_ = false;
  CURLcode code_ = CURLE_OK;
  std::optional<Error> error_;  // ours, in place of what libcurl makes of it
  std::exception_ptr thrown_;
  SteadyTime started_;
  SteadyTime last_byte_;
};

}  // namespace abo::net
