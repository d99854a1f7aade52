#include "azure/sas.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/percent_encoding.h"

namespace abo::azure {
namespace {

constexpr std::string_view remedy =
    "make a new one with read and list permission (sp=rl) for the container, or an account SAS with ss=b, "
    "srt=co, sp=rl";

std::unexpected<Error> not_a_sas(std::string_view what, std::string_view complaint) {
  return fail(ErrorKind::Invalid, Reason::InvalidSecret,
              fmt::format("{} {}; it must be the token alone: what stands behind the '?' of a SAS URL", what,
                          complaint));
}

std::unexpected<Error> lacks(std::string_view what, std::string_view complaint) {
  return fail(ErrorKind::Forbidden, Reason::PermissionDenied,
              fmt::format("{} {}; {}", what, complaint, remedy));
}

// The decoded value of one parameter, or nothing.
std::optional<std::string> parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    std::size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == name) return percent_decode(pair.substr(equals + 1));
  }
  return std::nullopt;
}

// se and st may be a day, or a time without seconds, besides the usual form.
std::optional<ServiceTime> sas_time(const std::string& text) {
  if (text.size() == 10) return parse_rfc3339(text + "T00:00:00Z");
  if (text.size() == 17 && text.ends_with('Z')) return parse_rfc3339(text.substr(0, 16) + ":00Z");
  return parse_rfc3339(text);
}

// Permissions are a few letters; whatever else stands there must not get into a status.
std::string letters(std::string_view text) {
  constexpr std::string_view permissions = "racwdxyltmeopfi";
  bool known = text.size() <= permissions.size() && text.find_first_not_of(permissions) == text.npos;
  return known ? std::string(text) : "(no permissions)";
}

Result<void> check_permissions(std::string_view query, std::string_view what) {
  auto permissions = parameter(query, "sp");
  if (permissions && !permissions->contains('l')) {
    return lacks(what, fmt::format("allows \"{}\" only, but watching a container needs list (l)",
                                   letters(*permissions)));
  }
  if (!permissions && !parameter(query, "si")) return lacks(what, "holds no permissions (sp)");
  auto resource = parameter(query, "sr"), types = parameter(query, "srt"), services = parameter(query, "ss");
  if (resource && *resource != "c") {
    return lacks(what,
                 "is made for a single blob or folder (sr), but listing needs one for the container (sr=c)");
  }
  if (services && !services->contains('b')) return lacks(what, "is not made for blobs (ss lacks b)");
  if (types && !types->contains('c')) return lacks(what, "is not made for containers (srt lacks c)");
  return {};
}

}  // namespace

Result<SasToken> parse_sas(const Secret& text, WallTime now, std::string_view what) {
  std::string_view query = text.reveal();
  if (query.contains("://")) return not_a_sas(what, "is a whole URL");
  if (query.starts_with('?')) query.remove_prefix(1);
  if (!std::ranges::all_of(query,
                           [](char c) { return c > ' ' && c < 0x7F && c != '#' && c != '?' && c != '"'; })) {
    return not_a_sas(what, "holds bytes that no SAS has");
  }
  if (!parameter(query, "sig")) return not_a_sas(what, "has no signature (sig)");
  SasToken token;
  token.text = Secret(std::string(query));
  token.https_only = parameter(query, "spr") == "https";
  token.user_delegation = parameter(query, "skoid").has_value();
  if (auto start = parameter(query, "st")) token.starts = sas_time(*start);
  if (auto expiry = parameter(query, "se")) {
    token.expires = sas_time(*expiry);
    if (!token.expires) return not_a_sas(what, "has an expiry (se) that is no time");
  }
  if (token.expires && *token.expires <= now) {
    return fail(ErrorKind::Unauthenticated, Reason::SasExpired,
                fmt::format("{} expired at {}; {}", what, format_rfc3339(*token.expires), remedy));
  }
  if (auto ok = check_permissions(query, what); !ok) return pass(ok);
  return token;
}

}  // namespace abo::azure
