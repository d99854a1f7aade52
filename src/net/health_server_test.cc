#include "net/health_server.h"

#include <gtest/gtest.h>
#include <boost/asio/read.hpp>

#include <vector>

#include "net/curl_transport.h"
#include "net/test_server.h"

namespace abo::net {
namespace {

using namespace std::chrono_literals;
using testing::run;
using testing::tcp;

Task<int> then_zero(Task<void> task) {
  co_await std::move(task);
  co_return 0;
}

class HealthServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto listening =
        HttpServer::listen(io.get_executor(), "127.0.0.1:0",
                           {{"/large", [this] { return ServerAnswer{200, large}; }},
                            {"/healthz", [] { return ServerAnswer{200, "ok\n"}; }},
                            {"/readyz", [this] { return ServerAnswer{ready ? 200 : 503, "state\n"}; }},
                            {"/bug", []() -> ServerAnswer { throw std::logic_error("bug"); }}});
    ASSERT_TRUE(listening) << listening.error().message;
    server = std::move(*listening);
  }
  Result<Response> send(std::string method, const std::string& path, Headers headers = {}) {
    return run(io, client.send(Request{
                       .method = std::move(method), .url = url(path), .headers = std::move(headers)}));
  }
  std::string url(const std::string& path) {
    return "http://127.0.0.1:" + std::to_string(server->port()) + path;
  }

  // Sends raw text and returns everything until the server closes.
  std::string raw(const std::string& text) {
    return run(io, [](unsigned short port, std::string out) -> Task<std::string> {
      tcp::socket socket(co_await boost::asio::this_coro::executor);
      co_await socket.async_connect({boost::asio::ip::address_v4::loopback(), port}, testing::kToken);
      co_await testing::write_text(socket, std::move(out));
      std::string in;
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(in), testing::kToken);
      co_return in;
    }(server->port(), text));
  }

  boost::asio::io_context io{1};
  bool ready = false;
  const std::string large = std::string(8U << 20, 'x');  // more than sockets hold
  std::unique_ptr<HttpServer> server;
  CurlTransport client{io.get_executor(), {}};
};

TEST_F(HealthServerTest, each_path_gets_its_own_answer) {
  auto answer = send("GET", "/healthz?verbose");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "ok\n");
  EXPECT_EQ(answer->header("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(send("GET", "/readyz")->status, 503);
  ready = true;
  EXPECT_EQ(send("GET", "/readyz")->status, 200);
}

TEST_F(HealthServerTest, head_gives_the_length_without_the_body) {
  const auto answer = send("HEAD", "/healthz");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->header("content-length"), "3");
  EXPECT_EQ(answer->body, "");
}

TEST_F(HealthServerTest, unknown_paths_are_404_and_other_methods_405) {
  EXPECT_EQ(send("GET", "/")->status, 404);
  const auto answer = send("DELETE", "/healthz");
  EXPECT_EQ(answer->status, 405);
  EXPECT_EQ(answer->header("allow"), "GET, HEAD");
}

TEST_F(HealthServerTest, requests_share_a_connection_and_http_1_0_closes_it) {
  const std::string two = raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(two.find("HTTP/1.1 200"), 0U) << two;
  EXPECT_NE(two.find("HTTP/1.0 200"), std::string::npos) << two;
}

TEST_F(HealthServerTest, oversized_headers_and_bodies_and_nonsense_close_the_connection) {
  EXPECT_EQ(raw("GET /healthz HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n").find("200"),
            std::string::npos);
  EXPECT_EQ(raw("GET /healthz HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").find("200"), std::string::npos);
  EXPECT_EQ(raw("\x16\x03\x01 hello\r\n\r\n"), "");
  EXPECT_EQ(send("GET", "/healthz")->status, 200);
}

TEST_F(HealthServerTest, a_handler_that_throws_harms_only_its_own_connection) {
  EXPECT_FALSE(send("GET", "/bug"));
  EXPECT_EQ(send("GET", "/healthz")->status, 200);
}

TEST_F(HealthServerTest, a_crowd_of_silent_connections_does_not_shut_others_out) {
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), server->port()});
  }
  EXPECT_EQ(send("GET", "/healthz")->status, 200);
}

TEST_F(HealthServerTest, a_crowd_of_slow_readers_does_not_hold_a_page_each) {
  const std::string request = "GET /large HTTP/1.0\r\n\r\n";
  std::vector<tcp::socket> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.emplace_back(io).connect({boost::asio::ip::address_v4::loopback(), server->port()});
    boost::asio::write(crowd.back(), boost::asio::buffer(request));
    ASSERT_EQ(send("GET", "/healthz")->status, 200);
  }
  EXPECT_EQ(raw(request).size(), raw("HEAD /large HTTP/1.0\r\n\r\n").size() + large.size());
  int whole = 0;
  for (tcp::socket& socket : crowd) {
    whole += run(io, [](tcp::socket& from, std::size_t size) -> Task<int> {
      std::string in;
      co_await boost::asio::async_read(from, boost::asio::dynamic_buffer(in), testing::kToken);
      co_return in.size() > size;
    }(socket, large.size()));
  }
  EXPECT_LT(whole, 8);
}

TEST_F(HealthServerTest, close_ends_idle_connections_and_frees_the_port) {
  tcp::socket idle(io);
  idle.connect({boost::asio::ip::address_v4::loopback(), server->port()});
  ASSERT_EQ(send("GET", "/healthz")->status, 200);
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  EXPECT_EQ(run(io, then_zero(server->close())), 0);
  char byte = 0;
  boost::system::error_code end;
  idle.read_some(boost::asio::buffer(&byte, 1), end);
  EXPECT_TRUE(end) << "the server must have closed it";
  EXPECT_TRUE(HttpServer::listen(io.get_executor(), address, {}));
}

TEST_F(HealthServerTest, an_address_in_use_is_named) {
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = HttpServer::listen(io.get_executor(), address, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::Unavailable);
  EXPECT_EQ(second.error().message, "cannot listen at " + address + ": Address already in use");
}

TEST_F(HealthServerTest, what_is_no_address_is_invalid) {
  for (const char* address : {"8080", "host.test:80", "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1:80x", ""}) {
    const auto bad = HttpServer::listen(io.get_executor(), address, {});
    ASSERT_FALSE(bad) << address;
    EXPECT_EQ(bad.error().kind, ErrorKind::Invalid) << address;
  }
}

TEST_F(HealthServerTest, a_port_alone_means_every_address) {
  auto everywhere =
      HttpServer::listen(io.get_executor(), ":0", {{"/", [] { return ServerAnswer{200, "all"}; }}});
  ASSERT_TRUE(everywhere) << everywhere.error().message;
  const std::string place = "http://127.0.0.1:" + std::to_string((*everywhere)->port()) + "/";
  EXPECT_EQ(run(io, client.send(Request{.url = place}))->body, "all");
}

}  // namespace
}  // namespace abo::net
