#include "tests/model/world.h"

#include <algorithm>

namespace abo::model {

// ---- the blob service ----

void BlobService::begin_write(const std::string& name, Millis now) {
  history.push_back({.name = name,
                     .etag = std::to_string(history.size()),
                     .modified = ServiceTime{std::chrono::seconds{now / 1000}},
                     .begun = now});
}

void BlobService::finish_write(std::string_view name, Millis now) {
  auto written =
      std::ranges::find_if(history, [&](const Version& v) { return v.in_flight() && v.name == name; });
  if (written == history.end()) return;
  if (auto before = current(name)) history[*before].seen_until = now;
  written->seen_from = now;
}

void BlobService::remove(std::string_view name, Millis now) {
  if (auto id = current(name)) history[*id].seen_until = now;
}

void BlobService::undelete(std::string_view name) {
  if (current(name) || is_writing(name)) return;
  auto last =
      std::find_if(history.rbegin(), history.rend(), [&](const Version& v) { return v.name == name; });
  if (last == history.rend()) return;
  last->seen_until = never;
  last->reappeared = true;
}

bool BlobService::is_writing(std::string_view name) const {
  return std::ranges::any_of(history, [&](const Version& v) { return v.in_flight() && v.name == name; });
}

std::optional<std::size_t> BlobService::current(std::string_view name) const {
  for (std::size_t id = history.size(); id > 0; --id) {
    if (history[id - 1].visible() && history[id - 1].name == name) return id - 1;
  }
  return std::nullopt;
}

std::vector<std::size_t> BlobService::page(std::string_view marker, bool from_marker,
                                           std::size_t limit) const {
  std::vector<std::size_t> rows;
  for (std::size_t id = 0; id < history.size(); ++id) {
    const Version& v = history[id];
    bool behind = v.name > marker || (from_marker && v.name == marker);
    if (v.visible() && behind) rows.push_back(id);
  }
  std::ranges::sort(rows, {}, [&](std::size_t id) -> const std::string& { return history[id].name; });
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

// ---- the API server ----

const Object* Cluster::holder(std::string_view name) const {
  auto at = std::ranges::find_if(
      objects, [&](const Object& o) { return made[static_cast<std::size_t>(o.uid)].name == name; });
  return at == objects.end() ? nullptr : &*at;
}

Object* Cluster::find(int uid) {
  auto at = std::ranges::find(objects, uid, &Object::uid);
  return at == objects.end() ? nullptr : &*at;
}

CreateRequest* Cluster::request(int id) {
  auto at = std::ranges::find(requests, id, &CreateRequest::id);
  return at == requests.end() ? nullptr : &*at;
}

Epoch epoch_of(const checkpoint::Replays& replays, ServiceTime modified) {
  for (ServiceTime since : replays.newest_first()) {
    if (since <= modified) return since.time_since_epoch().count();
  }
  return no_replay;
}

std::optional<int> Cluster::create(std::string name, int version, Epoch epoch, bool with_finalizer) {
  if (holder(name)) return std::nullopt;
  int uid = static_cast<int>(made.size());
  made.push_back({std::move(name), version, epoch});
  objects.push_back({.uid = uid, .held = with_finalizer});
  return uid;
}

std::string process_name(int op, int incarnation) {
  return std::to_string(op) + "." + std::to_string(incarnation);
}

bool Cluster::is_led_by(int op, int incarnation) const {
  return lease && lease->holder == process_name(op, incarnation);
}

void Cluster::carry_out(CreateRequest& request) {
  auto uid = create(request.name, request.version, request.epoch, request.with_finalizer);
  if (uid) {
    audit.push_back({.version = request.version,
                     .epoch = request.epoch,
                     .uid = *uid,
                     .sender = request.sender,
                     .incarnation = request.incarnation,
                     .orphaned = request.led && !is_led_by(request.sender, request.incarnation)});
  } else {
    const Made& other = made[static_cast<std::size_t>(holder(request.name)->uid)];
    if (other.version != request.version || other.epoch != request.epoch)
      met_others.emplace(request.version, request.epoch);
  }
  request.flying = false;
  if (request.answer != CreateRequest::Answer::None) return;  // nobody waits any longer
  request.answer = uid ? CreateRequest::Answer::Created : CreateRequest::Answer::Exists;
  request.uid = uid.value_or(0);
}

void Cluster::remove(int uid) {
  Object* object = find(uid);
  if (!object) return;
  object->going = true;
  if (!object->held) std::erase_if(objects, [uid](const Object& o) { return o.uid == uid; });
}

void Cluster::remove_finalizer(int uid) {
  Object* object = find(uid);
  if (!object || !object->held) return;
  object->held = false;
  if (object->going) remove(uid);
}

bool Cluster::replace_lease(const std::string& revision, kube::LeaseRecord& next) {
  std::string stored = lease ? lease->resource_version : std::string();
  if (revision != stored) return false;
  next.resource_version = std::to_string(++lease_revision);
  lease = next;
  return true;
}

// ---- time ----

ServiceTime World::service_time() const {
  return ServiceTime{std::chrono::seconds{now / 1000}};
}

void World::wish_for(std::optional<ServiceTime> since) {
  cluster.watcher.wish = since;
  ++cluster.watcher.revision;
  unknown_to_all_but(nobody);
  if (since) wishes.push_back({*since, now});
}

void World::edit_spec() {
  ++cluster.watcher.generation;
  ++cluster.watcher.revision;
  unknown_to_all_but(nobody);
}

void World::edit_labels() {
  ++cluster.watcher.revision;
  for (Witness& w : witnesses) w.disturb();  // a write conflicts, which may be once too often
}

void World::advance(Millis by, const Rules& rules) {
  now += by;
  for (const Version& version : blobs.history) {
    Millis latest = version.begun + rules.longest_write();
    if (version.in_flight() && latest <= now) blobs.finish_write(version.name, latest);
  }
  for (CreateRequest& request : cluster.requests) {
    if (!request.flying || request.deadline > now) continue;
    request.flying = false;
    if (request.answer == CreateRequest::Answer::None) request.answer = CreateRequest::Answer::Unknown;
  }
}

bool World::replace_status(int op, int revision, const checkpoint::Checkpoint& next, Listed listed) {
  using checkpoint::Checkpoint;
  Watcher& watcher = cluster.watcher;
  if (revision != watcher.revision) return false;
  if (!watcher.checkpoint) first_listed = listed;
  bool replays = watcher.checkpoint && next.replays != watcher.checkpoint->replays;
  if (watcher.checkpoint && !replays && next.cursor < watcher.checkpoint->cursor)
    violation = "the cursor moved back";
  for (ServiceTime since : next.replays.newest_first()) {
    if (std::ranges::find(wishes, since, &Wish::since) == wishes.end())
      violation = "a replay nobody asked for";
  }
  bool bounded = next.recent.size() <= checkpoint::RecentKeys::capacity + blobs.history.size() &&
                 next.postponed.size() <= Checkpoint::max_postponed;
  if (!bounded) violation = "the checkpoint is not bounded";
  ++watcher.revision;
  watcher.checkpoint = next;
  unknown_to_all_but(op);
  return true;
}

listing::BlobItem item_of(const World& world, int version, const Rules& rules) {
  const Version& v = world.blobs.history[static_cast<std::size_t>(version)];
  listing::BlobItem item{.name = v.name, .etag = v.etag, .last_modified = v.modified, .size = version};
  if (rules.mutant == Mutant::KeyWithoutETag)
    item.etag = std::to_string(v.modified.time_since_epoch().count());
  return item;
}

}  // namespace abo::model
