#include "net/curl_multi.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <new>
#include <utility>

namespace abo::net {
namespace {

// A peer that does not acknowledge what was sent for this long is gone; without it a vanished network would
// hold an HTTP/2 connection, and every request on it, for a quarter of an hour.
constexpr unsigned kUserTimeoutMs = 20'000;

// Handles kept for reuse (HTTP/1.1 only) and idle connections kept open, each per transport.
constexpr std::size_t kIdleEasies = 8;
constexpr long kIdleConnections = 64;

void init_curl_once() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) std::abort();  // no memory at the very start
}

}  // namespace

// A descriptor libcurl waits for. Ours were opened by open_socket; foreign ones (the resolver's) are only
// borrowed.
struct CurlMulti::Socket {
  Socket(const boost::asio::any_io_executor& executor, curl_socket_t fd, bool ours)
      : descriptor(executor, fd), own(ours) {}
  ~Socket() {
    if (!own && descriptor.is_open()) descriptor.release();
  }

  boost::asio::posix::stream_descriptor descriptor;
  bool own;
  bool reading = false;  // a wait is under way
  bool writing = false;
  int want = CURL_POLL_NONE;
};

struct CurlMultiCallbacks {
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<CurlMulti*>(self)->watch(fd, what);
    return 0;
  }
  static int on_timer(CURLM*, long milliseconds, void* self) {
    static_cast<CurlMulti*>(self)->set_timer(milliseconds);
    return 0;
  }
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) {
    return static_cast<CurlMulti*>(self)->open_socket(*address);
  }
  static int on_close(void* self, curl_socket_t fd) {
    static_cast<CurlMulti*>(self)->close_socket(fd);
    return 0;
  }
};

CurlMulti::CurlMulti(boost::asio::any_io_executor executor, bool http2)
    : executor_(std::move(executor)), timer_(executor_), recycle_(!http2) {
  init_curl_once();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw std::bad_alloc();
  configure(http2);
}

void CurlMulti::configure(bool http2) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMultiCallbacks::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMultiCallbacks::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
  if (http2) {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  } else {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
  }
}

CurlMulti::~CurlMulti() {
  for (CURL* easy : idle_easies_) curl_easy_cleanup(easy);
  curl_multi_cleanup(multi_);  // closes the idle connections, through close_socket
}

CURL* CurlMulti::take_easy() {
  CURL* easy = nullptr;
  if (idle_easies_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = idle_easies_.back();
    idle_easies_.pop_back();
  }
  if (easy == nullptr) return nullptr;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &CurlMultiCallbacks::on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlMultiCallbacks::on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  return easy;
}

void CurlMulti::give_back(CURL* easy, bool clean) {
  // With HTTP/2 a reset handle keeps state of streams that still live, so those handles are used once. One that never
  // got a connection keeps its buffer and refuses CURLOPT_BUFFERSIZE ever after.
  if (!recycle_ || !clean || closed_ || idle_easies_.size() >= kIdleEasies) {
    curl_easy_cleanup(easy);
    return;
  }
  curl_easy_reset(easy);
  idle_easies_.push_back(easy);
}

CURLMcode CurlMulti::add(CURL* easy, Waiter* waiter) {
  const CURLMcode code = curl_multi_add_handle(multi_, easy);
  if (code == CURLM_OK) waiters_.emplace(easy, waiter);
  return code;
}

void CurlMulti::remove(CURL* easy) {
  if (waiters_.erase(easy) == 0) return;
  ++depth_;
  curl_multi_remove_handle(multi_, easy);
  --depth_;
}

void CurlMulti::allow_many_connections() {
  many_connections_ = true;
  if (busy()) {
    many_connections_wanted_ = true;  // collect() does it, outside the callback
    return;
  }
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, 0L);
}

void CurlMulti::close() {
  closed_ = true;
  timer_.cancel();
  const auto waiters =
      waiters_;  // abandoned() only wakes; each request leaves by remove() when its coroutine runs
  for (const auto& [easy, waiter] : waiters) waiter->abandoned();
}

void CurlMulti::watch(curl_socket_t fd, int what) {
  const auto found = sockets_.find(fd);
  if (what == CURL_POLL_REMOVE) {
    if (found == sockets_.end()) return;
    found->second->want = CURL_POLL_NONE;
    if (found->second->own) {
      found->second->descriptor.cancel();
    } else {
      found->second->descriptor
          .release();  // libcurl may close it now, and the number may come back as another's
      sockets_.erase(found);
    }
    return;
  }
  const auto socket = found != sockets_.end() ? found->second : adopt(fd, false);
  if (!socket) return;
  socket->want = what;
  arm(socket);
}

