#include "net/health_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

namespace abo::net {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
namespace {

constexpr std::size_t kMaxConnections = 64;
// On their way at once. Each is a copy of its page, which for /metrics may have megabytes, and who reads slowly holds it.
constexpr std::ptrdiff_t kMaxAnswers = 8;
constexpr std::uint32_t kMaxHeader = 8 * 1024;
constexpr std::chrono::seconds kTimeout{30};  // for one request to arrive, and for one answer to leave
constexpr std::chrono::milliseconds kAfterAcceptError{100};
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

struct Connection {
  beast::tcp_stream stream;
  bool answering = false;
  std::chrono::steady_clock::time_point since{};  // it has been answering
};

std::unexpected<Error> no_address(const std::string& address) {
  return fail(ErrorKind::Invalid, Reason::InvalidSpec,
              "\"" + address + "\" is no address to listen at; write host:port or :port");
}

// Where to bind; an empty host means every address, by IPv6 where the machine has it.
Result<std::vector<tcp::endpoint>> endpoints_of(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return no_address(address);
  std::string host = address.substr(0, colon);
  unsigned short port = 0;
  const char* end = address.data() + address.size();
  const auto [rest, problem] = std::from_chars(address.data() + colon + 1, end, port);
  if (problem != std::errc() || rest != end) return no_address(address);
  if (host.empty()) return std::vector{tcp::endpoint(tcp::v6(), port), tcp::endpoint(tcp::v4(), port)};
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code bad;
  const auto ip = asio::ip::make_address(host, bad);
  if (bad) return no_address(address);
  return std::vector{tcp::endpoint(ip, port)};
}

boost::system::error_code open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool every_address) {
  boost::system::error_code problem;
  if (acceptor.is_open()) acceptor.close(problem);
  acceptor.open(endpoint.protocol(), problem);
  if (problem) return problem;
  acceptor.set_option(asio::socket_base::reuse_address(true), problem);
  if (every_address && endpoint.protocol() == tcp::v6())
    acceptor.set_option(asio::ip::v6_only(false), problem);
  acceptor.bind(endpoint, problem);
  if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
  return problem;
}

}  // namespace

struct HttpServer::State {
  State(const asio::any_io_executor& executor, Handlers table)
      : acceptor(executor),
        all_ended(executor, std::chrono::steady_clock::time_point::max()),
        handlers(std::move(table)) {}

  tcp::acceptor acceptor;
  asio::steady_timer all_ended;  // cancelled when the last task of a closed server ends
  Handlers handlers;
  std::list<Connection> connections;  // oldest first
  bool accepting = false;
  bool closing = false;

  // Before another answer: whose is under way for longest reads too slowly.
  void make_room() {
    if (std::ranges::count_if(connections, &Connection::answering) < kMaxAnswers) return;
    auto oldest = std::ranges::min_element(connections, {}, [](const Connection& one) {
      return one.answering ? one.since : std::chrono::steady_clock::time_point::max();
    });
    oldest->stream.close();
    oldest->answering = false;  // its coroutine wakes on a later turn, and others may come before
  }
  [[nodiscard]] bool ended() const { return !accepting && connections.empty(); }
  void stop(bool also_answers) {
    closing = true;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (auto& connection : connections) {
      if (also_answers || !connection.answering) connection.stream.close();
    }
  }
  void task_ended() {
    if (closing && ended()) all_ended.cancel();
  }
};

struct HttpServerTasks {
  using State = HttpServer::State;
  using Request = http::request<http::empty_body>;

  static ServerAnswer answer_of(const State& state, const Request& request) {
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return {405, "only GET and HEAD\n"};
    }
    const std::string_view target(request.target().data(), request.target().size());
    const auto found = state.handlers.find(target.substr(0, target.find('?')));
    if (found == state.handlers.end()) return {404, "not found\n"};
    return found->second();
  }

  static http::response<http::string_body> response_to(const State& state, const Request& request) {
    ServerAnswer answer = answer_of(state, request);
    http::response<http::string_body> response(static_cast<http::status>(answer.status), request.version());
    response.set(http::field::content_type, answer.content_type);
    if (answer.status == 405) response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(request.keep_alive() && !state.closing);
    response.content_length(answer.body.size());
    if (request.method() != http::verb::head) response.body() = std::move(answer.body);
    return response;
  }

  static Task<void> serve(std::shared_ptr<State> state, std::list<Connection>::iterator connection) {
    try {
      co_await converse(state, connection);
    } catch (const std::exception&) {  // a handler threw: this connection ends, the server goes on
    }
    state->connections.erase(connection);
    state->task_ended();
  }

  static Task<void> converse(std::shared_ptr<State> state, std::list<Connection>::iterator connection) {
    beast::tcp_stream& stream = connection->stream;
    beast::flat_buffer buffer(kMaxHeader + 1024);
    while (!state->closing) {
      http::request_parser<http::empty_body> parser;
      parser.header_limit(kMaxHeader);
      stream.expires_after(kTimeout);
      const auto [broken, read] = co_await http::async_read(stream, buffer, parser, kToken);
      if (broken) break;
      state->make_room();
      const auto response = response_to(*state, parser.get());
      connection->answering = true;
      connection->since = std::chrono::steady_clock::now();
      stream.expires_after(kTimeout);
      const auto [unsent, written] = co_await http::async_write(stream, response, kToken);
      connection->answering = false;
      if (unsent || !response.keep_alive()) break;
    }
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  static Task<void> accept(std::shared_ptr<State> state) {
    const auto executor = state->acceptor.get_executor();
    while (!state->closing) {
      auto [problem, socket] = co_await state->acceptor.async_accept(kToken);
      if (state->closing) break;
      if (problem) {  // no descriptors left, most likely: others must end first
        asio::steady_timer pause(executor, kAfterAcceptError);
        co_await pause.async_wait(kToken);
        continue;
      }
      if (state->connections.size() >= kMaxConnections) state->connections.front().stream.close();
      state->connections.push_back(Connection{beast::tcp_stream(std::move(socket))});
      asio::co_spawn(executor, serve(state, std::prev(state->connections.end())), asio::detached);
    }
    state->accepting = false;
    state->task_ended();
  }

  static Task<void> close(std::shared_ptr<State> state) {
    state->stop(false);
    while (!state->ended()) co_await state->all_ended.async_wait(kToken);
  }
};

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::any_io_executor executor, std::string address,
                                                       Handlers handlers) {
  auto endpoints = endpoints_of(address);
  if (!endpoints) return pass(endpoints);
  auto state = std::make_shared<State>(executor, std::move(handlers));
  boost::system::error_code problem;
  for (const auto& endpoint : *endpoints) {
    problem = open(state->acceptor, endpoint, endpoints->size() > 1);
    if (!problem || problem == asio::error::address_in_use) break;
  }
  if (problem) {
    return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable,
                "cannot listen at " + address + ": " + problem.message());
  }
  state->accepting = true;
  asio::co_spawn(executor, HttpServerTasks::accept(state), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->stop(true);
}

unsigned short HttpServer::port() const {
  return state_->acceptor.local_endpoint().port();
}

Task<void> HttpServer::close() {
  return HttpServerTasks::close(state_);
}

}  // namespace abo::net
