// Where a host's name may lead: asked before a connection is made and before a request goes over an open one.
#include <gtest/gtest.h>

#include <memory>

#include "net/curl_transport.h"
#include "net/test_server.h"

namespace abo::net {
namespace {

using testing::read_request;
using testing::run;
using testing::tcp;
using testing::TestServer;
using testing::write_text;

TestServer::Script always_ok() {
  return [](TestServer& server, tcp::socket socket, int) {
    return [](TestServer& to, tcp::socket connection) -> Task<void> {
      std::string buffer;
      while (true) {
        std::string request = co_await read_request(connection, buffer);
        if (request.empty()) co_return;
        to.requests.push_back(std::move(request));
        if (!co_await write_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) co_return;
      }
    }(server, std::move(socket));
  };
}

bool nothing(std::string_view) {
  return false;
}
bool not_the_second(std::string_view address) {
  return address != "127.0.0.2" && address != "::1";
}

class CurlReachTest : public ::testing::Test {
 protected:
  void resolve(const std::string& addresses) {
    const std::string entry = "blob.test:" + std::to_string(server.port()) + ":" + addresses;
    transport = std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{.resolve = {entry}});
  }
  Result<Response> get(std::function<bool(std::string_view)> may_reach) {
    Request request{.url = "http://blob.test:" + std::to_string(server.port()) + "/c?sig=SECRET",
                    .headers = {{"Authorization", "SharedKey SECRET"}},
                    .may_reach = std::move(may_reach)};
    return run(io, transport->send(std::move(request)));
  }
  void expect_refused(const Result<Response>& answer, const std::string& address) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::Forbidden);
    EXPECT_EQ(answer.error().reason, Reason::EndpointNotAllowed);
    EXPECT_NE(answer.error().message.find("leads to " + address + ","), std::string::npos)
        << answer.error().message;
    EXPECT_EQ(answer.error().message.find("SECRET"), std::string::npos);
  }

  boost::asio::io_context io{1};
  TestServer server{io, always_ok()};
  std::unique_ptr<CurlTransport> transport;
};

TEST_F(CurlReachTest, a_refused_address_is_not_even_connected_to) {
  resolve("127.0.0.1");
  expect_refused(get(nothing), "127.0.0.1");
  ASSERT_TRUE(get({}));
  EXPECT_EQ(server.connections, 1) << "the second's alone";
}

TEST_F(CurlReachTest, an_ipv6_address_is_asked_about_as_it_is_usually_written) {
  std::string asked;
  transport = std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{});
  Request request{.url = "http://[0:0::1]:9/", .may_reach = [&asked](std::string_view address) {
                    asked = address;
                    return false;
                  }};
  expect_refused(run(io, transport->send(std::move(request))), "::1");
  EXPECT_EQ(asked, "::1");
}

TEST_F(CurlReachTest, a_refused_address_is_skipped_when_there_is_another) {
  resolve("127.0.0.2,127.0.0.1");
  const auto answer = get(not_the_second);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(server.connections, 1);
}

TEST_F(CurlReachTest, a_name_that_leads_elsewhere_later_is_refused_then) {
  resolve("127.0.0.1");
  ASSERT_TRUE(get(not_the_second));
  resolve("127.0.0.2");
  expect_refused(get(not_the_second), "127.0.0.2");
  EXPECT_EQ(server.requests.size(), 1U);
}

TEST_F(CurlReachTest, an_open_connection_is_asked_about_again_before_anything_is_sent) {
  resolve("127.0.0.1");
  ASSERT_TRUE(get({}));
  expect_refused(get(nothing), "127.0.0.1");
  EXPECT_EQ(server.connections, 1);
  EXPECT_EQ(server.requests.size(), 1U);
}

TEST_F(CurlReachTest, an_allowed_address_that_does_not_answer_is_unreachable_and_not_forbidden) {
  const std::string entry = "blob.test:9:127.0.0.2,127.0.0.1";
  transport = std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{.resolve = {entry}});
  const auto answer =
      run(io, transport->send(Request{.url = "http://blob.test:9/", .may_reach = not_the_second}));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().reason, Reason::EndpointUnreachable) << answer.error().message;
}

TEST_F(CurlReachTest, a_proxy_resolves_the_name_itself) {
  CurlOptions options{.proxy_url = server.url("")};
  transport = std::make_unique<CurlTransport>(io.get_executor(), options);
  for (int i = 0; i < 2; ++i) {
    const auto answer = run(io, transport->send(Request{.url = "http://blob.test/c", .may_reach = nothing}));
    ASSERT_TRUE(answer) << answer.error().message;
  }
  EXPECT_EQ(server.connections, 1) << "an open connection to the proxy is used again";
}

}  // namespace
}  // namespace abo::net
