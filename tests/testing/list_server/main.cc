// list-only-server --blobs N [--folders F] [--blob-bytes 700] [--delay-ms D] [--port P]: prints the port, then serves
// until killed.
#include <boost/asio/signal_set.hpp>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/testing/list_server/list_server.h"

namespace {

[[noreturn]] void usage() {
  std::fputs(
      "usage: list-only-server --blobs N [--folders F] [--blob-bytes BYTES] [--delay-ms MS] [--port PORT]\n",
      stderr);
  std::exit(2);
}

long number(std::string_view text) {
  long value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) usage();
  return value;
}

}  // namespace

int main(int count, char** arguments) {
  abo::testing::ListServerOptions options;
  bool blobs_given = false;
  for (int i = 1; i + 1 < count; i += 2) {
    std::string_view name = arguments[i];
    long value = number(arguments[i + 1]);
    if (name == "--blobs") {
      options.container.blobs = value;
      blobs_given = true;
    } else if (name == "--folders" && value <= 9999) {
      options.container.folders = value;
    } else if (name == "--blob-bytes") {
      options.container.blob_bytes = static_cast<std::size_t>(value);
    } else if (name == "--delay-ms") {
      options.delay = std::chrono::milliseconds{value};
    } else if (name == "--port" && value <= 65535) {
      options.port = static_cast<std::uint16_t>(value);
    } else {
      usage();
    }
  }
  if (!blobs_given || count % 2 == 0) usage();
  boost::asio::io_context io{1};
  boost::asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](auto, auto) { io.stop(); });
  std::printf("%u\n", static_cast<unsigned>(abo::testing::start_list_server(io, options)));
  std::fflush(stdout);
  io.run();
}
