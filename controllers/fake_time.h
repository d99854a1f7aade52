// For this folder's tests: a clock that stands still until the test moves it, and sleepers that wake when it has reached
// their time, in order. Nothing waits for real.
#pragma once

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <list>
#include <optional>

#include "base/time.h"
#include "kube/sleeper.h"

namespace abo::controllers {

class ScriptedTime final : public Clock, public kube::Sleeper {
 public:
  [[nodiscard]] WallTime wall() const override { return wall_; }
  [[nodiscard]] MonoTime mono() const override { return mono_; }

  Task<void> sleep(std::chrono::milliseconds duration) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor,
                                    boost::asio::steady_timer::time_point::max());
    Enlisted enlisted(sleepers_, {mono_ + duration, &timer});
    boost::system::error_code woken;
    if (duration.count() <= 0) co_return;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
  }

  [[nodiscard]] std::optional<MonoTime> next_due() const {
    std::optional<MonoTime> next;
    for (const Sleeping& one : sleepers_) {
      if (!next || one.due < *next) next = one.due;
    }
    return next;
  }

  void move_to(MonoTime now) {
    wall_ += std::chrono::duration_cast<std::chrono::milliseconds>(now - mono_);
    mono_ = now;
    for (const Sleeping& one : sleepers_) {
      if (one.due <= now) one.timer->cancel();
    }
  }

 private:
  struct Sleeping {
    MonoTime due;
    boost::asio::steady_timer* timer;
  };
  struct Enlisted {
    std::list<Sleeping>& all;
    std::list<Sleeping>::iterator at;
    Enlisted(std::list<Sleeping>& list, Sleeping one) : all(list), at(list.insert(list.end(), one)) {}
    ~Enlisted() { all.erase(at); }
    Enlisted(const Enlisted&) = delete;
    Enlisted& operator=(const Enlisted&) = delete;
  };

  std::list<Sleeping> sleepers_;
  WallTime wall_{std::chrono::milliseconds{1'795'325'400'000}};  // 2026-11-22T05:30:00Z
  MonoTime mono_{std::chrono::hours{1}};
};

}  // namespace abo::controllers
