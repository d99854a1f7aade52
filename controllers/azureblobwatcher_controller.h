// Which watchers exist, and when each is polled next. Watches tell of changes; a delay queue wakes rows; polls run as
// coroutines, admitted by a cap. Idle watchers are rows and nothing else. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controllers/api_outage.h"
#include "controllers/blob_pass.h"
#include "controllers/orphan_release.h"
#include "controllers/poll_admission.h"
#include "controllers/services.h"
#include "controllers/watcher_row.h"
#include "kube/reflector.h"
#include "kube/sleeper.h"
#include "runtime/delay_queue.h"
#include "runtime/task_scope.h"

namespace abo::controllers {

class WatcherController {
 public:
  // All outlive the controller. Watches run in one scope, polls in another: at shutdown the polls are waited for.
  WatcherController(Services& services, kube::Sleeper& sleeper, runtime::TaskScope& watch_scope,
                    runtime::TaskScope& poll_scope);
  ~WatcherController();

  // Begins to watch, before the lease is won too: a standby knows its watchers.
  void watch();

  // Begins to poll. Returns when stop was asked for; polls in flight then end in the scope.
  [[nodiscard]] Task<void> run();

  // All watchers that exist were read once.
  [[nodiscard]] bool synced() const;

  // Wakes run() so that it sees that stopping has begun.
  void wake() { wake_.notify_all(); }

 private:
  class Watch;
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;

  // From the watches.
  void upsert(const json::object& object, std::uint32_t epoch);
  void remove(const std::string& key);
  void remove_unseen(std::string_view ns, std::uint32_t epoch);
  void watchers_known();
  [[nodiscard]] bool is_orphan(const std::string& owner) const;
  void add(const json::object& object, std::string key, std::uint32_t epoch);
  void update(Entry& entry, const json::object& object);
  void run_changed(const std::string& owner);

  // The schedule.
  void poll_at(Entry& entry, MonoTime due);
  void refresh_at(Entry& entry, MonoTime due);
  void requeue(Entry& entry);
  void make_ready(MonoTime now);
  void start_ready();
  void enqueue(const Entry& entry);
  void move_slow(MonoTime now);
  void forget_pace(Entry& entry);
  [[nodiscard]] Task<void> run_entry(EntryPtr entry);
  [[nodiscard]] Task<void> work(Entry& entry);
  void keep_few_plans(Entry& made);
  void plan_next(Entry& entry, const PassResult& result);
  void plan_refresh(Entry& entry, const PassResult& result, bool polled);

  Services& services_;
  kube::Sleeper& sleeper_;
  runtime::TaskScope& watch_scope_;
  runtime::TaskScope& poll_scope_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::unordered_map<std::string, EntryPtr> by_key_;
  std::unordered_map<std::string, EntryPtr> by_owner_;
  std::unordered_map<RowId, EntryPtr> by_id_;
  RowId next_id_ = 1;
  std::deque<RowId> plans_;  // whose rows keep a plan, the one made longest ago first
  runtime::DelayQueue queue_;
  PollAdmission admission_;
  // What runs in other lanes than the slow ones', and since when, the longest first; or has ended.
  std::deque<std::pair<EntryPtr, MonoTime>> not_slow_;
  kube::Signal wake_;
  ApiOutage outage_;
  OrphanRelease orphans_;
};

}  // namespace abo::controllers
