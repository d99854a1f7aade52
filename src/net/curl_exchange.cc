#include "net/curl_exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace abo::net {
namespace {

constexpr std::size_t kMaxHeaderBytes = 256 * 1024;  // of one answer, all lines together

constexpr std::string_view kUserAgent = "azure-blob-operator/" ABO_VERSION;

bool is_idempotent(std::string_view method) {
  return method != "POST" && method != "PATCH";
}

bool has_body(const Request& request) {
  return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
         request.method == "PATCH";
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

Error canceled(std::string message) {
  return {ErrorKind::Canceled, Reason::Canceled, std::move(message), std::nullopt};
}

}  // namespace

// libcurl is C: no exception may pass through it, so the first one is kept and thrown again by result().
struct CurlExchangeCallbacks {
  template <class Work>
  static bool guarded(CurlExchange& exchange, Work work) {
    try {
      return work();
    } catch (...) {
      exchange.thrown_ = std::current_exception();
      return false;
    }
  }

  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& exchange = *static_cast<CurlExchange*>(self);
    const bool taken = guarded(exchange, [&] { return exchange.take_body({data, size}); });
    // Any other number than size ends the transfer. Never CURL_WRITEFUNC_PAUSE: it stalls the other HTTP/2
    // streams.
    return taken ? size : (size == 0 ? 1 : 0);
  }
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) {
    auto& exchange = *static_cast<CurlExchange*>(self);
    const bool taken = guarded(exchange, [&] { return exchange.take_header({data, size * count}); });
    return taken ? size * count : 0;
  }
  static curl_socket_t on_open(void* self, curlsocktype, curl_sockaddr* address) {
    auto& exchange = *static_cast<CurlExchange*>(self);
    curl_socket_t socket = CURL_SOCKET_BAD;
    static_cast<void>(guarded(exchange, [&] {
      socket = exchange.open_socket(*address);
      return true;
    }));
    return socket;
  }
  static int on_send(void* self, char* address, char*, int port, int) {
    auto& exchange = *static_cast<CurlExchange*>(self);
    const bool go = guarded(exchange, [&] {
      if (exchange.may_reach(address ? address : "", port)) return exchange.may_send_now();
      exchange.error_ = exchange.not_reached();
      return false;
    });
    return go ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }
  static CURLcode on_tls(CURL*, void* context, void* self) {
    static_cast<CurlExchange*>(self)->trust_->give_to(static_cast<SSL_CTX*>(context));
    return CURLE_OK;
  }
};

CurlExchange::CurlExchange(std::shared_ptr<CurlMulti> multi, std::shared_ptr<const CurlOptions> options,
                           std::shared_ptr<TrustStore> trust, Request request, BodySink sink,
                           const boost::asio::any_io_executor& executor)
    : multi_(std::move(multi)),
      options_(std::move(options)),
      trust_(std::move(trust)),
      request_(std::move(request)),
      sink_(std::move(sink)),
      wakeup_(executor),
      easy_(multi_->take_easy()) {}

CurlExchange::~CurlExchange() {
  if (easy_ == nullptr) return;
  multi_->remove(easy_);
  multi_->give_back(easy_, finished_ && code_ == CURLE_OK && !error_ && !thrown_);
}

Result<void> CurlExchange::start() {
  if (easy_ == nullptr) return fail(ErrorKind::Unavailable, Reason::Internal, "no memory for a request");
  if (multi_->closed()) return std::unexpected(canceled("the HTTP client is closed"));
  if (auto configured = configure(); !configured) return configured;
  if (options_->http2 && request_.url.starts_with("http:")) multi_->allow_many_connections();
  started_ = last_byte_ = std::chrono::steady_clock::now();
  if (multi_->add(easy_, this) != CURLM_OK) {
    return fail(ErrorKind::Internal, Reason::Internal, "libcurl did not take the request");
  }
  return {};
}

Result<void> CurlExchange::configure() {
  if (request_.url.starts_with("https:") && !options_->insecure_skip_tls_verify) {
    if (auto loaded = trust_->load(); !loaded) return loaded;
  }
  set_url();
  set_method();
  set_tls();
  set_proxy();
  set_limits();
  if (auto headers = set_headers(); !headers) return headers;
  set(CURLOPT_WRITEFUNCTION, &CurlExchangeCallbacks::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &CurlExchangeCallbacks::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &CurlExchangeCallbacks::on_send);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  if (request_.may_reach) {
    set(CURLOPT_OPENSOCKETFUNCTION, &CurlExchangeCallbacks::on_open);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  }
  set(CURLOPT_ERRORBUFFER, detail_.data());
  if (bad_option_)
    return fail(ErrorKind::Internal, Reason::Internal, "libcurl lacks an option this program needs");
  return {};
}

template <class Value>
void CurlExchange::set(CURLoption option, Value value) {
  if (curl_easy_setopt(easy_, option, value) != CURLE_OK) bad_option_ = true;
}

