#include "controllers/postponed_work.h"

#include <algorithm>

namespace abo::controllers {
namespace {

using checkpoint::Postponed;
using std::chrono::milliseconds;

// Longer than any backoff: a time farther ahead was written by a machine with another clock.
constexpr milliseconds longest_wait = std::chrono::minutes{6};

bool waits_for_copy(const Postponed& p) {
  return p.reason == Reason::CopyPending;
}

milliseconds wait_of(const Postponed& p, WallTime now) {
  auto wait = p.retry_at - now;
  return wait > milliseconds{0} && wait <= longest_wait ? wait : milliseconds{0};
}

}  // namespace

std::vector<Work> due_work(const checkpoint::Checkpoint& known, const checkpoint::Selection& selection,
                           const checkpoint::Identity& identity, WallTime now) {
  std::vector<Work> work;
  for (const Postponed& p : known.postponed) {
    if (waits_for_copy(p) || wait_of(p, now) > milliseconds{0}) continue;
    work.push_back(
        {{p.blob, identity.key_of(listing::view(p.blob))}, p.attempts, p.fallback, p.under_way_until});
  }
  for (const checkpoint::Candidate& copy : selection.copied) work.push_back({copy});
  std::ranges::sort(work, {}, [](const Work& w) { return w.candidate.position(); });
  return work;
}

std::optional<milliseconds> next_due(const checkpoint::Checkpoint& known, WallTime now) {
  std::optional<milliseconds> next;
  for (const Postponed& p : known.postponed) {
    if (waits_for_copy(p)) continue;
    next = std::min(next.value_or(longest_wait), wait_of(p, now));
  }
  return next;
}

const Postponed* first_failing(const checkpoint::Checkpoint& known) {
  auto at = std::ranges::find_if_not(known.postponed, waits_for_copy);
  return at == known.postponed.end() ? nullptr : &*at;
}

}  // namespace abo::controllers
