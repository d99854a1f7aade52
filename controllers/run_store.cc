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

std::string_view name_in(std::string_view key) {
  return key.substr(key.find('/', 2) + 1);
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

RunStore::Said RunStore::said_by(const json::object& object, const report::Outcome& outcome) {
  auto ended = outcome.finished_at;
  if (!ended) ended = parse_rfc3339(find_string(object, {"metadata", "creationTimestamp"}));
  return {.ended = ended ? static_cast<std::uint32_t>(ended->time_since_epoch().count()) : 0,
          .phase = outcome.phase,
          .end_known = outcome.finished_at.has_value(),
          .stays = outcome.stays,
          .leaving = find(object, {"metadata", "deletionTimestamp"}) != nullptr};
}

void RunStore::upsert(WatchId watch, const json::object& object, MonoTime now) {
  std::string_view uid = annotation(object, render::watcher_uid_annotation);
  if (uid.empty() || annotation(object, render::trigger_key_annotation).empty()) return;
  std::string key = key_of(watch, find_string(object, {"metadata", "namespace"}),
                           find_string(object, {"metadata", "name"}));
  auto [at, is_new] = runs_.try_emplace(key);
  Run& run = at->second;
  std::uint32_t owner = intern(owner_key(find_string(object, {"metadata", "namespace"}), uid));
  const Watched& watched = watches_[watch];
  report::Outcome outcome = report::outcome_of(object, watched.telling);
  Said said = said_by(object, outcome);
  bool same_place = !is_new && run.owner == owner;
  bool changes = !same_place || run.said.phase != said.phase || run.said.leaving != said.leaving;
  std::string former;
  if (same_place) {
    count(run, -1);
  } else {
    if (!is_new) former = leave(*at);
    join(owner, *at);
  }
  run.said = said;
  run.failure = outcome.failure.empty() ? nullptr : std::make_unique<std::string>(std::move(outcome.failure));
  run.epoch = watched.epoch;
  run.strays = false;
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
  if (!former.empty()) changed(former);
  if (changes) changed(owners_[owner].key);
}

void RunStore::erase(WatchId watch, std::string_view ns, std::string_view name) {
  auto at = runs_.find(key_of(watch, ns, name));
  if (at == runs_.end()) return;
  if (!at->second.held) return forget(at);
  at->second.strays = true;
  changed(owners_[at->second.owner].key);
}

void RunStore::begin_list(WatchId watch) {
  ++watches_[watch].epoch;
}

void RunStore::end_list(WatchId watch) {
  char low = static_cast<char>(watch & 0xFF), high = static_cast<char>(watch >> 8);
  std::uint32_t epoch = watches_[watch].epoch;
  for (auto at = runs_.begin(); at != runs_.end();) {
    auto next = std::next(at);
    bool unseen = at->first[0] == low && at->first[1] == high && at->second.epoch != epoch;
    if (unseen && !at->second.held) {
      forget(at);
    } else if (unseen && !std::exchange(at->second.strays, true)) {
      changed(owners_[at->second.owner].key);
    }
    at = next;
  }
}

void RunStore::recorded(WatchId watch, std::string_view ns, std::string_view name, std::string_view uid) {
  auto at = runs_.find(key_of(watch, ns, name));
  if (at == runs_.end() || !at->second.held || at->second.held->uid != uid) return;
  if (at->second.strays) return forget(at);
  set_held(at->first, at->second, nullptr);
}

void RunStore::release_failed(const HeldRun& run, MonoTime not_before) {
  auto at = runs_.find(key_of(run.watch, run.ns, run.name));
  if (at == runs_.end() || !at->second.held || at->second.held->uid != run.uid) return;
  at->second.held->not_before = not_before;
  ++at->second.held->release_failures;
}

std::vector<SurplusRun> RunStore::surplus(std::string_view owner, HistoryLimits limits,
                                          std::size_t most) const {
  const Owner* found = find_owner(owner);
  if (!found) return {};
  auto beyond = [](std::int32_t limit, std::int64_t count) { return limit >= 0 && count > limit; };
  std::vector<SurplusRun> out;
  if (beyond(limits.succeeded, found->counts.succeeded))
    add_surplus(*found, report::Phase::Succeeded, limits.succeeded, out);
  if (beyond(limits.failed, found->counts.failed))
    add_surplus(*found, report::Phase::Failed, limits.failed, out);
  std::ranges::sort(out, {},
                    [](const SurplusRun& run) { return std::pair(run.ended, std::string_view(run.name)); });
  if (out.size() > most) out.resize(most);
  return out;
}

// What cannot be deleted yet has its place among the oldest all the same: nothing younger goes for it.
void RunStore::add_surplus(const Owner& owner, report::Phase phase, std::int32_t limit,
                           std::vector<SurplusRun>& out) {
  std::vector<const Runs::value_type*> finished;
  for (const Runs::value_type* run : owner.runs) {
    const Said& said = run->second.said;
    if (said.phase == phase && !said.stays && !said.leaving) finished.push_back(run);
  }
  auto kept = static_cast<std::size_t>(limit);
  if (finished.size() <= kept) return;
  auto first_kept = finished.end() - static_cast<std::ptrdiff_t>(kept);
  std::ranges::nth_element(finished, first_kept, {}, [](const auto* run) {
    return std::pair(run->second.said.ended, name_in(run->first));
  });
  for (auto at = finished.begin(); at != first_kept; ++at) {
    if (!(*at)->second.held) out.push_back(surplus_of(**at));
  }
}

SurplusRun RunStore::surplus_of(const Runs::value_type& run) {
  const std::string& key = run.first;
  auto watch =
      static_cast<WatchId>(static_cast<unsigned char>(key[0]) | static_cast<unsigned char>(key[1]) << 8);
  std::string_view name = name_in(key);
  return {.watch = watch,
          .ns = key.substr(2, key.size() - name.size() - 3),
          .name = std::string(name),
          .phase = run.second.said.phase,
          .ended = ServiceTime{std::chrono::seconds{run.second.said.ended}}};
}

void RunStore::leaving(const SurplusRun& run) {
  auto at = runs_.find(key_of(run.watch, run.ns, run.name));
  if (at == runs_.end() || at->second.said.leaving) return;
  count(at->second, -1);
  at->second.said.leaving = true;
  count(at->second, 1);
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
  const Said& said = at->second.said;
  report::Outcome out{.phase = said.phase, .stays = said.stays};
  if (said.end_known) out.finished_at = ServiceTime{std::chrono::seconds{said.ended}};
  if (at->second.failure) out.failure = *at->second.failure;
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

// What is finished and being deleted is on its way out; what works counts for as long as it exists.
void RunStore::count(const Run& run, std::int64_t by) {
  if (run.said.leaving && report::finished(run.said.phase)) return;
  RunCounts& counts = owners_[run.owner].counts;
  switch (run.said.phase) {
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
  std::string owner = leave(*at);
  runs_.erase(at);
  changed(owner);
}

void RunStore::join(std::uint32_t owner, Runs::value_type& run) {
  std::vector<Runs::value_type*>& runs = owners_[owner].runs;
  run.second.owner = owner;
  run.second.place = static_cast<std::uint32_t>(runs.size());
  runs.push_back(&run);
}

// The run is no longer its owner's, whose key it returns; an owner without runs is forgotten.
std::string RunStore::leave(Runs::value_type& run) {
  count(run.second, -1);
  set_held(run.first, run.second, nullptr);
  Owner& owner = owners_[run.second.owner];
  owner.runs.back()->second.place = run.second.place;
  owner.runs[run.second.place] = owner.runs.back();
  owner.runs.pop_back();
  std::string key = owner.key;
  if (owner.runs.empty()) {
    index_of_.erase(key);
    free_.push_back(run.second.owner);
    owner = {};
  }
  return key;
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

void RunStore::changed(const std::string& owner) const {
  if (listener_) listener_(owner);
}

}  // namespace abo::controllers
