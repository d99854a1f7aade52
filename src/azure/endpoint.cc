#include "azure/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace abo::azure {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorKind::Invalid, Reason::InvalidSpec, std::move(message));
}

// The text itself is not repeated in errors: users paste URLs with a SAS into every field there is.
std::unexpected<Error> invalid_endpoint(std::string_view what, std::string_view complaint) {
  return invalid(
      fmt::format("{} {}; it must look like https://account.blob.core.windows.net or "
                  "http://127.0.0.1:10000/account",
                  what, complaint));
}

std::string_view last_label(std::string_view host) {
  std::size_t dot = host.rfind('.');
  return dot == host.npos ? host : host.substr(dot + 1);
}

// As browsers decide it: a host whose last label is a number is an IPv4 address or nothing.
bool looks_like_ipv4(std::string_view host) {
  std::string_view label = last_label(host);
  if (label.starts_with("0x")) return true;
  return !label.empty() && std::ranges::all_of(label, is_digit);
}

// Four decimal numbers without leading zeros; inet_pton() accepts nothing else.
bool is_ipv4(const std::string& host) {
  in_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

// "[...]" in its canonical form; nothing for what is no IPv6 address, and for those that hide an IPv4 address.
std::optional<std::string> canonical_ipv6(std::string_view bracketed) {
  if (bracketed.size() < 4 || !bracketed.ends_with(']')) return std::nullopt;
  std::string text(bracketed.substr(1, bracketed.size() - 2));
  in6_addr address;
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  bool nat64 = address.s6_addr[0] == 0 && address.s6_addr[1] == 0x64 && address.s6_addr[2] == 0xFF;
  bool compatible = IN6_IS_ADDR_V4COMPAT(&address);
  if (IN6_IS_ADDR_V4MAPPED(&address) || compatible || nat64) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> out;
  if (!inet_ntop(AF_INET6, &address, out.data(), out.size())) return std::nullopt;
  return fmt::format("[{}]", out.data());
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  bool label_begins = true;
  for (char c : host) {
    if (c == '.' ? label_begins : !is_lower(c) && !is_digit(c) && c != '-' && c != '_') return false;
    label_begins = c == '.';
  }
  return !label_begins;
}

Result<std::string> parse_host(std::string_view text, std::string_view what) {
  std::string host = lower(text);
  if (host.starts_with('[')) {
    auto address = canonical_ipv6(host);
    if (!address)
      return invalid_endpoint(what, "has an IPv6 address that is none, or that hides an IPv4 address");
    return *address;
  }
  if (host.ends_with('.')) return invalid_endpoint(what, "has a host that ends in a dot");
  if (!is_host_name(host)) return invalid_endpoint(what, "has no host name that can be used");
  if (looks_like_ipv4(host) && !is_ipv4(host)) {
    return invalid_endpoint(what, "has an IP address that is not written as four decimal numbers");
  }
  return host;
}

// What stands behind the host: "", or ":10000".
std::optional<std::uint16_t> parse_port(std::string_view text, std::string_view scheme) {
  if (text.empty()) return scheme == "https" ? 443 : 80;
  text.remove_prefix(1);
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

bool is_path(std::string_view path) {
  auto legal = [](char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_' ||
           c == '~' || c == '/';
  };
  return std::ranges::all_of(path, legal) && !path.contains("//") && !path.contains("/.");
}

std::string_view first_label(std::string_view host) {
  return host.substr(0, host.find('.'));
}

// The read-only copy of an account has a name of its own but is signed with the account's.
std::string_view without_secondary(std::string_view name) {
  static constexpr std::string_view suffix = "-secondary";
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

bool is_bare_host(const Endpoint& endpoint) {
  return endpoint.is_ip() || endpoint.host == "localhost" || !endpoint.host.contains('.');
}

std::string_view first_segment(std::string_view path) {
  if (path.empty()) return path;
  path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

// Which account an endpoint belongs to when nobody says so, and which style it has.
Result<ContainerUrl> with_account(Endpoint endpoint, std::string_view account, std::string_view what) {
  ContainerUrl url{std::move(endpoint), std::string(account), {}, false};
  const Endpoint& at = url.endpoint;
  if (is_azure_blob_host(at.host)) {
    if (!at.path.empty()) {
      return invalid_endpoint(what,
                              "has a path, but this host needs none (the container goes into containerName)");
    }
    std::string_view owner = without_secondary(first_label(at.host));
    if (!account.empty() && account != owner) {
      return invalid(fmt::format(
          "{} belongs to the account \"{}\", but storageAccount says \"{}\"; remove one of the two", what,
          owner, account));
    }
    url.account = owner;
    return url;
  }
  std::string_view in_path = without_secondary(first_segment(at.path));
  url.path_style = is_bare_host(at) || !in_path.empty();
  if (!account.empty()) {
    if (is_bare_host(at) && at.path.empty()) url.endpoint.path = fmt::format("/{}", account);
    return url;
  }
  url.account = url.path_style ? in_path : without_secondary(first_label(at.host));
  if (url.account.empty())
    return invalid_endpoint(what, "does not say which account it belongs to; set storageAccount");
  return url;
}

}  // namespace

bool Endpoint::is_ip() const {
  return host.starts_with('[') || looks_like_ipv4(host);
}

std::string Endpoint::origin() const {
  return has_default_port() ? fmt::format("{}://{}", scheme, host)
                            : fmt::format("{}://{}:{}", scheme, host, port);
}

Result<Endpoint> parse_endpoint(std::string_view text, std::string_view what) {
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; })) {
    return invalid_endpoint(what, "holds spaces or bytes beyond ASCII");
  }
  std::size_t colon = text.find("://");
  if (colon == text.npos) return invalid_endpoint(what, "does not begin with https:// or http://");
  Endpoint endpoint;
  endpoint.scheme = lower(text.substr(0, colon));
  if (endpoint.scheme != "https" && endpoint.scheme != "http")
    return invalid_endpoint(what, "is neither https nor http");
  text.remove_prefix(colon + 3);
  if (text.contains('?'))
    return invalid_endpoint(what, "has a query (a SAS belongs into the Secret, as sasToken)");
  if (text.contains('#')) return invalid_endpoint(what, "has a fragment");
  std::string_view authority = text.substr(0, text.find('/'));
  if (authority.contains('@')) return invalid_endpoint(what, "holds a user name");
  std::size_t host_end =
      authority.starts_with('[') ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
  std::string_view port_text = authority.substr(host_end);
  if (!port_text.empty() && !port_text.starts_with(':'))
    return invalid_endpoint(what, "has no host name that can be used");
  auto host = parse_host(authority.substr(0, host_end), what);
  if (!host) return pass(host);
  auto port = parse_port(port_text, endpoint.scheme);
  if (!port) return invalid_endpoint(what, "has a port that is not a number from 1 to 65535");
  std::string_view path = text.substr(authority.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!is_path(path)) return invalid_endpoint(what, "has a path that cannot be used");
  endpoint.host = std::move(*host);
  endpoint.port = *port;
  endpoint.path = path;
  return endpoint;
}

