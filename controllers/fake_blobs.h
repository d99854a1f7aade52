// For this folder's tests: a blob service in a map, which can hang or answer by a rule, and records every listing.
#pragma once

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "kube/signal.h"
#include "net/http.h"

namespace abo::controllers {

class FakeBlobs final : public net::Transport {
 public:
  explicit FakeBlobs(const Clock& clock) : clock_(clock) {}

  struct Seen {
    MonoTime at;
    std::string account;
    std::string url;
  };
  std::vector<Seen> listings;
  std::function<std::optional<Result<net::Response>>(const std::string& account)> rule;
  std::function<bool(const std::string& account)> hold;  // true: waits for let_go()
  std::function<bool(const std::string& url)> hold_url;  // the same
  void let_go() {
    hold = hold_url = {};
    changed();
  }
  void changed() { changed_.notify_all(); }  // hold or hold_url says something else
  [[nodiscard]] std::size_t held() const { return held_; }

  // A blob that was written just now.
  void upload(const std::string& account, std::string name) {
    blobs_[account].push_back({std::move(name), std::chrono::floor<std::chrono::seconds>(clock_.wall())});
  }
  void take_over(const FakeBlobs& other) { blobs_ = other.blobs_; }
  void remove(const std::string& account, const std::string& name) {
    std::erase_if(blobs_.at(account), [&](const Blob& blob) { return blob.name == name; });
  }
  void overwrite(const std::string& account, const std::string& name) {
    auto blob = std::ranges::find(blobs_.at(account), name, &Blob::name);
    *blob = {name, std::chrono::floor<std::chrono::seconds>(clock_.wall()), blob->version + 1};
  }
  [[nodiscard]] std::vector<MonoTime> times_of(std::string_view account) const {
    std::vector<MonoTime> out;
    for (const Seen& seen : listings) {
      if (seen.account == account) out.push_back(seen.at);
    }
    return out;
  }

  static Result<net::Response> failure(int status, net::Headers headers = {}) {
    return net::Response{status, std::move(headers), "<Error><Code>ServerBusy</Code></Error>"};
  }

  Task<Result<net::Response>> send(net::Request request, net::BodySink sink) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    std::string account = request.url.substr(8, request.url.find('.') - 8);
    listings.push_back({clock_.mono(), account, request.url});
    struct Held {
      explicit Held(std::size_t& number) : n(number) { ++n; }
      ~Held() { --n; }
      Held(const Held&) = delete;
      Held& operator=(const Held&) = delete;
      std::size_t& n;
    };
    std::optional<Held> held;
    while ((hold && hold(account)) || (hold_url && hold_url(request.url))) {
      if (!held) held.emplace(held_);
      co_await changed_.wait();
      auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none)
        co_return fail(ErrorKind::Canceled, Reason::Canceled, "canceled");
    }
    held.reset();
    if (rule) {
      if (auto ruled = rule(account)) co_return *ruled;
    }
    std::string rows;
    for (const Blob& blob : blobs_[account]) {
      rows += fmt::format(
          "<Blob><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>0x{}</Etag>"
          "<Content-Length>1</Content-Length></Properties></Blob>",
          blob.name, format_rfc1123(blob.written), blob.version);
    }
    std::string page = fmt::format(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>{}</Blobs><NextMarker/>"
        "</EnumerationResults>",
        rows);
    if (auto taken = sink(page); !taken) co_return pass(taken);
    auto date = std::chrono::floor<std::chrono::seconds>(clock_.wall());
    co_return net::Response{200, {{"date", format_rfc1123(date)}}, {}};
  }

 private:
  struct Blob {
    std::string name;
    ServiceTime written;
    int version = 1;
  };
  const Clock& clock_;
  std::map<std::string, std::vector<Blob>> blobs_;  // by account
  kube::Signal changed_;
  std::size_t held_ = 0;  // requests that wait
};

}  // namespace abo::controllers
