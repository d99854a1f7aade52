#include "net/curl_transport.h"

#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <memory>

#include "net/curl_error.h"
#include "net/test_server.h"

namespace abo::net {
namespace {

using namespace std::chrono_literals;
using testing::pause;
using testing::read_request;
using testing::run;
using testing::tcp;
using testing::TestServer;
using testing::write_text;

// Answers every request of a connection with the same text, keeping it open.
TestServer::Script always(std::string answer) {
  return [answer](TestServer& server, tcp::socket socket, int) {
    return [](TestServer& to, tcp::socket connection, std::string text) -> Task<void> {
      std::string buffer;
      while (true) {
        std::string request = co_await read_request(connection, buffer);
        if (request.empty()) co_return;
        to.requests.push_back(std::move(request));
        if (!co_await write_text(connection, text)) co_return;
      }
    }(server, std::move(socket), answer);
  };
}

// Answers one request, waits, and closes; with `reset` by RST.
TestServer::Script once(std::string answer, std::chrono::milliseconds then = 0ms, bool reset = false) {
  return [=](TestServer& server, tcp::socket socket, int) {
    return [](TestServer& to, tcp::socket connection, std::string text, std::chrono::milliseconds wait,
              bool hard) -> Task<void> {
      std::string buffer;
      to.requests.push_back(co_await read_request(connection, buffer));
      co_await write_text(connection, text);
      co_await pause(wait);
      if (hard) connection.set_option(boost::asio::socket_base::linger(true, 0));
    }(server, std::move(socket), answer, then, reset);
  };
}

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Thing:  a b \r\n\r\nhello";

class CurlTransportTest : public ::testing::Test {
 protected:
  Result<Response> get(std::string url, BodySink sink = {}) {
    return send(Request{.url = std::move(url)}, sink);
  }
  Result<Response> send(Request request, BodySink sink = {}) {
    return run(io, transport->send(std::move(request), std::move(sink)));
  }

