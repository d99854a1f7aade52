#include "controllers/azureblobwatcher_controller.h"

#include <algorithm>
#include <optional>

#include "controllers/poll_schedule.h"
#include "controllers/replay_request.h"
#include "kube/resource.h"

namespace abo::controllers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view poll_now_annotation = "mlops.example.com/poll-now";
constexpr seconds default_interval{60};
constexpr std::size_t max_plans = 32;       // compiled and kept
constexpr milliseconds refresh_delay{200};  // lets several changes of one moment go into one write
constexpr seconds refresh_distance{1};      // between two writes of one watcher's status
// A resource that is not served for this long was uninstalled, and all watchers went with it. An API server that is
// just starting may say the same for a moment.
constexpr seconds uninstalled_after{30};
// A poll of a small container takes milliseconds; one that takes so long makes room for the others.
constexpr seconds slow_after{5};
constexpr MonoTime never = MonoTime::max();

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

seconds interval_of(const json::object& object) {
  auto value = find_int(object, {"spec", "pollingIntervalSeconds"});
  if (!value || *value < 1 || *value > 86400) return default_interval;
  return seconds{*value};
}

std::int32_t limit_in(const json::object& object, std::string_view field) {
  constexpr std::int64_t most = 1'000'000;
  auto value = find_int(object, {"spec", field});
  if (!value || *value < 0) return HistoryLimits::keep_all;
  return static_cast<std::int32_t>(std::min(*value, most));
}

void take_spec(WatcherRow& row, const json::object& object) {
  row.generation = find_int(object, {"metadata", "generation"}).value_or(0);
  row.spec = spec_text(object);
  row.interval = interval_of(object);
  row.suspended = find_bool(object, {"spec", "suspend"});
  row.account = account_of(object);
  row.plan.reset();
  row.history.limits = {.succeeded = limit_in(object, "successfulHistoryLimit"),
                        .failed = limit_in(object, "failedHistoryLimit")};
  row.history.not_before = {};  // what kept it from deleting may be mended
}

bool stored_checkpoint_differs(const json::object& object, const checkpoint::Checkpoint& known) {
  const json::value* stored = find(object, {"status", "checkpoint"});
  return !stored || *stored != json::value(checkpoint::to_json(known));
}

}  // namespace

struct WatcherController::Entry {
  RowId id = 0;
  WatcherRow row;
  std::uint32_t epoch = 0;       // of the list that last showed it
  bool queued = false;           // waits in the admission
  bool queued_for_poll = false;  // or only to refresh its status
  bool running = false;
  Pace pace = Pace::Unknown;     // of the last poll of this spec
  PollAdmission::Admitted lane;  // while it runs
  MonoTime started{};            // the newest run
  MonoTime poll_due = never;
  MonoTime refresh_due = never;
  std::uint32_t refresh_failures = 0;  // in a row
  bool waits_for_room = false;
  std::int64_t active_when_full = 0;  // of its resources, when there was no room for more
  milliseconds last_listing{0};
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
  // Every watcher that is in the namespace was told: also when the resource is gone, and all watchers with it.
  [[nodiscard]] bool knows_all_in(std::string_view ns) const {
    return (ns_.empty() || ns_ == ns) && (synced_ || uninstalled_);
  }

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
    missing_since_.reset();
    controller_.watchers_known();
  }
  void on_error(const Error& error) override {
    note_missing(error);
    controller_.services_.telemetry.watch_failed("azureblobwatchers", error);
  }

 private:
  void note_missing(const Error& error) {
    if (error.kind != ErrorKind::NotFound) return missing_since_.reset();
    MonoTime now = controller_.services_.clock.mono();
    if (!missing_since_) missing_since_ = now;
    if (now - *missing_since_ < uninstalled_after) return;
    uninstalled_ = true;
    controller_.remove_unseen(ns_, ++epoch_);
    controller_.watchers_known();
  }

  WatcherController& controller_;
  std::string ns_;
  std::uint32_t epoch_ = 0;
  bool synced_ = false;
  std::optional<MonoTime> missing_since_;  // since when every list said that the resource is not served
  bool uninstalled_ = false;
  kube::Reflector reflector_;
};

