#include "controllers/orphan_release.h"

#include <algorithm>

#include "controllers/concurrently.h"
#include "controllers/held_runs.h"
#include "kube/list.h"
#include "kube/resource.h"

namespace abo::controllers {

namespace {

// So that one owner whose resources cannot be released does not keep the others'.
constexpr std::size_t owners_at_once = 4;

}  // namespace

using std::chrono::milliseconds;

OrphanRelease::OrphanRelease(Services& services, kube::Sleeper& sleeper, ApiOutage& outage,
                             std::function<bool(const std::string&)> is_orphan)
    : services_(services), sleeper_(sleeper), outage_(outage), is_orphan_(std::move(is_orphan)) {}

void OrphanRelease::look() {
  look_again_ = true;
  changed_.notify_all();
}

Task<void> OrphanRelease::run() {
  while (!services_.stopping()) {
    look_again_ = false;
    if (!outage_.lasts()) co_await release_due();
    if (look_again_ || services_.stopping()) continue;
    auto due = outage_.lasts() ? std::nullopt : next_due();
    if (due) {
      auto pause = std::chrono::ceil<milliseconds>(*due - services_.clock.mono());
      co_await kube::until(changed_, sleeper_.sleep(std::max(pause, milliseconds{1})));
    } else {
      co_await changed_.wait();
    }
  }
}

std::vector<std::string> OrphanRelease::orphans() const {
  std::vector<std::string> owners = services_.runs.store().owners_with_held();
  std::erase_if(owners, [&](const std::string& owner) { return !is_orphan_(owner); });
  return owners;
}

std::optional<MonoTime> OrphanRelease::next_due() const {
  std::optional<MonoTime> next;
  for (const std::string& owner : orphans()) {
    auto due = next_release(services_, owner);
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

Task<void> OrphanRelease::release_due() {
  std::vector<std::string> owners = orphans();
  co_await concurrently(owners.size(), owners_at_once,
                        [&](std::size_t i) { return release_owner(owners[i]); });
}

Task<void> OrphanRelease::release_owner(std::string owner) {
  if (services_.stopping() || outage_.lasts()) co_return;
  auto held = releasable(services_, services_.runs.store().held(owner));
  if (held.empty()) co_return;
  auto there = co_await exists(held.front().ns, owner);
  if (there && !*there) co_return co_await release(services_, std::move(held));
  if (!there && api_is_away(there.error())) outage_.suspect();
  for (const HeldRun& run : held) try_later(services_, run);
}

// Asked with a quorum: the watch may not have told of a watcher that a predecessor already worked for. A resource that
// is not served has no objects.
Task<Result<bool>> OrphanRelease::exists(std::string ns, std::string owner) {
  bool seen = false;
  auto listed = co_await kube::list(services_.kube, kube::resources::watchers().path(ns),
                                    {.metadata_only = true}, [&](json::object&& object) {
                                      bool going = find(object, {"metadata", "deletionTimestamp"}) != nullptr;
                                      auto key = owner_key(ns, find_string(object, {"metadata", "uid"}));
                                      seen = seen || (key == owner && !going);
                                      return Result<void>{};
                                    });
  if (!listed && listed.error().kind != ErrorKind::NotFound) co_return pass(listed);
  co_return seen;
}

}  // namespace abo::controllers