  boost::asio::io_context io{1};
  std::unique_ptr<CurlTransport> transport =
      std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{});
};

#define EXPECT_ERROR(result, expected_kind, part)                                        \
  do {                                                                                   \
    const Result<Response> got = (result);                                               \
    ASSERT_FALSE(got.has_value());                                                       \
    EXPECT_EQ(got.error().kind, ErrorKind::expected_kind) << got.error().message;        \
    EXPECT_NE(got.error().message.find(part), std::string::npos) << got.error().message; \
  } while (false)

TEST_F(CurlTransportTest, an_answer_has_status_lower_case_headers_and_body) {
  TestServer server(io, always(kOk));
  const auto answer = get(server.url("/a/../b?q=%2F"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->header("x-thing"), "a b");
  EXPECT_EQ(answer->body, "hello");
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_TRUE(server.requests[0].starts_with("GET /a/../b?q=%2F HTTP/1.1\r\n")) << server.requests[0];
  EXPECT_NE(server.requests[0].find("User-Agent: azure-blob-operator/" ABO_VERSION), std::string::npos);
}

TEST_F(CurlTransportTest, any_status_is_an_answer_and_redirects_are_not_followed) {
  TestServer server(io, always("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"));
  const auto answer = get(server.url("/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->header("location"), "/other");
  EXPECT_EQ(server.requests.size(), 1U);
}

TEST_F(CurlTransportTest, chunked_bodies_and_204_and_head_work_on_one_connection) {
  TestServer server(io, [](TestServer& to, tcp::socket socket, int) {
    return [](TestServer& self, tcp::socket connection) -> Task<void> {
      std::string buffer;
      self.requests.push_back(co_await read_request(connection, buffer));
      co_await write_text(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      co_await write_text(connection, "2\r\nde\r\n0\r\nX-Trailer: no\r\n\r\n");
      self.requests.push_back(co_await read_request(connection, buffer));
      co_await write_text(connection, "HTTP/1.1 204 No Content\r\n\r\n");
      self.requests.push_back(co_await read_request(connection, buffer));
      co_await write_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
      co_await read_request(connection, buffer);
    }(to, std::move(socket));
  });
  const auto chunked = get(server.url("/1"));
  ASSERT_TRUE(chunked);
  EXPECT_EQ(chunked->body, "abcde");
  EXPECT_EQ(chunked->header("x-trailer"), "");
  const auto empty = get(server.url("/2"));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->status, 204);
  const auto head = send(Request{.method = "HEAD", .url = server.url("/3")});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->header("content-length"), "1000");
  EXPECT_EQ(server.connections, 1);
}

TEST_F(CurlTransportTest, a_100_continue_is_not_the_answer) {
  TestServer server(
      io,
      always("HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
  const auto answer = send(Request{.method = "POST", .url = server.url("/"), .body = "x"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->header("x-early"), "");
}

TEST_F(CurlTransportTest, bodies_are_sent_with_their_length_and_no_headers_of_libcurls_own) {
  TestServer server(io, always(kOk));
  const std::string big(300'000, 'z');
  ASSERT_TRUE(
      send(Request{.method = "PUT", .url = server.url("/"), .headers = {{"x-empty", ""}}, .body = big}));
  ASSERT_TRUE(send(Request{.method = "POST", .url = server.url("/")}));
  ASSERT_TRUE(send(Request{.method = "DELETE", .url = server.url("/"), .body = "why"}));
  ASSERT_TRUE(send(Request{.method = "DELETE", .url = server.url("/")}));
  ASSERT_EQ(server.requests.size(), 4U);
  EXPECT_TRUE(server.requests[0].starts_with("PUT / ")) << server.requests[0].substr(0, 300);
  EXPECT_NE(server.requests[0].find("x-empty:\r\n"), std::string::npos);
  EXPECT_EQ(server.requests[0].find("Expect"), std::string::npos);
  EXPECT_EQ(server.requests[0].find("Content-Type"), std::string::npos);
  EXPECT_TRUE(server.requests[0].ends_with("\r\n\r\n" + big));
  EXPECT_TRUE(server.requests[1].starts_with("POST / "));
  EXPECT_NE(server.requests[1].find("Content-Length: 0"), std::string::npos);
  EXPECT_TRUE(server.requests[2].starts_with("DELETE / "));
  EXPECT_TRUE(server.requests[2].ends_with("\r\n\r\nwhy"));
  EXPECT_TRUE(server.requests[3].starts_with("DELETE / "));
  EXPECT_EQ(server.requests[3].find("Content-Length"), std::string::npos);
}

TEST_F(CurlTransportTest, a_line_break_in_a_header_is_refused) {
  TestServer server(io, always(kOk));
  const auto answer = send(Request{.url = server.url("/"), .headers = {{"x", "a\r\nEvil: 1"}}});
  EXPECT_ERROR(answer, Internal, "line break");
  EXPECT_EQ(server.connections, 0);
}

TEST_F(CurlTransportTest, the_sink_gets_the_body_of_a_success_and_not_of_a_failure) {
  TestServer good(io, always(kOk));
  TestServer bad(io, always("HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone"));
  std::string seen;
  const BodySink sink = [&seen](std::string_view piece) -> Result<void> {
    seen += piece;
    return {};
  };
  const auto first = get(good.url("/"), sink);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->body, "");
  EXPECT_EQ(seen, "hello");
  const auto second = get(bad.url("/"), sink);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->body, "gone");
  EXPECT_EQ(seen, "hello");
}

TEST_F(CurlTransportTest, an_error_of_the_sink_ends_the_exchange_with_that_error) {
  TestServer server(io, always(kOk));
  const auto answer = get(server.url("/"), [](std::string_view) -> Result<void> {
    return fail(ErrorKind::Invalid, Reason::InvalidResponse, "not XML");
  });
  EXPECT_ERROR(answer, Invalid, "not XML");
  EXPECT_TRUE(get(server.url("/"))) << "the transport must stay usable";
}

TEST_F(CurlTransportTest, an_exception_of_the_sink_reaches_the_caller) {
  TestServer server(io, always(kOk));
  EXPECT_THROW(static_cast<void>(get(
                   server.url("/"), [](std::string_view) -> Result<void> { throw std::logic_error("bug"); })),
               std::logic_error);
}

TEST_F(CurlTransportTest, a_sink_may_start_another_request) {
  TestServer server(io, always(kOk));
  int inner = 0;
  const std::string url = server.url("/inner");
  const auto answer = get(server.url("/"), [&](std::string_view) -> Result<void> {
    boost::asio::co_spawn(
        io, transport->send(Request{.url = url}, {}),
        [&inner](std::exception_ptr, Result<Response> got) { inner = got ? got->status : -1; });
    return {};
  });
  ASSERT_TRUE(answer);
  while (inner == 0 && io.run_one_for(5s) > 0) {
  }
  EXPECT_EQ(inner, 200);
}

TEST_F(CurlTransportTest, a_collected_body_has_a_limit) {
  TestServer server(io, always(kOk));
  EXPECT_ERROR(send(Request{.url = server.url("/"), .max_body = 4}), TooLarge, "larger body");
  EXPECT_TRUE(send(Request{.url = server.url("/"), .max_body = 5}));
}

TEST_F(CurlTransportTest, an_error_that_is_too_long_is_cut_and_keeps_its_status) {
  TestServer server(io, always("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 99\r\n\r\n<Error>.."));
  auto answer = send(Request{.url = server.url("/"), .max_body = 7});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("retry-after"), "7");
  EXPECT_EQ(answer->body, "<Error>");
}

TEST_F(CurlTransportTest, headers_have_a_limit) {
  std::string answer = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 40; ++i) answer += "X-" + std::to_string(i) + ": " + std::string(8000, 'h') + "\r\n";
  TestServer server(io, always(answer + "Content-Length: 0\r\n\r\n"));
  EXPECT_ERROR(get(server.url("/")), TooLarge, "more headers");
}

TEST_F(CurlTransportTest, a_refused_connection_is_unavailable) {
  unsigned short port = 0;
  {
    tcp::acceptor taken(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    port = taken.local_endpoint().port();
  }
  const std::string place = "127.0.0.1:" + std::to_string(port);
  EXPECT_ERROR(get("http://" + place + "/c?sig=SECRET"), Unavailable, "connection refused by " + place);
  EXPECT_EQ(get("http://" + place + "/c?sig=SECRET").error().message.find("SECRET"), std::string::npos);
}

TEST_F(CurlTransportTest, a_name_that_cannot_exist_is_unavailable) {
  const std::string host =
      std::string(70, 'a') + ".test";  // a label has at most 63 bytes: no server is asked
  EXPECT_ERROR(get("http://" + host + "/"), Unavailable, "cannot resolve host " + host);
}

// libcurl keeps the buffer of a transfer that never got a connection, and its handle then refuses another size for it.
TEST_F(CurlTransportTest, a_failure_to_connect_spoils_no_later_request) {
  TestServer server(io, always(kOk));
  const BodySink sink = [](std::string_view) -> Result<void> { return {}; };
  EXPECT_ERROR(get("http://" + std::string(70, 'a') + ".test/", sink), Unavailable, "cannot resolve host");
  EXPECT_TRUE(get(server.url("/"), sink));
  EXPECT_ERROR(get("http://" + std::string(70, 'a') + ".test/", sink), Unavailable, "cannot resolve host");
}

TEST_F(CurlTransportTest, what_is_no_url_is_unavailable) {
  EXPECT_ERROR(get("ftp://127.0.0.1/"), Unavailable, "not a usable http or https URL");
  EXPECT_ERROR(get("http://"), Unavailable, "not a usable http or https URL");
}

TEST_F(CurlTransportTest, a_reset_in_the_body_is_an_unknown_outcome) {
  TestServer server(io, once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 5ms, true));
  EXPECT_ERROR(get(server.url("/")), UnknownOutcome, "was lost");
}

TEST_F(CurlTransportTest, a_short_body_is_an_unknown_outcome) {
  TestServer server(io, once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"));
  EXPECT_ERROR(get(server.url("/")), UnknownOutcome, "was lost");
}

TEST_F(CurlTransportTest, a_connection_closed_without_an_answer_is_an_unknown_outcome) {
  TestServer server(io, once(""));
  EXPECT_ERROR(send(Request{.method = "POST", .url = server.url("/"), .body = "x"}), UnknownOutcome,
               "was lost");
}

TEST_F(CurlTransportTest, what_is_not_http_is_an_unknown_outcome) {
  TestServer server(io, once("SSH-2.0-OpenSSH\r\n\r\n"));
  EXPECT_ERROR(get(server.url("/")), UnknownOutcome, "127.0.0.1");
}

TEST_F(CurlTransportTest, silence_ends_at_the_total_timeout) {
  TestServer server(io, once("", 10s));
  EXPECT_ERROR(send(Request{.url = server.url("/"), .total_timeout = 40ms}), UnknownOutcome, "within 0.04 s");
}

TEST_F(CurlTransportTest, silence_after_some_bytes_ends_at_the_idle_timeout) {
  TestServer server(io, once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 10s));
  const auto answer = send(Request{.url = server.url("/"), .total_timeout = 0ms, .idle_timeout = 40ms});
  EXPECT_ERROR(answer, UnknownOutcome, "nothing came from");
}

TEST_F(CurlTransportTest, bytes_that_keep_coming_hold_the_idle_timeout_off) {
  TestServer server(io, [](TestServer&, tcp::socket socket, int) {
    return [](tcp::socket connection) -> Task<void> {
      std::string buffer;
      co_await read_request(connection, buffer);
      co_await write_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");
      for (int i = 0; i < 8; ++i) {
        co_await pause(60ms);
        co_await write_text(connection, "x");
      }
    }(std::move(socket));
  });
  const auto answer = send(Request{.url = server.url("/"), .total_timeout = 0ms, .idle_timeout = 300ms});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "xxxxxxxx");
}

TEST_F(CurlTransportTest, a_connection_that_is_never_made_ends_at_the_connect_timeout) {
  // A listener with a full backlog drops further handshakes, as an address without a machine does.
  tcp::acceptor full(io);
  full.open(tcp::v4());
  full.bind({boost::asio::ip::address_v4::loopback(), 0});
  full.listen(0);
  std::vector<tcp::socket> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(io).open(tcp::v4());
    fillers.back().native_non_blocking(true);
    static_cast<void>(
        ::connect(fillers.back().native_handle(), full.local_endpoint().data(), sizeof(sockaddr_in)));
  }
  const std::string place = "127.0.0.1:" + std::to_string(full.local_endpoint().port());
  const auto answer = send(Request{.url = "http://" + place + "/", .connect_timeout = 60ms});
  EXPECT_ERROR(answer, Unavailable, "cannot connect to " + place);
}

TEST_F(CurlTransportTest, connections_are_reused) {
  TestServer server(io, always(kOk));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(get(server.url("/")));
  EXPECT_EQ(server.connections, 1);
}

// The first connection answers once, then resets when the second request arrives.
TestServer::Script dies_on_reuse() {
  return [](TestServer& server, tcp::socket socket, int number) {
    return [](TestServer& to, tcp::socket connection, int n) -> Task<void> {
      std::string buffer;
      to.requests.push_back(co_await read_request(connection, buffer));
      co_await write_text(connection, kOk);
      to.requests.push_back(co_await read_request(connection, buffer));
      if (n > 1) co_await write_text(connection, kOk);
      connection.set_option(boost::asio::socket_base::linger(true, 0));
    }(server, std::move(socket), number);
  };
}

TEST_F(CurlTransportTest, an_idempotent_request_survives_the_death_of_a_reused_connection) {
  TestServer server(io, dies_on_reuse());
  ASSERT_TRUE(get(server.url("/1")));
  int asked = 0;
  const auto answer = send(Request{.url = server.url("/2"), .may_send = [&asked] { return ++asked > 0; }});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(asked, 2) << "may_send guards every sending";
  EXPECT_EQ(server.connections, 2);
}

TEST_F(CurlTransportTest, a_post_is_never_sent_twice) {
  TestServer server(io, dies_on_reuse());
  ASSERT_TRUE(get(server.url("/1")));
  const auto answer = send(Request{.method = "POST", .url = server.url("/2"), .body = "x"});
  EXPECT_ERROR(answer, UnknownOutcome, "was lost");
  int posts = 0;
  for (const auto& request : server.requests) posts += request.starts_with("POST") ? 1 : 0;
  EXPECT_EQ(posts, 1);
}

TEST_F(CurlTransportTest, without_permission_to_send_the_server_sees_nothing) {
  TestServer server(io, always(kOk));
  const auto answer =
      send(Request{.method = "POST", .url = server.url("/"), .body = "x", .may_send = [] { return false; }});
  EXPECT_ERROR(answer, Canceled, "not sent");
  ASSERT_TRUE(get(server.url("/after")));
  ASSERT_EQ(server.requests.size(), 1U);
  EXPECT_TRUE(server.requests[0].starts_with("GET /after"));
}

TEST_F(CurlTransportTest, permission_is_asked_only_when_the_connection_stands) {
  bool asked = false;
  const auto answer =
      send(Request{.url = "http://127.0.0.1:1/", .may_send = [&asked] { return asked = true; }});
  EXPECT_ERROR(answer, Unavailable, "connection refused");
  EXPECT_FALSE(asked);
}

TEST_F(CurlTransportTest, cancellation_ends_the_exchange_and_leaves_the_transport_usable) {
  TestServer silent(io, once("", 10s));
  TestServer server(io, always(kOk));
  boost::asio::cancellation_signal stop;
  std::optional<Result<Response>> answer;
  boost::asio::co_spawn(io, transport->send(Request{.url = silent.url("/")}, {}),
                        boost::asio::bind_cancellation_slot(
                            stop.slot(), [&](std::exception_ptr, Result<Response> got) { answer = got; }));
  while (silent.requests.empty()) io.run_one();
  stop.emit(boost::asio::cancellation_type::terminal);
  while (!answer && io.run_one_for(5s) > 0) {
  }
  ASSERT_TRUE(answer);
  EXPECT_ERROR(*answer, Canceled, "given up");
  EXPECT_TRUE(get(server.url("/")));
}

TEST_F(CurlTransportTest, cancellation_from_inside_the_sink_is_safe) {
  TestServer server(io, once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", 10s));
  boost::asio::cancellation_signal stop;
  std::optional<Result<Response>> answer;
  boost::asio::co_spawn(io,
                        transport->send(Request{.url = server.url("/")},
                                        [&stop](std::string_view) -> Result<void> {
                                          stop.emit(boost::asio::cancellation_type::terminal);
                                          return {};
                                        }),
                        boost::asio::bind_cancellation_slot(
                            stop.slot(), [&](std::exception_ptr, Result<Response> got) { answer = got; }));
  while (!answer && io.run_one_for(5s) > 0) {
  }
  ASSERT_TRUE(answer);
  EXPECT_ERROR(*answer, Canceled, "given up");
}

TEST_F(CurlTransportTest, a_transport_destroyed_with_requests_in_flight_cancels_them) {
  TestServer silent(io, once("", 10s));
  std::optional<Result<Response>> answer;
  boost::asio::co_spawn(io, transport->send(Request{.url = silent.url("/")}, {}),
                        [&](std::exception_ptr, Result<Response> got) { answer = got; });
  while (silent.requests.empty()) io.run_one();
  transport.reset();
  while (!answer && io.run_one_for(5s) > 0) {
  }
  ASSERT_TRUE(answer);
  EXPECT_ERROR(*answer, Canceled, "closed");
}

TEST(CurlTransport, a_loop_destroyed_with_requests_in_flight_leaks_nothing) {
  auto io = std::make_unique<boost::asio::io_context>(1);
  auto transport = std::make_unique<CurlTransport>(io->get_executor(), CurlOptions{});
  auto silent = std::make_unique<TestServer>(*io, once("", 10s));
  boost::asio::co_spawn(*io, transport->send(Request{.url = silent->url("/")}, {}),
                        [](std::exception_ptr, Result<Response>) { FAIL() << "must not complete"; });
  while (silent->requests.empty()) io->run_one();
  silent.reset();
  transport.reset();
  io.reset();  // LeakSanitizer is the judge
}

TEST_F(CurlTransportTest, after_a_reload_old_requests_end_and_new_ones_use_new_connections) {
  TestServer server(io, once(kOk, 50ms));
  std::optional<Result<Response>> old;
  boost::asio::co_spawn(io, transport->send(Request{.url = server.url("/old")}, {}),
                        [&](std::exception_ptr, Result<Response> got) { old = got; });
  while (server.connections == 0) io.run_one();
  transport->reload(CurlOptions{});
  EXPECT_TRUE(get(server.url("/new")));
  while (!old && io.run_one_for(5s) > 0) {
  }
  EXPECT_TRUE(old && *old);
  EXPECT_EQ(server.connections, 2);
}

TEST_F(CurlTransportTest, many_requests_at_once_each_get_their_own_answer) {
  TestServer server(io, [](TestServer&, tcp::socket socket, int) {
    return [](tcp::socket connection) -> Task<void> {
      std::string buffer;
      while (true) {
        const std::string request = co_await read_request(connection, buffer);
        if (request.empty()) co_return;
        const std::string path = request.substr(4, request.find(' ', 4) - 4);
        co_await write_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) +
                                            "\r\n\r\n" + path);
      }
    }(std::move(socket));
  });
  int right = 0;
  int ended = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string path = "/" + std::to_string(i);
    boost::asio::co_spawn(io, transport->send(Request{.url = server.url(path)}, {}),
                          [&, path](std::exception_ptr, Result<Response> got) {
                            ++ended;
                            if (got && got->body == path) ++right;
                          });
  }
  while (ended < 200 && io.run_one_for(10s) > 0) {
  }
  EXPECT_EQ(right, 200);
}

