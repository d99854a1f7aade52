#include "controllers/run_store.h"

#include <algorithm>

#include "render/object_names.h"

namespace abo::controllers {
namespace {

std::string key_of(WatchId watch, std::string_view ns, std::string_view name) {
  std::string key;
  key.reserve(2 + ns.size() + 1 + name.size());
  key += static_cast<char>(watch & 0xFF);
  key += static_cast<char>(watch >> 8);
  key += ns;
  key += '/';
  key += name;
  return key;
}

std::string_view annotation(const json::object& object, std::string_view name) {
  return find_string(object, {"metadata", "annotations", name});
}

std::unique_ptr<HeldRun> held_of(WatchId watch, const json::object& object) {
  if (!recording_finalizer_index(object)) return nullptr;
  auto held = std::make_unique<HeldRun>();
  held->watch = watch;
  held->ns = find_string(object, {"metadata", "namespace"});
  held->name = find_string(object, {"metadata", "name"});
  held->uid = find_string(object, {"metadata", "uid"});
  held->trigger_key = annotation(object, render::trigger_key_annotation);
  held->blob.name = annotation(object, render::blob_name_annotation);
  held->blob.etag = annotation(object, render::blob_etag_annotation);
  held->blob.last_modified =
      parse_rfc3339(annotation(object, render::blob_last_modified_annotation)).value_or(ServiceTime{});
  return held;
}

}  // namespace

std::optional<std::size_t> recording_finalizer_index(const json::object& object) {
  const json::array* finalizers = find_array(object, {"metadata", "finalizers"});
  if (!finalizers) return std::nullopt;
  for (std::size_t i = 0; i < finalizers->size(); ++i) {
    const json::string* text = (*finalizers)[i].if_string();
    if (text && std::string_view(*text) == render::recording_finalizer) return i;
  }
  return std::nullopt;
}

void RunStore::upsert(WatchId watch, const json::object& object, MonoTime now) {
  std::string_view uid = annotation(object, render::watcher_uid_annotation);
  if (uid.empty() || annotation(object, render::trigger_key_annotation).empty()) return;
  std::string key = key_of(watch, find_string(object, {"metadata", "namespace"}),
                           find_string(object, {"metadata", "name"}));
  auto [at, is_new] = runs_.try_emplace(key);
  Run& run = at->second;
  std::uint32_t owner = intern(owner_key(find_string(object, {"metadata", "namespace"}), uid));
  report::Outcome outcome = report::outcome_of(object);
  bool same_place = !is_new && run.owner == owner;
  bool changes = !same_place || run.phase != outcome.phase;
  if (same_place) {
    count(run, -1);
  } else {
    ++owners_[owner].runs;
    if (!is_new) leave(key, run);
  }
  run.owner = owner;
  run.phase = outcome.phase;
  run.finished_at =
      outcome.finished_at ? static_cast<std::uint32_t>(outcome.finished_at->time_since_epoch().count()) : 0;
  run.epoch = epochs_[watch];
  count(run, 1);
  auto held = held_of(watch, object);
  if (held && run.held && run.held->uid == held->uid) {
    held->seen = run.held->seen;
    held->not_before = run.held->not_before;
    held->release_failures = run.held->release_failures;
  } else if (held) {
    held->seen = now;
  }
  set_held(key, run, std::move(held));
  if (changes) changed(owner);
}

void RunStore::erase(WatchId watch, std::string_view ns, std::string_view name) {
  auto at = runs_.find(key_of(watch, ns, name));
  if (at != runs_.end()) forget(at);
}

void RunStore::begin_list(WatchId watch) {
  ++epochs_[watch];
}

void RunStore::end_list(WatchId watch) {
  char low = static_cast<char>(watch & 0xFF), high = static_cast<char>(watch >> 8);
  std::uint32_t epoch = epochs_[watch];
  for (auto at = runs_.begin(); at != runs_.end();) {
    auto next = std::next(at);
    if (at->first[0] == low && at->first[1] == high && at->second.epoch != epoch) forget(at);
    at = next;
  }
}

void RunStore::recorded(WatchId watch, std::string_view ns, std::string_view name, std::string_view uid) {
  auto at = runs_.find(key_of(watch, ns, name));
  if (at == runs_.end() || !at->second.held || at->second.held->uid != uid) return;
  set_held(at->first, at->second, nullptr);
}

void RunStore::release_failed(const HeldRun& run, MonoTime not_before) {
  auto at = runs_.find(key_of(run.watch, run.ns, run.name));
  if (at == runs_.end() || !at->second.held || at->second.held->uid != run.uid) return;
  at->second.held->not_before = not_before;
  ++at->second.held->release_failures;
}

RunCounts RunStore::counts(std::string_view owner) const {
  const Owner* found = find_owner(owner);
  return found ? found->counts : RunCounts{};
}

std::vector<HeldRun> RunStore::held(std::string_view owner) const {
  std::vector<HeldRun> out;
  if (const Owner* found = find_owner(owner)) {
    for (const std::string& key : found->held) out.push_back(*runs_.at(key).held);
  }
  return out;
}

std::size_t RunStore::held_count(std::string_view owner) const {
  const Owner* found = find_owner(owner);
  return found ? found->held.size() : 0;
}

std::vector<std::string> RunStore::owners_with_held() const {
  std::vector<std::string> out;
  for (const Owner& owner : owners_) {
    if (!owner.held.empty()) out.push_back(owner.key);
  }
  return out;
}

std::optional<report::Outcome> RunStore::outcome(WatchId watch, std::string_view ns,
                                                 std::string_view name) const {
  auto at = runs_.find(key_of(watch, ns, name));
  if (at == runs_.end()) return std::nullopt;
  const Run& run = at->second;
  report::Outcome out{run.phase, std::nullopt};
  if (run.finished_at != 0) out.finished_at = ServiceTime{std::chrono::seconds{run.finished_at}};
  return out;
}

std::uint32_t RunStore::intern(std::string key) {
  auto [at, is_new] = index_of_.try_emplace(key, static_cast<std::uint32_t>(owners_.size()));
  if (!is_new) return at->second;
  if (free_.empty()) {
    owners_.emplace_back();
  } else {
    at->second = free_.back();
    free_.pop_back();
  }
  owners_[at->second].key = std::move(key);
  return at->second;
}

const RunStore::Owner* RunStore::find_owner(std::string_view key) const {
  auto at = index_of_.find(std::string(key));
  return at == index_of_.end() ? nullptr : &owners_[at->second];
}

void RunStore::count(const Run& run, std::int64_t by) {
  RunCounts& counts = owners_[run.owner].counts;
  switch (run.phase) {
    case report::Phase::Pending:
    case report::Phase::Running:
      counts.active += by;
      break;
    case report::Phase::Succeeded:
      counts.succeeded += by;
      break;
    case report::Phase::Failed:
      counts.failed += by;
      break;
  }
}

void RunStore::forget(Runs::iterator at) {
  Run run = std::move(at->second);
  std::string key = at->first;
  runs_.erase(at);
  leave(key, run);
}

// The run is no longer its owner's; an owner without runs is forgotten.
void RunStore::leave(const std::string& key, Run& run) {
  count(run, -1);
  set_held(key, run, nullptr);
  Owner& owner = owners_[run.owner];
  std::string name = owner.key;
  if (--owner.runs == 0) {
    index_of_.erase(name);
    free_.push_back(run.owner);
    owner = {};
  }
  if (listener_) listener_(name);
}

void RunStore::set_held(const std::string& key, Run& run, std::unique_ptr<HeldRun> held) {
  auto& keys = owners_[run.owner].held;
  if (held) {
    keys.insert(key);
  } else {
    keys.erase(key);
  }
  run.held = std::move(held);
}

void RunStore::changed(std::uint32_t owner) const {
  if (listener_) listener_(owners_[owner].key);
}

}  // namespace abo::controllers
