#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "net/curl_lanes.h"
#include "net/curl_transport.h"
#include "net/test_server.h"

namespace abo::net {
namespace {

using namespace std::chrono_literals;
using testing::tcp;
using testing::TestServer;

// Takes connections and says nothing, so that no request ever ends.
TestServer::Script silent() {
  return [](TestServer&, tcp::socket socket, int) {
    return [](tcp::socket connection) -> Task<void> {
      std::string buffer;
      while (!(co_await testing::read_request(connection, buffer)).empty()) {
      }
    }(std::move(socket));
  };
}

struct CurlLanesTest : ::testing::Test {
  // How many connections that many requests open that are made at once.
  int connections_of(int requests, bool http2) {
    boost::asio::io_context io{1};
    TestServer server(io, silent());
    CurlTransport transport(io.get_executor(), CurlOptions{.http2 = http2});
    for (int i = 0; i < requests; ++i) {
      boost::asio::co_spawn(io, transport.send(Request{.url = server.url("/", "https")}),
                            boost::asio::detached);
    }
    io.run_for(300ms);
    return server.connections;
  }
};

TEST_F(CurlLanesTest, a_hundred_requests_share_an_http2_connection_and_more_open_another) {
  EXPECT_EQ(connections_of(100, true), 1);
  EXPECT_EQ(connections_of(150, true), 2);
  EXPECT_EQ(connections_of(300, true), 3);
}

TEST_F(CurlLanesTest, every_request_of_http1_has_a_connection_of_its_own) {
  EXPECT_EQ(connections_of(20, false), 20);
}

TEST(CurlLanes, a_connection_that_a_rush_needed_goes_when_it_is_over) {
  boost::asio::io_context io{1};
  struct Nobody final : CurlMulti::Waiter {
    void ended(CURLcode) override {}
    void abandoned() override {}
  } nobody;
  CurlLanes lanes(io.get_executor(), true);
  std::vector<std::pair<std::shared_ptr<CurlMulti>, CURL*>> requests;
  const auto begin = [&] {
    auto multi = lanes.pick();
    CURL* easy = multi->take_easy();
    EXPECT_EQ(multi->add(easy, &nobody), CURLM_OK);
    requests.emplace_back(std::move(multi), easy);
  };
  const auto end = [&] {
    auto [multi, easy] = std::move(requests.back());
    requests.pop_back();
    multi->remove(easy);
    multi->give_back(easy, false);
  };
  for (int i = 0; i < 101; ++i) begin();
  const std::weak_ptr<CurlMulti> second = requests.back().first;
  ASSERT_NE(second.lock(), requests.front().first);
  end();
  begin();
  EXPECT_EQ(requests.back().first, second.lock()) << "kept while the first is nearly full";
  while (requests.size() > 40) end();
  begin();
  EXPECT_TRUE(second.expired());
  while (!requests.empty()) end();
}

}  // namespace
}  // namespace abo::net