TEST_F(CurlTransportTest, http2_over_plain_http_does_not_queue_behind_a_watch) {
  transport = std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{.http2 = true});
  TestServer silent(io, [](TestServer& server, tcp::socket socket, int number) {
    return number == 1 ? once("", 10s)(server, std::move(socket), number)
                       : always(kOk)(server, std::move(socket), number);
  });
  boost::asio::co_spawn(io, transport->send(Request{.url = silent.url("/watch"), .total_timeout = 0ms}, {}),
                        boost::asio::detached);
  while (silent.requests.empty()) io.run_one();
  EXPECT_TRUE(get(silent.url("/")));
}

TEST_F(CurlTransportTest, a_proxy_is_used_unless_the_request_forbids_it) {
  TestServer proxy(io, always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"));
  TestServer server(io, always(kOk));
  transport = std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{.proxy_url = proxy.url("")});
  const auto through = get(server.url("/"));
  ASSERT_TRUE(through) << through.error().message;
  EXPECT_EQ(through->body, "proxy");
  const auto direct = send(Request{.url = server.url("/"), .no_proxy = true});
  ASSERT_TRUE(direct);
  EXPECT_EQ(direct->body, "hello");
}

TEST_F(CurlTransportTest, a_refused_proxy_is_called_the_proxy) {
  transport =
      std::make_unique<CurlTransport>(io.get_executor(), CurlOptions{.proxy_url = "http://127.0.0.1:1"});
  EXPECT_ERROR(get("http://blob.test/"), Unavailable, "connection refused by the proxy for blob.test");
}

TEST(CurlError, origins_hold_neither_user_nor_query) {
  EXPECT_EQ(origin_of("https://u:p@host:8443/a?sig=x"), "https://host:8443");
  EXPECT_EQ(authority_of("https://[::1]:8443?x"), "[::1]:8443");
  EXPECT_EQ(origin_of("nonsense?sig=x"), "nonsense");
}

}  // namespace
}  // namespace abo::net
