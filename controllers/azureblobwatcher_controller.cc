#include "controllers/azureblobwatcher_controller.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <optional>

#include "controllers/held_runs.h"
#include "kube/list.h"
#include "kube/resource.h"

namespace abo::controllers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view poll_now_annotation = "mlops.example.com/poll-now";
constexpr seconds default_interval{60};
constexpr double interval_jitter = 0.05;
constexpr milliseconds first_backoff{1000};
constexpr milliseconds again_delay{100};
constexpr milliseconds refresh_delay{200};  // lets several changes of one moment go into one write
constexpr seconds refresh_distance{1};      // between two writes of one watcher's status
constexpr milliseconds room_distance{250};  // between two polls of a watcher that waits for room
constexpr seconds probe_distance{1};
// A watcher whose owner has to mend something is looked at this often at least, so that it heals soon after.
constexpr seconds longest_stall{60};
constexpr MonoTime never = MonoTime::max();

// A poll that took long is not begun again at once, however eager the reason: listing costs CPU here and money there.
milliseconds breather(milliseconds duration) {
  return std::max(room_distance, 4 * duration);
}

std::string text_of(const json::object& object, std::initializer_list<std::string_view> path) {
  return std::string(find_string(object, path));
}

std::string spec_text(const json::object& object) {
  const json::value* spec = object.if_contains("spec");
  return spec ? json::serialize(*spec) : "null";
}

// What a row shares its lanes with until its first poll has found out: the account, or the Secret that names it.
std::string account_of(const json::object& object) {
  std::string account = text_of(object, {"spec", "storageAccount"});
  if (account.empty()) {
    account =
        text_of(object, {"metadata", "namespace"}) + "/" + text_of(object, {"spec", "credentialsSecret"});
  }
  return account + "@" + text_of(object, {"spec", "endpoint"});
}

bool stored_checkpoint_differs(const json::object& object, const checkpoint::Checkpoint& known) {
  const json::value* stored = find(object, {"status", "checkpoint"});
  return !stored || *stored != json::value(checkpoint::to_json(known));
}

}  // namespace

struct WatcherController::Entry {
  RowId id = 0;
  WatcherRow row;
  std::uint8_t epoch = 0;        // of the list that last showed it
  bool queued = false;           // waits in the admission
  bool queued_for_poll = false;  // or only to refresh its status
  bool running = false;
  MonoTime poll_due = never;
  MonoTime refresh_due = never;
  bool waits_for_room = false;
  std::int64_t active_when_full = 0;  // of its resources, when there was no room for more
  milliseconds last_duration{0};
};

// The watchers of one namespace, or of all.
class WatcherController::Watch final : public kube::ReflectorHandler {
 public:
  Watch(WatcherController& controller, std::string ns)
      : controller_(controller),
        ns_(std::move(ns)),
        reflector_(
            controller.services_.kube, *this,
            {.path = kube::resources::watchers().path(ns_),
             .on_restart = [&telemetry = controller.services_.telemetry] { telemetry.watch_restarted(); }},
            controller.services_.clock, controller.sleeper_, controller.services_.random) {}

  [[nodiscard]] Task<void> run() { return reflector_.run(); }
  [[nodiscard]] bool synced() const { return synced_; }

  void on_list_begin() override { ++epoch_; }
  void on_object(json::object&& object, kube::Change change) override {
    if (change == kube::Change::Deleted || find(object, {"metadata", "deletionTimestamp"})) {
      controller_.remove(text_of(object, {"metadata", "namespace"}) + "/" +
                         text_of(object, {"metadata", "name"}));
    } else {
      controller_.upsert(object, epoch_);
    }
  }
  void on_list_end() override {
    controller_.remove_unseen(ns_, epoch_);
    synced_ = true;
    controller_.look_for_orphans();
    controller_.wake();
  }
  void on_error(const Error& error) override {
    controller_.services_.telemetry.watch_failed("azureblobwatchers", error);
  }

 private:
  WatcherController& controller_;
  std::string ns_;
  std::uint8_t epoch_ = 0;
  bool synced_ = false;
  kube::Reflector reflector_;
};

