#include "tests/testing/list_server/list_server.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "base/percent_encoding.h"
#include "base/time.h"
#include "net/task.h"

namespace abo::testing {
namespace {

using boost::asio::ip::tcp;
constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::size_t max_request = 64U << 10;

// The decoded value of one query parameter, or "".
std::string parameter(std::string_view target, std::string_view name) {
  std::size_t question = target.find('?');
  std::string_view query = question == target.npos ? std::string_view{} : target.substr(question + 1);
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != pair.npos) {
      return percent_decode(pair.substr(equals + 1)).value_or("");
    }
  }
  return {};
}

std::int64_t number(std::string_view text, std::int64_t otherwise) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : otherwise;
}

struct Answer {
  std::string head;
  std::string body;
};

Answer answer(int status, std::string_view phrase, std::string body) {
  auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nDate: {}\r\n"
      "x-ms-request-id: 00000000-0000-0000-0000-000000000000\r\nx-ms-version: 2021-12-02\r\n\r\n",
      status, phrase, body.size(), format_rfc1123(now));
  return {std::move(head), std::move(body)};
}

// `head` is a request up to its empty line.
Answer answer_to(std::string_view head, SyntheticContainer container) {
  std::string_view line = head.substr(0, head.find("\r\n"));
  std::size_t begin = line.find(' '), end = line.rfind(' ');
  if (!line.starts_with("GET ") || begin >= end) return answer(405, "Method Not Allowed", "");
  std::string_view target = line.substr(begin + 1, end - begin - 1);
  if (parameter(target, "comp") != "list" || parameter(target, "restype") != "container") {
    return answer(400, "Bad Request",
                  "<Error><Code>InvalidQueryParameterValue</Code><Message>this fake lists blobs, nothing "
                  "else</Message></Error>");
  }
  std::string marker = parameter(target, "marker");
  static constexpr std::string_view mark = "row&";
  SyntheticQuery query{.prefix = parameter(target, "prefix"), .delimiter = parameter(target, "delimiter")};
  if (marker.starts_with(mark)) query.first = number(std::string_view(marker).substr(mark.size()), 0);
  container.page_size = std::clamp<std::int64_t>(number(parameter(target, "maxresults"), 5000), 1, 5000);
  return answer(200, "OK", synthetic_page(container, query));
}

Task<void> serve_connection(tcp::socket socket, ListServerOptions options) {
  std::string buffer;
  while (true) {
    auto [problem, size] = co_await boost::asio::async_read_until(
        socket, boost::asio::dynamic_buffer(buffer, max_request), "\r\n\r\n", token);
    if (problem) co_return;
    Answer answer = answer_to(std::string_view(buffer).substr(0, size), options.container);
    buffer.erase(0, size);
    if (options.delay.count() > 0) {
      boost::asio::steady_timer timer(socket.get_executor(), options.delay);
      co_await timer.async_wait(token);
    }
    std::array<boost::asio::const_buffer, 2> parts{boost::asio::buffer(answer.head),
                                                   boost::asio::buffer(answer.body)};
    auto [failed, written] = co_await boost::asio::async_write(socket, parts, token);
    if (failed) co_return;
  }
}

Task<void> accept(tcp::acceptor acceptor, ListServerOptions options) {
  while (true) {
    auto [problem, socket] = co_await acceptor.async_accept(token);
    if (problem) co_return;
    socket.set_option(tcp::no_delay(true));
    boost::asio::co_spawn(acceptor.get_executor(), serve_connection(std::move(socket), options),
                          boost::asio::detached);
  }
}

}  // namespace

std::uint16_t start_list_server(boost::asio::io_context& io, ListServerOptions options) {
  // Pages are a few megabytes each: fresh memory for every one would cost more than writing it.
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
  tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), options.port));
  std::uint16_t port = acceptor.local_endpoint().port();
  boost::asio::co_spawn(io, accept(std::move(acceptor), options), boost::asio::detached);
  return port;
}

}  // namespace abo::testing
