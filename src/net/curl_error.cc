#include "net/curl_error.h"

#include <fmt/core.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace abo::net {
namespace {

Error unreachable(bool sent, std::string message) {
  return {sent ? ErrorKind::UnknownOutcome : ErrorKind::Unavailable, Reason::EndpointUnreachable,
          std::move(message), std::nullopt};
}

std::string host_of(std::string_view url) {
  const std::string authority = authority_of(url);
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon == std::string::npos || (bracket != std::string::npos && bracket > colon)) return authority;
  return authority.substr(0, colon);
}

std::string connect_text(const Failure& failure) {
  // libcurl names the host it tried; when that is not the URL's, it was the proxy.
  const bool tried_host = failure.detail.find(" " + host_of(failure.url) + " ") != std::string_view::npos;
  const std::string place = (tried_host ? "" : "the proxy for ") + authority_of(failure.url);
  if (failure.os_error == ECONNREFUSED) return "connection refused by " + place;
  if (failure.os_error == 0) return "cannot connect to " + place;
  return fmt::format("cannot connect to {}: {}", place, std::strerror(static_cast<int>(failure.os_error)));
}

std::string seconds(std::chrono::milliseconds time) {
  return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

// Only a few of libcurl's hundred codes have words of ours; a switch would have to list them all.
std::string text_of(const Failure& failure) {
  const std::string place = authority_of(failure.url);
  switch (static_cast<int>(failure.code)) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return failure.sent ? place + " did not answer in HTTP"
                          : "not a usable http or https URL: " + origin_of(failure.url);
    case CURLE_COULDNT_RESOLVE_HOST:
      return "cannot resolve host " + host_of(failure.url);
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "cannot resolve the host of the proxy for " + place;
    case CURLE_COULDNT_CONNECT:
      return connect_text(failure);
    case CURLE_OPERATION_TIMEDOUT:
      return failure.sent ? "no complete answer from " + place + " in time"
                          : "cannot connect to " + place + " in time";
    case CURLE_PEER_FAILED_VERIFICATION:
      return fmt::format("the certificate of {} is not trusted: {}", place, failure.detail);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return fmt::format("TLS with {} failed: {}", place, failure.detail);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return fmt::format("the connection to {} was lost {}: {}", place,
                         failure.sent ? "before the answer was complete" : "before the request was sent",
                         failure.detail);
    default:
      return fmt::format("request to {} failed: {}", place, failure.detail);
  }
}

}  // namespace

std::string authority_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
  return std::string(url);
}

std::string origin_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return authority_of(url);
  return std::string(url.substr(0, scheme + 3)) + authority_of(url);
}

int port_of(std::string_view url) {
  const std::string authority = authority_of(url);
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  int port = url.starts_with("https:") ? 443 : 80;
  if (colon == std::string::npos || (bracket != std::string::npos && bracket > colon)) return port;
  std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), port);
  return port;
}

Error describe(const Failure& failure) {
  return unreachable(failure.sent, text_of(failure));
}

Error describe_timeout(Deadline deadline, std::string_view url, std::chrono::milliseconds after, bool sent) {
  const std::string place = authority_of(url);
  switch (deadline) {
    case Deadline::Connect:
      return unreachable(sent, fmt::format("cannot connect to {} within {}", place, seconds(after)));
    case Deadline::Idle:
      return unreachable(sent, fmt::format("nothing came from {} for {}", place, seconds(after)));
    case Deadline::Total:
      return unreachable(sent, fmt::format("no complete answer from {} within {}", place, seconds(after)));
  }
  return unreachable(sent, place);
}

}  // namespace abo::net