WatcherController::WatcherController(Services& services, kube::Sleeper& sleeper,
                                     runtime::TaskScope& watch_scope, runtime::TaskScope& poll_scope)
    : services_(services),
      sleeper_(sleeper),
      watch_scope_(watch_scope),
      poll_scope_(poll_scope),
      admission_({.in_all = services.settings.max_concurrent_polls}) {
  services_.runs.store().on_change([this](const std::string& owner) { run_changed(owner); });
}

WatcherController::~WatcherController() {
  services_.runs.store().on_change({});
}

void WatcherController::watch() {
  std::vector<std::string> namespaces = services_.settings.namespaces;
  if (namespaces.empty()) namespaces.emplace_back();
  for (std::string& ns : namespaces) {
    watches_.push_back(std::make_unique<Watch>(*this, std::move(ns)));
    watch_scope_.spawn(watches_.back()->run());
  }
}

bool WatcherController::synced() const {
  return !watches_.empty() &&
         std::ranges::all_of(watches_, [](const auto& watch) { return watch->synced(); });
}

// ---- from the watches ----

void WatcherController::upsert(const json::object& object, std::uint8_t epoch) {
  std::string key = text_of(object, {"metadata", "namespace"}) + "/" + text_of(object, {"metadata", "name"});
  auto at = by_key_.find(key);
  if (at != by_key_.end() && at->second->row.uid != find_string(object, {"metadata", "uid"})) {
    remove(key);
    at = by_key_.end();
  }
  if (at == by_key_.end()) {
    add(object, std::move(key), epoch);
  } else {
    at->second->epoch = epoch;
    update(*at->second, object);
  }
}

void WatcherController::add(const json::object& object, std::string key, std::uint8_t epoch) {
  auto entry = std::make_shared<Entry>();
  entry->id = next_id_++;
  entry->epoch = epoch;
  WatcherRow& row = entry->row;
  row.ns = text_of(object, {"metadata", "namespace"});
  row.name = text_of(object, {"metadata", "name"});
  row.uid = text_of(object, {"metadata", "uid"});
  row.generation = find_int(object, {"metadata", "generation"}).value_or(0);
  row.spec = spec_text(object);
  row.suspended = find_bool(object, {"spec", "suspend"});
  row.poll_now = text_of(object, {"metadata", "annotations", poll_now_annotation});
  row.account = account_of(object);
  by_owner_[row.owner()] = entry;
  by_id_[entry->id] = entry;
  Entry& added = *entry;
  by_key_.emplace(std::move(key), std::move(entry));
  poll_at(added, services_.clock.mono());
}

void WatcherController::update(Entry& entry, const json::object& object) {
  WatcherRow& row = entry.row;
  std::int64_t generation = find_int(object, {"metadata", "generation"}).value_or(0);
  std::string poll_now = text_of(object, {"metadata", "annotations", poll_now_annotation});
  bool changed = generation != row.generation || poll_now != row.poll_now;
  if (generation != row.generation) {
    row.generation = generation;
    row.spec = spec_text(object);
    row.suspended = find_bool(object, {"spec", "suspend"});
    row.account = account_of(object);
    row.failures = 0;
  }
  row.poll_now = std::move(poll_now);
  if (!entry.running && row.checkpoint && stored_checkpoint_differs(object, *row.checkpoint))
    row.checkpoint.reset();
  if (changed) poll_at(entry, services_.clock.mono());
}

void WatcherController::remove(const std::string& key) {
  auto at = by_key_.find(key);
  if (at == by_key_.end()) return;
  EntryPtr entry = at->second;
  entry->row.gone = true;
  queue_.erase(entry->id);
  by_id_.erase(entry->id);
  by_owner_.erase(entry->row.owner());
  by_key_.erase(at);
  services_.telemetry.forget(entry->row);
  look_for_orphans();
}

void WatcherController::remove_unseen(std::string_view ns, std::uint8_t epoch) {
  std::vector<std::string> unseen;
  for (const auto& [key, entry] : by_key_) {
    bool ours = ns.empty() || entry->row.ns == ns;
    if (ours && entry->epoch != epoch) unseen.push_back(key);
  }
  for (const std::string& key : unseen) remove(key);
}