void CurlMulti::arm(const std::shared_ptr<Socket>& socket) {
  if ((socket->want & CURL_POLL_IN) != 0 && !socket->reading) wait(socket, true);
  if ((socket->want & CURL_POLL_OUT) != 0 && !socket->writing) wait(socket, false);
}

void CurlMulti::wait(const std::shared_ptr<Socket>& socket, bool for_reading) {
  (for_reading ? socket->reading : socket->writing) = true;
  using Descriptor = boost::asio::posix::stream_descriptor;
  socket->descriptor.async_wait(
      for_reading ? Descriptor::wait_read : Descriptor::wait_write,
      [weak = weak_from_this(), socket, for_reading](const boost::system::error_code& problem) {
        (for_reading ? socket->reading : socket->writing) = false;
        const auto self = weak.lock();
        if (!self || self->closed_ || !socket->descriptor.is_open()) return;
        const int wanted = for_reading ? CURL_POLL_IN : CURL_POLL_OUT;
        if ((socket->want & wanted) == 0) return;
        // A wait that was cancelled by a REMOVE may be wanted again since.
        if (problem != boost::asio::error::operation_aborted) {
          const int failed = problem ? CURL_CSELECT_ERR : 0;
          self->act(socket->descriptor.native_handle(),
                    (for_reading ? CURL_CSELECT_IN : CURL_CSELECT_OUT) | failed);
        }
        if (socket->descriptor.is_open()) self->arm(socket);
      });
}

// libcurl sets its timer several times for each request, mostly to "at once" or to later than before. Setting the
// kernel's costs more than all else here, so it is only set when it has to ring earlier than it would.
void CurlMulti::set_timer(long milliseconds) {
  due_ = milliseconds < 0 ? SteadyTime::max()
                          : std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  if (milliseconds == 0) return ring_at_once();
  if (due_ < rings_) ring_at(due_);
}

// By way of the loop: socket_action must not be called from a callback.
void CurlMulti::ring_at_once() {
  if (std::exchange(posted_, true)) return;
  boost::asio::post(executor_, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->posted_ = false;
    self->ring();
  });
}

void CurlMulti::ring_at(SteadyTime time) {
  rings_ = time;
  timer_.expires_at(time);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& problem) {
    const auto self = weak.lock();
    if (problem || !self) return;
    self->rings_ = SteadyTime::max();
    self->ring();
  });
}

void CurlMulti::ring() {
  if (closed_ || due_ == SteadyTime::max()) return;
  if (due_ > std::chrono::steady_clock::now()) {
    if (due_ < rings_) ring_at(due_);
    return;
  }
  due_ = SteadyTime::max();  // libcurl sets it anew whenever it is told that it is over
  act(CURL_SOCKET_TIMEOUT, 0);
}

curl_socket_t CurlMulti::open_socket(const curl_sockaddr& address) {
  const int fd = ::socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  if (address.family == AF_INET || address.family == AF_INET6) {
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof kUserTimeoutMs);
  }
  return adopt(fd, true) ? fd : (::close(fd), CURL_SOCKET_BAD);
}

std::shared_ptr<CurlMulti::Socket> CurlMulti::adopt(curl_socket_t fd, bool ours) {
  // A row of that number is left from a foreign descriptor that was closed behind our back: forget it first,
  // or its end would unregister the new one.
  if (const auto stale = sockets_.find(fd); stale != sockets_.end()) {
    stale->second->descriptor.release();
    sockets_.erase(stale);
  }
  try {
    return sockets_.emplace(fd, std::make_shared<Socket>(executor_, fd, ours)).first->second;
  } catch (const std::exception&) {  // the kernel takes no more watches; libcurl must not see an exception
    return nullptr;
  }
}

void CurlMulti::close_socket(curl_socket_t fd) {
  const auto found = sockets_.find(fd);
  if (found == sockets_.end()) {
    ::close(fd);
    return;
  }
  found->second->want = CURL_POLL_NONE;
  boost::system::error_code ignored;
  found->second->descriptor.close(ignored);
  sockets_.erase(found);
}

void CurlMulti::act(curl_socket_t fd, int ready) {
  int running = 0;
  ++depth_;
  curl_multi_socket_action(multi_, fd, ready, &running);
  --depth_;
  collect();
}

void CurlMulti::collect() {
  if (std::exchange(many_connections_wanted_, false)) allow_many_connections();
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* easy = message->easy_handle;
    const CURLcode code = message->data.result;  // the message dies with the removal
    const auto found = waiters_.find(easy);
    if (found == waiters_.end()) continue;
    Waiter* waiter = found->second;
    remove(easy);
    waiter->ended(code);
  }
}

}  // namespace abo::net