void CurlExchange::set_url() {
  std::string url = request_.url;
  if (!options_->tls_server_name.empty() && url.starts_with("https://")) {
    // libcurl takes the name to verify from the URL: ask for that name, and connect to the real place.
    const std::string authority = authority_of(url);
    const auto path = std::min(url.find_first_of("/?#", 8), url.size());
    url = "https://" + options_->tls_server_name + url.substr(path);
    const auto colon =
        authority.find(':', authority.rfind(']') == std::string::npos ? 0 : authority.rfind(']'));
    const std::string port = colon == std::string::npos ? "443" : authority.substr(colon + 1);
    append(connect_to_, "::" + authority.substr(0, colon) + ":" + port);
    set(CURLOPT_CONNECT_TO, connect_to_.get());
  }
  set(CURLOPT_URL, url.c_str());
  for (const std::string& entry : options_->resolve) append(resolve_, entry);
  if (resolve_) set(CURLOPT_RESOLVE, resolve_.get());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  // Without TLS nothing tells whether the server speaks HTTP/2, and PIPEWAIT would queue behind the first answer.
  const bool http2 = options_->http2 && !request_.url.starts_with("http:");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (http2) set(CURLOPT_PIPEWAIT, 1L);
}

void CurlExchange::set_method() {
  if (has_body(request_)) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.data());  // not copied: request_ outlives the transfer
    set(CURLOPT_UPLOAD_BUFFERSIZE, 16384L);         // bodies are small, and each transfer allocates one
    if (request_.method != "POST") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else {
    set(CURLOPT_HTTPGET, 1L);
    if (request_.method != "GET") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

void CurlExchange::set_tls() {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, options_->insecure_skip_tls_verify ? 0L : 1L);
  set(CURLOPT_SSL_VERIFYHOST, options_->insecure_skip_tls_verify ? 0L : 2L);
  set(CURLOPT_CAINFO, static_cast<char*>(nullptr));  // the trust store replaces libcurl's own search
  set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  if (!options_->insecure_skip_tls_verify) {
    set(CURLOPT_SSL_CTX_FUNCTION, &CurlExchangeCallbacks::on_tls);
    set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
  }
  if (options_->client_cert_pem.empty()) return;
  const auto blob = [](std::string_view text) {
    return curl_blob{const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
  };
  curl_blob certificate = blob(options_->client_cert_pem);
  curl_blob key = blob(options_->client_key_pem.reveal());
  set(CURLOPT_SSLCERTTYPE, "PEM");
  set(CURLOPT_SSLCERT_BLOB, &certificate);
  set(CURLOPT_SSLKEYTYPE, "PEM");
  set(CURLOPT_SSLKEY_BLOB, &key);
}

void CurlExchange::set_proxy() {
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (request_.no_proxy) {
    set(CURLOPT_PROXY, "");
  } else if (!options_->proxy_url.empty()) {
    set(CURLOPT_PROXY, options_->proxy_url.c_str());
    set(CURLOPT_NOPROXY, "");
  }
}

void CurlExchange::set_limits() {
  // The deadlines are ours (see deadline()): libcurl's do not run while a request waits for a connection.
  // This one is for the time a single address gets before the next is tried.
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // or a cancelled name lookup blocks the loop until it is answered
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_TCP_KEEPINTVL, 10L);
  if (request_.receive_buffer > 0) set(CURLOPT_BUFFERSIZE, static_cast<long>(request_.receive_buffer));
}

Result<void> CurlExchange::set_headers() {
  bool host = false;
  bool type = false;
  for (const auto& [name, value] : request_.headers) {
    if (name.empty() || (name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorKind::Internal, Reason::Internal, "a request header holds a line break");
    }
    append(headers_,
           value.empty() ? name + ";" : name + ": " + value);  // libcurl's way to write an empty header
    host = host || lower(name) == "host";
    type = type || lower(name) == "content-type";
  }
  append(headers_, "Expect:");
  if (!type) append(headers_, "Content-Type:");  // libcurl would call every body a form
  if (!host && connect_to_) append(headers_, "Host: " + authority_of(request_.url));
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, kUserAgent.data());
  return {};
}

void CurlExchange::append(List& list, const std::string& text) {
  curl_slist* longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  static_cast<void>(list.release());
  list.reset(longer);
}

curl_socket_t CurlExchange::open_socket(const curl_sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  int port = 0;
  if (address.family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.addr);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    port = ntohs(v4.sin_port);
  } else if (address.family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.addr);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    port = ntohs(v6.sin6_port);
  }
  if (!may_reach(text.data(), port)) return CURL_SOCKET_BAD;
  opened_ = true;
  return multi_->open_socket(address);
}

bool CurlExchange::may_reach(std::string_view address, int port) {
  if (!request_.may_reach || port != port_of(request_.url) || request_.may_reach(address)) return true;
  refused_address_ = address;
  return false;
}

Error CurlExchange::not_reached() const {
  return {ErrorKind::Forbidden, Reason::EndpointNotAllowed,
          authority_of(request_.url) + " leads to " + refused_address_ + ", which may not be asked",
          std::nullopt};
}

