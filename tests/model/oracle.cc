#include "tests/model/oracle.h"

#include <algorithm>
#include <set>

namespace abo::model {
namespace {

std::string text_of(const World& world, std::size_t version) {
  const Version& v = world.blobs.history[version];
  return "version " + v.etag + " of blob " + v.name;
}

std::ptrdiff_t creations(const World& world, std::size_t version) {
  return std::ranges::count(world.cluster.audit, static_cast<int>(version), &Created::version);
}

std::ptrdiff_t creations(const World& world, std::size_t version, Epoch epoch) {
  return std::ranges::count_if(world.cluster.audit, [&](const Created& created) {
    return created.version == static_cast<int>(version) && created.epoch == epoch;
  });
}

// ---- replays ----

// Those that may bring a version back: they cover it, and were asked for when it was there already. What lands after a
// wish was stored is triggered once.
std::ptrdiff_t replays_of(const World& world, const Version& v) {
  std::set<ServiceTime> replays;
  for (const Wish& wish : world.wishes) {
    if (wish.since <= v.modified && wish.at >= v.seen_from) replays.insert(wish.since);
  }
  return static_cast<std::ptrdiff_t>(replays.size());
}

// Also by one that was asked for before anybody looked.
bool is_covered(const World& world, const Version& v) {
  return std::ranges::any_of(world.wishes, [&](const Wish& wish) { return wish.since <= v.modified; });
}

// The replay that must have been carried out for this version by now; nothing when another one may have been instead.
std::optional<Epoch> must_be_replayed(const World& world, const Version& v) {
  auto wish = world.cluster.watcher.wish;
  if (!wish || *wish > v.modified || !v.visible() || v.reappeared) return std::nullopt;
  if (std::ranges::count(world.wishes, *wish, &Wish::since) > 1) return std::nullopt;  // or the first time
  return wish->time_since_epoch().count();
}

// existingBlobs: Ignore. What the first listing may have shown need not be created ...
bool may_be_ignored(const World& world, const Version& v, const Rules& rules) {
  return rules.ignore_existing && world.first_listed && v.seen_from <= world.first_listed->to;
}

// ... and what it surely showed must not be.
bool is_ignored(const World& world, const Version& v, const Rules& rules) {
  return rules.ignore_existing && world.first_listed && !v.reappeared &&
         v.seen_from < world.first_listed->from && v.seen_until > world.first_listed->to;
}

bool is_known_limit(const World& world, std::size_t version, Epoch epoch) {
  bool orphaned = false;
  std::set<std::string> names;
  std::set<std::pair<int, int>> senders;
  for (const Created& created : world.cluster.audit) {
    if (created.version != static_cast<int>(version) || created.epoch != epoch) continue;
    orphaned = orphaned || created.orphaned;
    senders.emplace(created.sender, created.incarnation);
    names.insert(world.cluster.made[static_cast<std::size_t>(created.uid)].name);
  }
  bool by_turns = world.cluster.met_others.contains({static_cast<int>(version), epoch});
  return orphaned && by_turns && names.size() == 2 && senders.size() == 2 &&
         creations(world, version, epoch) == 2;
}

}  // namespace

std::string broken_now(const World& world, const Rules& rules) {
  if (!world.violation.empty()) return world.violation;
  if (world.cluster.audit.empty()) return {};
  // Only the newest creation can be the one too many.
  auto newest = static_cast<std::size_t>(world.cluster.audit.back().version);
  Epoch epoch = world.cluster.audit.back().epoch;
  auto times = creations(world, newest);
  if (times < 2) return {};
  if (creations(world, newest, epoch) > 1) {
    bool excused = rules.mutant != Mutant::LimitNotExcused && is_known_limit(world, newest, epoch);
    return excused ? std::string(known_limit) : "created twice: " + text_of(world, newest);
  }
  bool replayed = times <= 1 + replays_of(world, world.blobs.history[newest]);
  return replayed ? std::string() : "created too often: " + text_of(world, newest);
}

std::string broken_at_rest(const World& world, const Rules& rules) {
  for (std::size_t id = 0; id < world.blobs.history.size(); ++id) {
    const Version& v = world.blobs.history[id];
    auto times = creations(world, id);
    if (is_ignored(world, v, rules) && times > 0 && !is_covered(world, v))
      return "created although ignored: " + text_of(world, id);
    bool must = (v.visible() && !v.reappeared) || v.promised;
    if (must && times == 0 && !may_be_ignored(world, v, rules)) return "never created: " + text_of(world, id);
    if (auto replay = must_be_replayed(world, v); replay && creations(world, id, *replay) == 0)
      return "not replayed: " + text_of(world, id);
  }
  for (const Object& object : world.cluster.objects) {
    if (object.held)
      return "hangs on our finalizer: object " +
             world.cluster.made[static_cast<std::size_t>(object.uid)].name;
  }
  return {};
}

std::string_view law(std::string_view violation) {
  return violation.substr(0, violation.find(':'));
}

}  // namespace abo::model
