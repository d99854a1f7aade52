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

// existingBlobs: Ignore. What the first listing may have shown need not be created ...
bool may_be_ignored(const World& world, const Version& v, const Rules& rules) {
  return rules.ignore_existing && world.first_listed && v.seen_from <= world.first_listed->to;
}

// ... and what it surely showed must not be.
bool is_ignored(const World& world, const Version& v, const Rules& rules) {
  return rules.ignore_existing && world.first_listed && !v.reappeared &&
         v.seen_from < world.first_listed->from && v.seen_until > world.first_listed->to;
}

bool is_known_limit(const World& world, std::size_t version) {
  bool late = false;
  std::set<std::string> names;
  for (const Created& created : world.cluster.audit) {
    if (created.version != static_cast<int>(version)) continue;
    late = late || created.late;
    names.insert(world.cluster.made[static_cast<std::size_t>(created.uid)].name);
  }
  bool by_turns = world.cluster.met_others.contains(static_cast<int>(version));
  return late && by_turns && static_cast<std::ptrdiff_t>(names.size()) == creations(world, version);
}

}  // namespace

std::string broken_now(const World& world, const Rules& rules) {
  if (!world.violation.empty()) return world.violation;
  if (world.cluster.audit.empty()) return {};
  // Only the newest creation can be the one too many.
  auto newest = static_cast<std::size_t>(world.cluster.audit.back().version);
  if (creations(world, newest) < 2) return {};
  bool excused = rules.mutant != Mutant::LimitNotExcused && is_known_limit(world, newest);
  return excused ? std::string(known_limit) : "created twice: " + text_of(world, newest);
}

std::string broken_at_rest(const World& world, const Rules& rules) {
  for (std::size_t id = 0; id < world.blobs.history.size(); ++id) {
    const Version& v = world.blobs.history[id];
    auto times = creations(world, id);
    if (times > 1) return "created twice: " + text_of(world, id);
    if (is_ignored(world, v, rules) && times > 0) return "created although ignored: " + text_of(world, id);
    bool must = (v.visible() || v.promised) && !v.reappeared;
    if (must && times == 0 && !may_be_ignored(world, v, rules)) return "never created: " + text_of(world, id);
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