bool CurlExchange::may_send_now() {
  // libcurl sends again by itself when a reused connection was dead. Once, and only what may be repeated.
  if (attempts_ > 0 && (attempts_ > 1 || !is_idempotent(request_.method))) {
    error_ = describe({CURLE_GOT_NOTHING, request_.url, true, 0, "the server closed it"});
    return false;
  }
  if (request_.may_send && !request_.may_send()) {
    error_ = canceled("not sent: the caller no longer may");
    if (attempts_ > 0) error_ = describe({CURLE_GOT_NOTHING, request_.url, true, 0, "the server closed it"});
    return false;
  }
  ++attempts_;
  last_byte_ = std::chrono::steady_clock::now();
  return true;
}

bool CurlExchange::take_header(std::string_view line) {
  if (finished_) return false;
  last_byte_ = std::chrono::steady_clock::now();
  header_bytes_ += line.size();
  if (header_bytes_ > kMaxHeaderBytes) {
    error_ = Error{ErrorKind::TooLarge, Reason::InvalidResponse,
                   authority_of(request_.url) + " sent more headers than are accepted", std::nullopt};
    return false;
  }
  if (line.starts_with("HTTP/")) {  // also after 100 Continue: the last block counts
    response_.headers.clear();
    if (options_->http2 && line.starts_with("HTTP/1")) multi_->allow_many_connections();
    return true;
  }
  const auto colon = line.find(':');
  if (colon != std::string_view::npos && !body_begun_) {
    response_.headers.emplace_back(lower(trim(line.substr(0, colon))),
                                   std::string(trim(line.substr(colon + 1))));
  }
  return true;
}

bool CurlExchange::take_body(std::string_view piece) {
  if (finished_) return false;
  last_byte_ = std::chrono::steady_clock::now();
  body_begun_ = true;
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  if (sink_ && status >= 200 && status < 300) {
    auto taken = sink_(piece);
    if (!taken) error_ = std::move(taken.error());
    return taken.has_value();
  }
  const std::size_t room = request_.max_body - std::min(request_.max_body, response_.body.size());
  if (piece.size() > room && (status < 200 || status >= 300)) {  // what it is about stands in front
    response_.body.append(piece.substr(0, room));
    body_cut_ = true;
    return false;
  }
  if (piece.size() > room) {
    error_ = Error{ErrorKind::TooLarge, Reason::InvalidResponse,
                   authority_of(request_.url) + " sent a larger body than is accepted", std::nullopt};
    return false;
  }
  response_.body.append(piece);
  return true;
}

std::optional<std::pair<Deadline, CurlExchange::SteadyTime>> CurlExchange::deadline() const {
  std::optional<std::pair<Deadline, SteadyTime>> first;
  const auto consider = [&first](Deadline kind, SteadyTime from, std::chrono::milliseconds limit) {
    if (limit.count() > 0 && (!first || from + limit < first->second)) first.emplace(kind, from + limit);
  };
  consider(Deadline::Total, started_, request_.total_timeout);
  if (attempts_ == 0) consider(Deadline::Connect, started_, request_.connect_timeout);
  if (attempts_ > 0) consider(Deadline::Idle, last_byte_, request_.idle_timeout);
  return first;
}

CurlExchange::SteadyTime CurlExchange::next_deadline() const {
  // Before the request is sent the idle clock stands still, but nobody wakes the coroutine when it starts: so
  // it looks again at least as often as that.
  SteadyTime next = SteadyTime::max();
  if (const auto first = deadline()) next = first->second;
  if (attempts_ == 0 && request_.idle_timeout.count() > 0) {
    next = std::min(next, std::chrono::steady_clock::now() + request_.idle_timeout);
  }
  return next;
}

void CurlExchange::expire(SteadyTime now) {
  const auto first = deadline();
  if (finished_ || !first || first->second > now) return;
  const auto limit = first->first == Deadline::Total     ? request_.total_timeout
                     : first->first == Deadline::Connect ? request_.connect_timeout
                                                         : request_.idle_timeout;
  error_ = describe_timeout(first->first, request_.url, limit, attempts_ > 0);
  finish();
}

void CurlExchange::ended(CURLcode code) {
  code_ = code;
  finish();
}

void CurlExchange::abandoned() {
  if (!error_) error_ = canceled("the HTTP client was closed");
  finish();
}

void CurlExchange::finish() {
  finished_ = true;
  wakeup_.cancel();
}

Result<Response> CurlExchange::result() {
  if (thrown_) std::rethrow_exception(thrown_);
  if (error_) return std::unexpected(std::move(*error_));
  const bool failed = code_ != CURLE_OK && !body_cut_;
  if (failed && !opened_ && !refused_address_.empty()) return std::unexpected(not_reached());
  if (failed) {
    long os_error = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
    const std::string_view detail = detail_[0] != '\0' ? detail_.data() : curl_easy_strerror(code_);
    return std::unexpected(describe({code_, request_.url, attempts_ > 0, os_error, detail}));
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

}  // namespace abo::net