Result<ContainerUrl> container_url(std::string_view account, std::string_view container,
                                   std::string_view endpoint, std::string_view what) {
  if (auto ok = check_container_name(container); !ok) return pass(ok);
  if (!account.empty()) {
    if (auto ok = check_account_name(account); !ok) return pass(ok);
  }
  if (account.empty() && endpoint.empty()) {
    return invalid("storageAccount is missing; set it, or endpoint, or use a Secret with a connectionString");
  }
  auto parsed = parse_endpoint(
      endpoint.empty() ? fmt::format("https://{}.blob.core.windows.net", account) : std::string(endpoint),
      what);
  if (!parsed) return pass(parsed);
  auto url = with_account(std::move(*parsed), account, what);
  if (!url) return url;
  if (!check_account_name(url->account)) {
    return invalid_endpoint(what, "does not say which account it belongs to; set storageAccount");
  }
  url->container = container;
  return url;
}

Result<void> check_account_name(std::string_view name) {
  bool legal = std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c); });
  if (legal && name.size() >= 3 && name.size() <= 24) return {};
  return invalid("storageAccount must be 3 to 24 lower-case letters and digits");
}

Result<void> check_container_name(std::string_view name) {
  for (std::string_view special : {"$root", "$logs", "$web", "$blobchangefeed"}) {
    if (name == special) return {};
  }
  auto letter_or_digit = [](char c) { return is_lower(c) || is_digit(c); };
  bool legal = name.size() >= 3 && name.size() <= 63 && letter_or_digit(name.front()) &&
               letter_or_digit(name.back()) &&
               std::ranges::all_of(name, [&](char c) { return letter_or_digit(c) || c == '-'; }) &&
               !name.contains("--");
  if (legal) return {};
  return invalid(
      "containerName must be 3 to 63 lower-case letters, digits and single '-', with a letter or digit at "
      "both "
      "ends, or one of $root, $logs, $web");
}

bool is_azure_blob_host(std::string_view host) {
  for (std::string_view suffix :
       {".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn"}) {
    if (host.ends_with(suffix) && host.size() > suffix.size()) return true;
  }
  static constexpr std::string_view zoned = ".blob.storage.azure.net";
  if (!host.ends_with(zoned)) return false;
  host.remove_suffix(zoned.size());
  static constexpr std::string_view private_link = ".privatelink";
  if (host.ends_with(private_link)) host.remove_suffix(private_link.size());
  std::string_view zone = last_label(host);
  return zone.size() < host.size() && host.find('.') == host.rfind('.') && zone.size() >= 2 &&
         zone.size() <= 3 && zone.front() == 'z' && std::ranges::all_of(zone.substr(1), is_digit);
}

}  // namespace abo::azure
