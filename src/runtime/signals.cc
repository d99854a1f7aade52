#include "runtime/signals.h"

#include <unistd.h>

#include <csignal>
#include <utility>

namespace abo::runtime {

Signals::Signals(const boost::asio::any_io_executor& executor, OnStop on_stop)
    : set_(executor, SIGTERM, SIGINT), on_stop_(std::move(on_stop)) {
  std::signal(SIGPIPE, SIG_IGN);
  wait();
}

void Signals::wait() {
  set_.async_wait([this](const boost::system::error_code& problem, int signal) {
    if (problem) return;  // closed or destroyed: `this` may be gone
    if (!on_stop_) ::_exit(128 + signal);
    wait();
    std::exchange(on_stop_, nullptr)(signal);
  });
}

void Signals::close() {
  boost::system::error_code ignored;
  set_.clear(ignored);
  set_.cancel(ignored);
}

}  // namespace abo::runtime
