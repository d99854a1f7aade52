#include "controllers/replay_request.h"

#include <fmt/format.h>

#include <algorithm>

namespace abo::controllers {
namespace {

// No time is longer; of what is, the rest is of no interest.
constexpr std::size_t longest_wish = 64;

bool has_fraction(std::string_view wish) {
  std::string_view behind = wish.substr(19);
  if (behind.front() != '.') return false;
  auto end = std::ranges::find_if(behind.substr(1), [](char c) { return c < '0' || c > '9'; });
  return std::any_of(behind.begin() + 1, end, [](char c) { return c != '0'; });
}

}  // namespace

std::string_view replay_wish(const json::object& watcher) {
  return find_string(watcher, {"metadata", "annotations", replay_annotation}).substr(0, longest_wish + 1);
}

std::optional<ServiceTime> replay_since(std::string_view wish) {
  if (wish.size() > longest_wish) return std::nullopt;
  auto since = parse_rfc3339(wish);
  if (since && has_fraction(wish)) *since += std::chrono::seconds{1};
  // The last second of the year 9999 has no successor that a checkpoint could hold.
  return since ? parse_rfc3339(format_rfc3339(*since)) : since;
}

std::optional<ServiceTime> replay_due(const checkpoint::Checkpoint& checkpoint, std::string_view wish) {
  auto since = replay_since(wish);
  if (since && checkpoint.replays.contains(*since)) return std::nullopt;
  return since;
}

std::string replay_warning(const checkpoint::Checkpoint& checkpoint, std::string_view wish) {
  if (wish.empty() || (replay_since(wish) && !replay_due(checkpoint, wish))) return {};
  std::string_view why =
      replay_since(wish) ? "waits: too many earlier replays still have blobs to trigger" : no_time;
  return fmt::format(" Warning: the annotation {} {}.", replay_annotation, why);
}

}  // namespace abo::controllers
