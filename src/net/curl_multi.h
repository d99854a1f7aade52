// One libcurl multi handle inside the event loop: libcurl says which descriptors and which timer it waits
// for, Asio waits, and what became ready is handed back. Requests are CurlExchange's matter; here is only the
// machinery.
//
// libcurl must not be re-entered from its own callbacks, so everything that calls it runs from the loop:
// whoever might stand inside a callback (busy()) has to post first.
#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

namespace abo::net {

class CurlMulti : public std::enable_shared_from_this<CurlMulti> {
 public:
  // Who waits for a transfer. ended() is called from the loop, never inside a libcurl callback, after the
  // handle left the multi; it must not call libcurl for another transfer but may schedule whatever it likes.
  class Waiter {
   public:
    virtual void ended(CURLcode code) = 0;
    virtual void abandoned() = 0;  // the multi is closed: nothing will come any more

   protected:
    ~Waiter() = default;
  };

  CurlMulti(boost::asio::any_io_executor executor, bool http2);
  ~CurlMulti();
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  // A handle with nothing set but what belongs to this multi; nullptr without memory. give_back() takes it
  // again. `clean`: its transfer ended well; what another leaves in the handle outlives even a reset.
  [[nodiscard]] CURL* take_easy();
  void give_back(CURL* easy, bool clean);

  // Begins the transfer. remove() may be called at any time but inside a callback, also after ended().
  [[nodiscard]] CURLMcode add(CURL* easy, Waiter* waiter);
  void remove(CURL* easy);

  // What a handle's CURLOPT_OPENSOCKETFUNCTION has to do, whoever decides whether it may.
  curl_socket_t open_socket(const curl_sockaddr& address);

  [[nodiscard]] std::size_t in_flight() const { return waiters_.size(); }

  // Inside a libcurl callback, where add() and remove() are forbidden.
  [[nodiscard]] bool busy() const { return depth_ > 0; }

  // With HTTP/2 a host gets one connection (see curl_lanes.h). Where the server turns out to speak HTTP/1.1 only, that
  // would let a watch block everything else.
  // May be called inside a callback.
  void allow_many_connections();
  [[nodiscard]] bool many_connections() const { return many_connections_; }

  // Ends every transfer as abandoned and takes no new ones.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  struct Socket;
  friend struct CurlMultiCallbacks;

  void configure(bool http2);
  void watch(curl_socket_t fd, int what);
  void arm(const std::shared_ptr<Socket>& socket);
  void wait(const std::shared_ptr<Socket>& socket, bool for_reading);
  using SteadyTime = std::chrono::steady_clock::time_point;
  void set_timer(long milliseconds);
  void ring_at_once();
  void ring_at(SteadyTime time);
  void ring();
  std::shared_ptr<Socket> adopt(curl_socket_t fd, bool ours);
  void close_socket(curl_socket_t fd);
  void act(curl_socket_t fd, int ready);
  void collect();

  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer timer_;
  SteadyTime rings_ = SteadyTime::max();  // the timer; max(): not at all
  SteadyTime due_ = SteadyTime::max();    // when libcurl wants to be called, which may be later
  bool posted_ = false;                   // ring() is on its way through the loop
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
  std::unordered_map<CURL*, Waiter*> waiters_;
  std::vector<CURL*> idle_easies_;
  CURLM* multi_ = nullptr;
  bool recycle_;
  bool closed_ = false;
  bool many_connections_ = false;
  bool many_connections_wanted_ = false;  // once no callback is under way
  int depth_ = 0;
};

}  // namespace abo::net
