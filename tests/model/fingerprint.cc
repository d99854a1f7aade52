#include "tests/model/fingerprint.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace abo::model {
namespace {

// Two independent multiply-and-rotate chains: collisions in 2^128 are no concern, and nobody chooses the input.
class Hasher {
 public:
  template <class T>
    requires std::is_integral_v<T> || std::is_enum_v<T>
  Hasher& operator()(T value) {
    auto v = static_cast<std::uint64_t>(value);
    low_ = mix(low_ ^ v, 0x9E3779B97F4A7C15);
    high_ = mix(high_ + v, 0xC2B2AE3D27D4EB4F);
    return *this;
  }
  Hasher& operator()(std::string_view text) {
    (*this)(text.size());
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(8, text.size()))) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), std::min<std::size_t>(8, text.size()));
      (*this)(word);
    }
    return *this;
  }
  Hasher& operator()(ServiceTime time) { return (*this)(time.time_since_epoch().count()); }
  Hasher& operator()(WallTime time) { return (*this)(time.time_since_epoch().count()); }
  Hasher& operator()(MonoTime time) { return (*this)(time.time_since_epoch().count()); }
  Hasher& operator()(const std::vector<int>& values) {
    (*this)(values.size());
    for (int value : values) (*this)(value);
    return *this;
  }
  [[nodiscard]] Fingerprint result() const { return {low_, high_}; }

 private:
  static std::uint64_t mix(std::uint64_t value, std::uint64_t by) {
    value *= by;
    return value ^ (value >> 29) ^ (value << 35);
  }
  std::uint64_t low_ = 1, high_ = 2;
};

void add(Hasher& hash, const checkpoint::Replays& replays) {
  hash(replays.size());
  for (ServiceTime since : replays.newest_first()) hash(since);
}

void add(Hasher& hash, const std::optional<ServiceTime>& wish) {
  hash(wish.has_value());
  if (wish) hash(*wish);
}

void add(Hasher& hash, const checkpoint::Checkpoint& c) {
  hash(c.cursor.last_modified)(c.cursor.name)(c.recent.encode())(c.postponed.size());
  add(hash, c.replays);
  for (const checkpoint::Postponed& p : c.postponed)
    hash(p.blob.size)(p.attempts)(p.fallback)(p.retry_at)(p.reason)(p.under_way_until);
}

void add(Hasher& hash, const checkpoint::Outcome& o) {
  hash(o.kind);
  if (o.kind == checkpoint::Outcome::Kind::Postponed)
    hash(o.attempts)(o.fallback)(o.retry_at)(o.reason)(o.under_way_until);
}

void add(Hasher& hash, const std::optional<checkpoint::Checkpoint>& c) {
  hash(c.has_value());
  if (c) add(hash, *c);
}

void add(Hasher& hash, const Witness& w, const World& world) {
  hash(w.informed)(w.undisturbed)(w.leads_since);
  if (!world.cluster.watcher.checkpoint) hash(w.last.from)(w.last.to);
  if (!w.undisturbed) return;
  hash(w.from)(w.there)(w.rows)(w.shown)(w.taken.size());
  for (const std::string& name : w.taken) hash(name);
}

void add(Hasher& hash, const World& world) {
  hash(world.now)(world.blobs.history.size());
  for (const Version& v : world.blobs.history)
    hash(v.name)(v.modified)(v.seen_from)(v.seen_until)(v.promised)(v.reappeared);
  const Cluster& cluster = world.cluster;
  hash(cluster.made.size());
  for (const Made& made : cluster.made) hash(made.version)(made.name)(made.epoch);
  hash(cluster.objects.size());
  for (const Object& object : cluster.objects) hash(object.uid)(object.held)(object.going);
  hash(cluster.watcher.generation);
  add(hash, cluster.watcher.wish);
  add(hash, cluster.watcher.checkpoint);
  hash(cluster.lease.has_value());
  if (cluster.lease) hash(cluster.lease->holder)(cluster.lease->duration.count());
  hash(cluster.requests.size());
  for (const CreateRequest& r : cluster.requests)
    hash(r.sender)(r.incarnation)(r.name)(r.version)(r.epoch)(r.led)(r.flying)(r.deadline)(r.answer)(r.uid);
  for (const Created& c : cluster.audit) hash(c.sender)(c.incarnation)(c.orphaned);
  hash(cluster.met_others.size());
  for (auto [version, epoch] : cluster.met_others) hash(version)(epoch);
  hash(world.wishes.size());
  for (const Wish& wish : world.wishes) hash(wish.since)(wish.at);
  hash(world.first_listed.has_value());
  for (const Witness& witness : world.witnesses) add(hash, witness, world);
}