WatcherController::WatcherController(Services& services, kube::Sleeper& sleeper,
                                     runtime::TaskScope& watch_scope, runtime::TaskScope& poll_scope)
    : services_(services),
      sleeper_(sleeper),
      watch_scope_(watch_scope),
      poll_scope_(poll_scope),
      admission_({.in_all = services.settings.max_concurrent_polls}),
      outage_(services, sleeper, poll_scope,
              [this] {
                orphans_.look();
                wake();
              }),
      orphans_(services, sleeper, outage_, [this](const std::string& owner) { return is_orphan(owner); }) {
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

void WatcherController::upsert(const json::object& object, std::uint32_t epoch) {
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

void WatcherController::add(const json::object& object, std::string key, std::uint32_t epoch) {
  auto entry = std::make_shared<Entry>();
  entry->id = next_id_++;
  entry->epoch = epoch;
  WatcherRow& row = entry->row;
  row.ns = text_of(object, {"metadata", "namespace"});
  row.name = text_of(object, {"metadata", "name"});
  row.uid = text_of(object, {"metadata", "uid"});
  row.poll_now = text_of(object, {"metadata", "annotations", poll_now_annotation});
  row.take_wish(replay_wish(object));
  take_spec(row, object);
  services_.telemetry.know(row);
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
  bool replays = row.take_wish(replay_wish(object));
  bool changed = generation != row.generation || poll_now != row.poll_now || replays;
  if (generation != row.generation) {
    take_spec(row, object);
    row.failures = 0;
    row.abandon_listing();
    forget_pace(entry);
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
  entry->row.abandon_listing();
  queue_.erase(entry->id);
  by_id_.erase(entry->id);
  by_owner_.erase(entry->row.owner());
  by_key_.erase(at);
  services_.telemetry.forget(entry->row);
  orphans_.look();
}

void WatcherController::remove_unseen(std::string_view ns, std::uint32_t epoch) {
  std::vector<std::string> unseen;
  for (const auto& [key, entry] : by_key_) {
    bool ours = ns.empty() || entry->row.ns == ns;
    if (ours && entry->epoch != epoch) unseen.push_back(key);
  }
  for (const std::string& key : unseen) remove(key);
}

void WatcherController::watchers_known() {
  wake();
  orphans_.look();
}

// Only where all watchers are known can it be told which resources are nobody's. A namespace whose watchers cannot be
// listed, since a right is missing or it went, keeps no other waiting.
bool WatcherController::is_orphan(const std::string& owner) const {
  std::string_view ns = std::string_view(owner).substr(0, owner.find('/'));
  bool known = std::ranges::any_of(watches_, [&](const auto& watch) { return watch->knows_all_in(ns); });
  return known && !by_owner_.contains(owner);
}

void WatcherController::run_changed(const std::string& owner) {
  auto at = by_owner_.find(owner);
  if (at == by_owner_.end()) return orphans_.look();
  Entry& entry = *at->second;
  ++entry.row.runs_revision;
  MonoTime now = services_.clock.mono();
  bool room = entry.waits_for_room && services_.runs.store().counts(owner).active < entry.active_when_full;
  if (room) return poll_at(entry, std::max(now, entry.row.reported + breather(entry.last_listing)));
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
  poll_scope_.spawn(orphans_.run());
  while (!services_.stopping()) {
    MonoTime now = services_.clock.mono();
    move_slow(now);
    make_ready(now);
    start_ready();
    milliseconds pause = seconds{60};
    if (auto due = queue_.next_due()) pause = std::min(pause, std::chrono::ceil<milliseconds>(*due - now));
    // Always a turn of the loop: what ends a poll must run for anything here to change.
    if (!not_slow_.empty())
      pause = std::min(pause, std::chrono::ceil<milliseconds>(not_slow_.front().second + slow_after - now));
    co_await kube::until(wake_, sleeper_.sleep(std::max(pause, milliseconds{1})));
  }
  orphans_.look();  // it ends too
}

void WatcherController::make_ready(MonoTime now) {
  while (auto id = queue_.pop_due(now)) {
    auto at = by_id_.find(static_cast<RowId>(*id));
    if (at == by_id_.end()) continue;
    Entry& entry = *at->second;
    entry.queued = true;
    entry.queued_for_poll = entry.poll_due <= now;
    enqueue(entry);
  }
}

void WatcherController::enqueue(const Entry& entry) {
  if (!entry.queued_for_poll) return admission_.enqueue(entry.id, "refresh@" + entry.row.ns, Pace::Quick);
  admission_.enqueue(entry.id, entry.row.account, entry.pace);
}

// What takes long goes over to the lanes of the slow. Where there are too many such, a listing ends and waits for one of
// these lanes; what has begun to create is not broken off.
void WatcherController::move_slow(MonoTime now) {
  for (; !not_slow_.empty(); not_slow_.pop_front()) {
    const auto& [entry, started] = not_slow_.front();
    if (!entry->running || entry->started != started) continue;  // ended
    if (now - started < slow_after) return;
    std::string account = entry->queued_for_poll ? entry->row.account : entry->lane.account;
    entry->row.crowded_out = !admission_.turned_slow(entry->lane, account);
    if (entry->row.crowded_out) entry->row.abandon_listing();
  }
}

// With another spec it may be quick.
void WatcherController::forget_pace(Entry& entry) {
  bool waits = entry.queued && entry.queued_for_poll && entry.pace != Pace::Unknown;
  entry.pace = Pace::Unknown;
  if (!waits) return;
  admission_.withdraw(entry.id);
  enqueue(entry);
  wake_.notify_all();
}

void WatcherController::start_ready() {
  while (!outage_.lasts()) {
    auto admitted = admission_.next();
    if (!admitted) return;
    auto at = by_id_.find(admitted->row);
    if (at == by_id_.end()) {  // deleted while it waited
      admission_.finished(*admitted);
      continue;
    }
    EntryPtr entry = at->second;
    if (!entry->queued_for_poll && entry->poll_due <= services_.clock.mono()) {  // since it was queued
      entry->queued_for_poll = true;
      admission_.finished(*admitted);
      enqueue(*entry);
      continue;
    }
    entry->queued = false;
    entry->running = true;
    entry->started = services_.clock.mono();
    entry->lane = std::move(*admitted);
    entry->row.crowded_out = false;
    if (entry->lane.pace != Pace::Slow) not_slow_.emplace_back(entry, entry->started);
    poll_scope_.spawn(run_entry(entry));
  }
}

Task<void> WatcherController::run_entry(EntryPtr entry) {
  std::optional<std::string> bug;
  try {
    co_await work(*entry);
  } catch (const std::exception& thrown) {
    bug = thrown.what();
  }
  if (bug && !poll_scope_.cancelled()) {  // one broken watcher harms only itself
    services_.telemetry.bug(*bug);
    poll_at(*entry, services_.clock.mono() + default_interval);
  }
  entry->running = false;
  admission_.finished(entry->lane);
  requeue(*entry);
  if (entry->row.gone) orphans_.look();
  wake_.notify_all();
}

Task<void> WatcherController::work(Entry& entry) {
  entry.refresh_due = never;
  PassResult result;
  bool polls = entry.queued_for_poll;
  if (polls) {
    entry.poll_due = never;
    entry.waits_for_room = false;
    std::int64_t generation = entry.row.generation;
    bool had_plan = entry.row.plan != nullptr;
    result = co_await run_blob_pass(services_, entry.row);
    if (entry.row.plan && !had_plan) keep_few_plans(entry);
    // By what Azure takes: who creates for long, or waits for the API server, hangs on no account.
    bool failed_late =
        result.failed && !result.api_down && services_.clock.mono() - entry.started >= slow_after;
    bool broken_off = result.again && entry.row.crowded_out;
    bool slow = result.listing >= slow_after || failed_late || broken_off;
    if (entry.row.generation == generation) entry.pace = slow ? Pace::Slow : Pace::Quick;
    plan_next(entry, result);
  } else {
    result = co_await refresh_status(services_, entry.row);
    bool may_poll = entry.row.failures == 0 && !entry.row.suspended;
    if (result.warning_changed && may_poll) poll_at(entry, services_.clock.mono());
  }
  if (result.api_down) outage_.suspect();
  plan_refresh(entry, result, polls);
}

// A kept plan's patterns may have grown to megabytes, so the plan that was made longest ago goes.
void WatcherController::keep_few_plans(Entry& made) {
  plans_.push_back(made.id);
  if (plans_.size() <= max_plans) return;
  auto oldest = by_id_.find(plans_.front());
  if (oldest != by_id_.end() && oldest->second.get() != &made) oldest->second->row.plan.reset();
  plans_.pop_front();
}

void WatcherController::plan_next(Entry& entry, const PassResult& result) {
  WatcherRow& row = entry.row;
  entry.last_listing = result.listing;
  bool repeats = result.failed || result.again || result.unreported;
  row.failures = repeats ? row.failures + 1 : 0;
  if (row.gone || (row.suspended && !repeats)) return;
  MonoTime now = services_.clock.mono();
  PollTimes times{.started = entry.started, .now = now, .interval = row.interval, .failures = row.failures};
  poll_at(entry, next_poll(result, times, services_.random));
  if (result.more != More::WhenThereIsRoom) return;
  entry.waits_for_room = true;
  entry.active_when_full = result.active;
  bool room = services_.runs.store().counts(row.owner()).active < result.active;
  if (room) poll_at(entry, now + breather(result.listing));
}

// A refresh follows when finalizers can go later, when more is to be deleted, or when this one failed.
void WatcherController::plan_refresh(Entry& entry, const PassResult& result, bool polled) {
  bool failed = !polled && result.unreported;
  if (!polled) entry.refresh_failures = failed ? entry.refresh_failures + 1 : 0;
  if (failed) {
    MonoTime now = services_.clock.mono();
    refresh_at(entry, next_try(result, now, entry.refresh_failures, services_.random()));
    return;
  }
  if (result.release_due) refresh_at(entry, *result.release_due);
  if (result.history_due) refresh_at(entry, *result.history_due);
}

}  // namespace abo::controllers
