// For tests: runs the loop until it has nothing left to do, at most some seconds.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace abo::runtime::testing {

// False when work was left: something hangs.
inline bool drain(boost::asio::io_context& io) {
  io.restart();
  io.run_for(std::chrono::seconds(10));
  return io.stopped();
}

}  // namespace abo::runtime::testing