void add(Hasher& hash, const Job& job, const Cluster& cluster) {
  hash(job.version)(job.attempts)(job.fallback_first)(job.state)(job.second)(job.unchecked);
  hash(job.one_name_only)(job.under_way_until);
  if (job.state == Job::State::Done) add(hash, job.outcome);
  if (job.state != Job::State::Sent) return;
  auto mine = [&](const CreateRequest& r) { return r.id == job.request; };
  hash(std::ranges::find_if(cluster.requests, mine) - cluster.requests.begin());
}

void add(Hasher& hash, const Pass& pass, At at, const Cluster& cluster) {
  hash(pass.generation)(pass.document.loaded);
  add(hash, pass.wish);
  if (pass.document.loaded) {
    hash(pass.document.found.revision == cluster.watcher.revision)(pass.document.found.generation);
    add(hash, pass.document.found.checkpoint);
  }
  hash(pass.held)(pass.begins);
  bool lists = at == At::Page || at == At::LoadBegin || at == At::LoadReplay;
  if (lists) hash(pass.marker)(pass.from_marker)(pass.first_page)(pass.listed);
  hash(pass.horizon.service_date)(pass.horizon.settle_margin.count());
  if (lists || at == At::LoadHeld || at == At::LoadKnown) return;
  add(hash, pass.next);
  add(hash, pass.replays);
  hash(pass.candidates)(pass.truncated)(pass.takeable)(pass.first)(pass.retries)(pass.begin_again)(
      pass.halted);
  for (const checkpoint::Outcome& o : pass.outcomes) add(hash, o);
  hash(pass.due.size());
  for (const Job& job : pass.due) add(hash, job, cluster);
  hash(pass.batch.size());
  for (const Job& job : pass.batch) add(hash, job, cluster);
  hash(pass.to_release)(pass.release_for)(pass.settled.has_value());
  if (pass.settled) add(hash, *pass.settled);
  if (at != At::Write && at != At::Reread) return;
  hash(pass.writing.what)(pass.writing.attempts)(pass.writing.answer_lost);
  add(hash, pass.writing.next);
  add(hash, pass.writing.base);
}

void add(Hasher& hash, const Election& election, const Cluster& cluster) {
  hash(election.led)(election.looks)(election.in_flight)(election.state.observed());
  hash(election.state.led_since().has_value());
  if (election.state.led_since()) hash(*election.state.led_since());
  bool newest = cluster.lease && election.state.resource_version() == cluster.lease->resource_version;
  hash(newest)(election.state.holder());
}

void add(Hasher& hash, const Operator& op, const Cluster& cluster) {
  hash(op.incarnation)(op.at)(op.frozen)(op.generation)(op.sweep)(op.store.size());
  for (const Seen& seen : op.store) hash(seen.uid)(seen.held)(seen.held ? seen.since : 0);
  hash(op.under_way.size());
  for (auto [key, until] : op.under_way) hash(key)(until);
  add(hash, op.checkpoint);
  add(hash, op.wish);
  hash(op.settled.has_value());
  if (op.settled) hash(op.settled->last_modified)(op.settled->name);
  if (op.election) add(hash, *op.election, cluster);
  bool between = op.at == At::Down || op.at == At::Standby || op.at == At::StartList || op.at == At::Idle;
  if (!between) add(hash, op.pass, op.at, cluster);
}

}  // namespace

Fingerprint fingerprint(const State& state, std::uint64_t and_this) {
  Hasher hash;
  hash(and_this);
  add(hash, state.world);
  for (const Operator& op : state.operators) add(hash, op, state.world.cluster);
  return hash.result();
}

}  // namespace abo::model
