#include "net/curl_transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

#include "net/curl_exchange.h"
#include "net/curl_lanes.h"
#include "net/trust_store.h"

namespace abo::net {
namespace asio = boost::asio;
namespace {

std::shared_ptr<TrustStore> trust_of(const CurlOptions& options) {
  return std::make_shared<TrustStore>(options.system_roots, options.ca_file, options.ca_pem);
}

// A free function: the transport may die while it runs.
Task<Result<Response>> exchange(std::shared_ptr<CurlLanes> lanes, std::shared_ptr<const CurlOptions> options,
                                std::shared_ptr<TrustStore> trust, asio::any_io_executor executor,
                                Request request, BodySink sink) {
  std::shared_ptr<CurlMulti> multi = lanes->pick();
  if (multi->busy()) {  // started from inside a body sink
    co_await asio::post(executor, asio::use_awaitable);
    multi = lanes->pick();
  }
  CurlExchange one(multi, std::move(options), std::move(trust), std::move(request), std::move(sink),
                   executor);
  if (auto started = one.start(); !started) co_return pass(started);
  while (!one.finished()) {
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
      co_return fail(ErrorKind::Canceled, Reason::Canceled, "the request was given up");
    }
    one.wakeup().expires_at(one.next_deadline());
    co_await one.wakeup().async_wait(asio::as_tuple(asio::use_awaitable));
    one.expire(std::chrono::steady_clock::now());
  }
  co_return one.result();
}

}  // namespace

CurlTransport::CurlTransport(asio::any_io_executor executor, CurlOptions options)
    : executor_(std::move(executor)),
      options_(std::make_shared<const CurlOptions>(std::move(options))),
      trust_(trust_of(*options_)),
      lanes_(std::make_shared<CurlLanes>(executor_, options_->http2)) {}

CurlTransport::~CurlTransport() {
  lanes_->close();
  for (const auto& weak : retired_) {
    if (const auto old = weak.lock()) old->close();
  }
}

Task<Result<Response>> CurlTransport::send(Request request, BodySink sink) {
  return exchange(lanes_, options_, trust_, executor_, std::move(request), std::move(sink));
}

void CurlTransport::reload(CurlOptions options) {
  std::erase_if(retired_, [](const auto& weak) { return weak.expired(); });
  retired_.push_back(lanes_);
  options_ = std::make_shared<const CurlOptions>(std::move(options));
  trust_ = trust_of(*options_);
  lanes_ = std::make_shared<CurlLanes>(executor_, options_->http2);
}

}  // namespace abo::net
