// SIGTERM and SIGINT as a call on the event loop. The first asks to stop; a second one ends the process at once, for a
// person whose patience is over. SIGPIPE is ignored: a closed connection is an error value, not the end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>

namespace abo::runtime {

class Signals {
 public:
  using OnStop = std::function<void(int signal)>;

  // on_stop is called at most once.
  Signals(const boost::asio::any_io_executor& executor, OnStop on_stop);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Listens no more, so that the loop can run out of work; signals have their default effect again.
  void close();

 private:
  void wait();

  boost::asio::signal_set set_;
  OnStop on_stop_;
};

}  // namespace abo::runtime