void WatcherController::run_changed(const std::string& owner) {
  auto at = by_owner_.find(owner);
  if (at == by_owner_.end()) return look_for_orphans();
  Entry& entry = *at->second;
  ++entry.row.runs_revision;
  MonoTime now = services_.clock.mono();
  bool room = entry.waits_for_room && services_.runs.store().counts(owner).active < entry.active_when_full;
  if (room) return poll_at(entry, std::max(now, entry.row.reported + breather(entry.last_duration)));
  MonoTime last = std::max(entry.row.reported, entry.row.refreshed);
  refresh_at(entry, std::max(now + refresh_delay, last + refresh_distance));
}

// ---- the schedule ----

void WatcherController::poll_at(Entry& entry, MonoTime due) {
  entry.poll_due = std::min(entry.poll_due, due);
  requeue(entry);
}

void WatcherController::refresh_at(Entry& entry, MonoTime due) {
  entry.refresh_due = std::min(entry.refresh_due, due);
  requeue(entry);
}

// What is due while the row runs or waits its turn is looked at when it ends.
void WatcherController::requeue(Entry& entry) {
  if (entry.running || entry.queued || entry.row.gone) return;
  MonoTime due = std::min(entry.poll_due, entry.refresh_due);
  if (due == never) return;
  bool first = due < queue_.next_due().value_or(never);
  queue_.reschedule(entry.id, due);
  if (first) wake_.notify_all();
}

Task<void> WatcherController::run() {
  polling_ = true;
  look_for_orphans();
  while (!services_.stopping()) {
    MonoTime now = services_.clock.mono();
    make_ready(now);
    start_ready();
    milliseconds pause = seconds{60};
    if (auto due = queue_.next_due()) pause = std::min(pause, std::chrono::ceil<milliseconds>(*due - now));
    if (api_in_doubt_ && next_probe_ > now) {
      pause = std::min(pause, std::chrono::ceil<milliseconds>(next_probe_ - now));
    }
    // Always a turn of the loop: what ends a poll must run for anything here to change.
    co_await wake_.wait(std::max(pause, milliseconds{1}));
  }
}

void WatcherController::make_ready(MonoTime now) {
  while (auto id = queue_.pop_due(now)) {
    auto at = by_id_.find(static_cast<RowId>(*id));
    if (at == by_id_.end()) continue;
    Entry& entry = *at->second;
    entry.queued = true;
    entry.queued_for_poll = entry.poll_due <= now;
    admission_.enqueue(entry.id, entry.queued_for_poll ? std::string_view(entry.row.account) : "refresh");
  }
}

void WatcherController::start_ready() {
  for (;;) {
    MonoTime now = services_.clock.mono();
    if (api_in_doubt_ && now < next_probe_) return;
    auto admitted = admission_.next();
    if (!admitted) return;
    auto at = by_id_.find(admitted->row);
    if (at == by_id_.end()) {  // deleted while it waited
      admission_.finished(*admitted);
      continue;
    }
    if (api_in_doubt_) next_probe_ = now + probe_distance;
    EntryPtr entry = at->second;
    entry->queued = false;
    entry->running = true;
    poll_scope_.spawn(run_entry(entry, std::move(*admitted)));
  }
}

Task<void> WatcherController::run_entry(EntryPtr entry, PollAdmission::Admitted admitted) {
  std::optional<std::string> bug;
  try {
    co_await work(*entry);
  } catch (const boost::system::system_error& stopped) {
    if (stopped.code() != boost::asio::error::operation_aborted) bug = stopped.what();
  } catch (const std::exception& thrown) {
    bug = thrown.what();
  }
  if (bug) {  // one broken watcher harms only itself
    services_.telemetry.bug(*bug);
    poll_at(*entry, services_.clock.mono() + default_interval);
  }
  entry->running = false;
  admission_.finished(admitted);
  requeue(*entry);
  if (entry->row.gone) look_for_orphans();
  wake_.notify_all();
}

Task<void> WatcherController::work(Entry& entry) {
  MonoTime started = services_.clock.mono();
  entry.refresh_due = never;
  PassResult result;
  if (entry.queued_for_poll) {
    entry.poll_due = never;
    entry.waits_for_room = false;
    result = co_await run_blob_pass(services_, entry.row);
    plan_next(entry, result, started);
  } else {
    result = co_await refresh_status(services_, entry.row);
  }
  if (result.release_due) refresh_at(entry, *result.release_due);
}

