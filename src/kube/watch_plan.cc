#include "kube/watch_plan.h"

#include <algorithm>
#include <utility>

namespace abo::kube {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstWait{500};
constexpr milliseconds kLongestWait{6'000};
constexpr milliseconds kLongestWish{30'000};  // of a server's Retry-After
constexpr std::chrono::seconds kLived{1};
constexpr std::chrono::minutes kTrusted{30};

}  // namespace

milliseconds WatchPlan::back_off(const Error* error, double jitter) {
  wait_ = wait_ < kFirstWait ? kFirstWait : std::min(wait_ * 2, kLongestWait);
  milliseconds wait{static_cast<std::int64_t>(static_cast<double>(wait_.count()) * (0.75 + 0.5 * jitter))};
  if (error && error->retry_after) wait = std::max(wait, std::min(*error->retry_after, kLongestWish));
  return wait;
}

milliseconds WatchPlan::list_ended(const Result<std::string>& version, double jitter) {
  if (!version) return back_off(&version.error(), jitter);
  version_ = *version;
  step_ = Step::Watch;
  watched_ = {};
  return milliseconds{0};
}

milliseconds WatchPlan::watch_ended(const Result<void>& how, MonoClock::duration lived, double jitter) {
  bool healthy = lived >= kLived && (how || spoke_);
  if (healthy) {
    wait_ = milliseconds{0};
    relisted_ = false;
  }
  watched_ += lived;
  if (watched_ >= kTrusted) step_ = Step::List;
  if (how) return healthy ? milliseconds{0} : back_off(nullptr, jitter);
  if (how.error().kind == ErrorKind::Gone) {
    step_ = Step::List;
    // Usual after a restart of the server, so the first relist does not wait; one right after another would be a loop.
    if (!std::exchange(relisted_, true)) return milliseconds{0};
  }
  // The kind or the right to it went, and may come back otherwise than it was.
  if (how.error().kind == ErrorKind::NotFound || how.error().kind == ErrorKind::Forbidden) step_ = Step::List;
  return back_off(&how.error(), jitter);
}

void WatchPlan::advance(std::string_view version) {
  spoke_ = true;
  if (!version.empty()) version_ = version;
}

}  // namespace abo::kube
