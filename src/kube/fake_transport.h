// For this folder's tests alone: a Transport that answers from a script and records what it was asked, a
// clock that stands still until somebody sleeps, and a way to run one coroutine to its end.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "kube/sleeper.h"
#include "net/http.h"

namespace abo::kube {

// Answers each request with the next step; an unexpected one fails the test.
class FakeTransport final : public net::Transport {
 public:
  struct Step {
    int status = 200;
    std::string body;
    net::Headers headers;
    std::optional<Error> error{};       // instead of, or after the chunks of, an answer
    std::vector<std::string> chunks{};  // given to the sink one by one; else the body is, in one piece
    std::function<void(const net::Request&)> before{};
  };

  std::deque<Step> script;
  std::vector<net::Request> requests;

  void then(int status, std::string body, net::Headers headers = {}) {
    script.push_back({status, std::move(body), std::move(headers)});
  }
  void then(int status, const json::object& body) { then(status, json::serialize(body)); }
  void then_lost() {
    script.push_back(
        {.error = Error{ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "connection lost", {}}});
  }
  void then_refused() {
    script.push_back(
        {.error = Error{ErrorKind::Unavailable, Reason::EndpointUnreachable, "connection refused", {}}});
  }

  Task<Result<net::Response>> send(net::Request request, net::BodySink sink) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (request.may_send && !request.may_send())
      co_return fail(ErrorKind::Canceled, Reason::Canceled, "may not send");
    requests.push_back(request);
    if (script.empty()) {
      if (over) co_return std::unexpected(*over);
      ADD_FAILURE() << "a request the test did not expect: " << request.url;
      co_return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable, "the script is over");
    }
    Step step = std::move(script.front());
    script.pop_front();
    if (step.before) step.before(request);
    net::Response response{step.status, std::move(step.headers), {}};
    if (sink && step.status / 100 == 2) {
      if (step.chunks.empty() && !step.body.empty()) step.chunks.push_back(step.body);
      for (const std::string& chunk : step.chunks) {
        if (auto taken = sink(chunk); !taken) co_return pass(taken);
      }
    } else {
      response.body = std::move(step.body);
    }
    if (step.error) co_return std::unexpected(*step.error);
    co_return response;
  }

  std::optional<Error> over{};  // what requests get after the script; without it they fail the test
};

class FakeTime final : public Clock, public Sleeper {
 public:
  [[nodiscard]] WallTime wall() const override { return wall_; }
  [[nodiscard]] MonoTime mono() const override { return mono_; }

  void advance(std::chrono::milliseconds by) {
    wall_ += by;
    mono_ += by;
  }

  Task<void> sleep(std::chrono::milliseconds duration) override {
    slept.push_back(duration);
    if (duration.count() > 0) advance(duration);
    co_await boost::asio::post(boost::asio::use_awaitable);
  }

  std::vector<std::chrono::milliseconds> slept;

 private:
  WallTime wall_{std::chrono::milliseconds{1'795'325'400'000}};  // 2026-11-22T05:30:00Z
  MonoTime mono_{std::chrono::hours{1}};
};

// Runs the coroutine to its end on a loop of its own.
template <class T>
T run(Task<T> task) {
  boost::asio::io_context loop;
  std::optional<T> out;
  boost::asio::co_spawn(loop, std::move(task), [&out](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    out = std::move(value);
  });
  loop.run();
  return std::move(out.value());
}

inline void run(Task<void> task) {
  boost::asio::io_context loop;
  boost::asio::co_spawn(loop, std::move(task), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  loop.run();
}

[[nodiscard]] inline std::string header_of(const net::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace abo::kube