void WatcherController::plan_next(Entry& entry, const PassResult& result, MonoTime started) {
  WatcherRow& row = entry.row;
  MonoTime now = services_.clock.mono();
  entry.last_duration = result.duration;
  api_in_doubt_ = result.api_down;
  if (row.gone || (row.suspended && !result.failed && !result.again)) return;

  auto interval = interval_of(entry);
  double spread = 1 + interval_jitter * (2 * services_.random() - 1);
  MonoTime regular = started + std::chrono::duration_cast<std::chrono::nanoseconds>(interval * spread);
  regular = std::max(regular, now + breather(result.duration));
  if (result.retry_after) regular = std::max(regular, now + *result.retry_after);
  poll_at(entry, regular);
  bool stalled = result.failed && result.verdict.health == report::Health::Stalled;
  if (stalled && interval > longest_stall) poll_at(entry, now + longest_stall);
  bool repeats = result.failed || result.again;
  row.failures = repeats ? row.failures + 1 : 0;
  if (repeats && !stalled) {
    milliseconds base = result.again ? again_delay : first_backoff;
    milliseconds backoff = base * (1LL << std::min(row.failures - 1, 8U));
    milliseconds jittered{
        static_cast<std::int64_t>(static_cast<double>(backoff.count()) * (0.5 + services_.random() / 2))};
    if (result.retry_after) jittered = std::max(jittered, *result.retry_after);
    if (jittered < interval) poll_at(entry, now + jittered);
  } else if (!repeats && result.wish) {
    poll_at(entry, now + std::max(*result.wish, breather(result.duration)));
  }
  switch (result.more) {
    case More::None:
      break;
    case More::Now:
      poll_at(entry, now + breather(result.duration));
      break;
    case More::WhenThereIsRoom:
      entry.waits_for_room = true;
      entry.active_when_full = result.active;
      if (services_.runs.store().counts(row.owner()).active < result.active)
        poll_at(entry, now + breather(result.duration));
      break;
  }
}

std::chrono::nanoseconds WatcherController::interval_of(const Entry& entry) const {
  auto spec = parse_json(entry.row.spec);
  const json::object* fields = spec ? spec->if_object() : nullptr;
  auto value = fields ? find_int(*fields, {"pollingIntervalSeconds"}) : std::nullopt;
  if (!value || *value < 1 || *value > 86400) return default_interval;
  return seconds{*value};
}

// ---- finalizers of watchers that are no more ----

void WatcherController::look_for_orphans() {
  if (!polling_ || releasing_orphans_ || !synced() || services_.stopping()) return;
  auto is_orphan = [&](const std::string& owner) { return !by_owner_.contains(owner); };
  if (std::ranges::none_of(services_.runs.store().owners_with_held(), is_orphan)) return;
  releasing_orphans_ = true;
  poll_scope_.spawn(release_orphans());
}

// Nothing is recorded for them: without its watcher a checkpoint has no meaning. A pass that was under way may still
// add some; its end looks again. What does not go is tried again, ever more slowly.
Task<void> WatcherController::release_orphans() {
  milliseconds pause = first_backoff;
  for (bool found = true; found && !services_.stopping();) {
    found = false;
    for (const std::string& owner : services_.runs.store().owners_with_held()) {
      if (by_owner_.contains(owner)) continue;
      found = true;
      auto held = services_.runs.store().held(owner);
      if (held.empty() || co_await exists(held.front().ns, owner)) continue;
      co_await release(services_, std::move(held));
    }
    if (found) co_await services_.stop_signal.wait(pause);
    pause = std::min<milliseconds>(2 * pause, longest_stall);
  }
  releasing_orphans_ = false;
}

// Asked with a quorum: the watch may not have told of a watcher that a predecessor already worked for.
Task<bool> WatcherController::exists(std::string ns, std::string owner) {
  bool seen = false;
  auto listed = co_await kube::list(services_.kube, kube::resources::watchers().path(ns),
                                    {.metadata_only = true}, [&](json::object&& object) {
                                      bool going = find(object, {"metadata", "deletionTimestamp"}) != nullptr;
                                      auto key = owner_key(ns, find_string(object, {"metadata", "uid"}));
                                      seen = seen || (key == owner && !going);
                                      return Result<void>{};
                                    });
  bool namespace_gone = !listed && listed.error().kind == ErrorKind::NotFound;
  co_return seen || (!listed && !namespace_gone);
}

}  // namespace abo::controllers
