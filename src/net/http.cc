#include "net/http.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/time.h"

namespace abo::net {
namespace {

// Nobody waits longer than a day because a server said so; the cap also keeps the arithmetic far from
// overflow.
constexpr std::int64_t kLongestMs = 24LL * 3600 * 1000;

std::optional<std::int64_t> parse_count(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::chrono::milliseconds> retry_after(const Response& response, std::chrono::sys_seconds now) {
  using std::chrono::milliseconds;
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto ms = parse_count(response.header(name))) return milliseconds(std::min(*ms, kLongestMs));
  }
  const std::string_view text = response.header("retry-after");
  if (const auto seconds = parse_count(text))
    return milliseconds(std::min(*seconds, kLongestMs / 1000) * 1000);
  if (const auto date = parse_rfc1123(text)) {
    const auto from = parse_rfc1123(response.header("date")).value_or(now);
    const std::int64_t ms = milliseconds(*date - from).count();
    return milliseconds(std::clamp<std::int64_t>(ms, 0, kLongestMs));
  }
  return std::nullopt;
}

}  // namespace abo::net
