#include "checkpoint/replays.h"

#include <algorithm>

namespace abo::checkpoint {

bool Replays::contains(ServiceTime since) const {
  return std::ranges::find(since_, since) != since_.end();
}

std::string Replays::of(ServiceTime last_modified) const {
  auto at = std::ranges::find_if(since_, [&](ServiceTime since) { return since <= last_modified; });
  return at == since_.end() ? std::string() : format_rfc3339(*at);
}

Replays::Range Replays::range(std::size_t i) const {
  ServiceTime newer = i == 0 ? ServiceTime::max() : std::ranges::min(std::span(since_).first(i));
  return {since_[i], newer};
}

}  // namespace abo::checkpoint
