// A fake of Azure Blob Storage that can do one thing: answer List Blobs for a container of any size, fast and with
// little memory, with prefix, delimiter and marker. It checks no signature and ignores the container's name. For
// measuring and for the tests of large containers; Azurite takes minutes where this takes none. One thread, loopback only.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>

#include "tests/testing/list_server/synthetic_listing.h"

namespace abo::testing {

struct ListServerOptions {
  SyntheticContainer container;
  std::chrono::milliseconds delay{0};  // before each answer: what a network would take
  std::uint16_t port = 0;              // 0: any free one
};

// Listens on 127.0.0.1 and serves until `io` is stopped; returns the port.
std::uint16_t start_list_server(boost::asio::io_context& io, ListServerOptions options);

}  // namespace abo::testing
