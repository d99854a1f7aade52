#include "controllers/poll_schedule.h"

#include <algorithm>

namespace abo::controllers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double interval_jitter = 0.05;
constexpr milliseconds first_backoff{1000};
constexpr milliseconds first_again{100};
constexpr milliseconds longest_backoff = std::chrono::minutes{5};
constexpr milliseconds longest_wish = std::chrono::hours{1};
constexpr milliseconds shortest_breather{250};
// A watcher whose owner has to mend something is looked at this often at least, so that it heals soon after.
constexpr seconds longest_stall{60};

milliseconds doubled(milliseconds first, std::uint32_t failures, double random) {
  std::int64_t factor = std::int64_t{1} << std::min(std::max(failures, 1U) - 1, 20U);
  milliseconds whole = std::min(first * factor, longest_backoff);
  return milliseconds{static_cast<std::int64_t>(static_cast<double>(whole.count()) * (0.5 + random / 2))};
}

milliseconds wish_of(const PassResult& result) {
  return std::min(result.retry_after.value_or(milliseconds{0}), longest_wish);
}

}  // namespace

milliseconds backoff(std::uint32_t failures, double random) {
  return doubled(first_backoff, failures, random);
}

milliseconds breather(milliseconds listing) {
  return std::max(shortest_breather, listing);
}

MonoTime next_poll(const PassResult& result, const PollTimes& times, const std::function<double()>& random) {
  if (result.announced && !result.unreported) return *result.announced;
  double spread = 1 + interval_jitter * (2 * random() - 1);
  MonoTime due =
      times.started + std::chrono::duration_cast<std::chrono::nanoseconds>(times.interval * spread);
  due = std::max(due, times.now + breather(result.listing));
  bool stalled = result.failed && result.verdict.health == report::Health::Stalled;
  bool repeats = result.failed || result.again || result.unreported;
  if (stalled) {
    due = std::min(due, times.now + longest_stall);
  } else if (repeats) {
    bool only_old = result.again && !result.unreported;
    milliseconds first = only_old ? first_again : first_backoff;
    due = std::min(due, times.now + doubled(first, times.failures, random()));
  } else if (result.wish) {
    due = std::min(due, times.now + std::max(*result.wish, breather(result.listing)));
  }
  if (result.more == More::Now) due = std::min(due, times.now + breather(result.listing));
  return std::max(due, times.now + wish_of(result));
}

MonoTime next_try(const PassResult& result, MonoTime now, std::uint32_t failures, double random) {
  return now + std::max(backoff(failures, random), wish_of(result));
}

}  // namespace abo::controllers
