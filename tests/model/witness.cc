#include "tests/model/witness.h"

#include <algorithm>
#include <tuple>

#include "tests/model/world.h"

namespace abo::model {
namespace {

// A selection holds the oldest rows, and a repeated one takes its room twice.
bool fits(const BlobService& blobs, const std::vector<int>& rows, int version, std::size_t selection) {
  auto position = [&](int id) {
    const Version& v = blobs.history[static_cast<std::size_t>(id)];
    return std::tie(v.modified, v.name);
  };
  auto up_to = std::ranges::count_if(rows, [&](int id) { return position(id) <= position(version); });
  return static_cast<std::size_t>(up_to) <= selection;
}

}  // namespace

void Witness::disturb() {
  undisturbed = false;
  there.clear();
  rows.clear();
  shown.clear();
  taken.clear();
}

std::vector<std::size_t> World::list_page(int op, const std::string& marker, bool from_marker,
                                          const Rules& rules) {
  Witness& w = witness(op);
  auto page = blobs.page(marker, from_marker, rules.page);
  if (marker.empty()) {
    w.disturb();
    w.undisturbed = w.informed;
    w.from = now;
    for (std::size_t id = 0; id < blobs.history.size(); ++id) {
      if (blobs.history[id].visible()) w.there.push_back(static_cast<int>(id));
    }
  }
  for (std::size_t id : page) w.rows.push_back(static_cast<int>(id));
  if (page.size() == rules.page) return page;  // there are more
  w.last = {w.from, now};
  ServiceTime newest = ServiceTime{std::chrono::seconds{w.from / 1000}} - rules.min_age;
  for (int id : w.there) {
    const Version& v = blobs.history[static_cast<std::size_t>(id)];
    bool stayed = v.visible() && !v.reappeared && v.modified <= newest;
    if (w.undisturbed && stayed && fits(blobs, w.rows, id, rules.selection)) w.shown.push_back(id);
  }
  w.there.clear();
  w.rows.clear();
  return page;
}

void World::unknown_to_all_but(int op) {
  for (int other = 0; other < static_cast<int>(witnesses.size()); ++other) {
    if (other == op) continue;
    witness(other).informed = false;
    witness(other).disturb();
  }
}

void World::carry_out(CreateRequest& request) {
  Witness& w = witness(request.sender);
  bool waits = request.answer == CreateRequest::Answer::None && w.incarnation == request.incarnation;
  std::size_t before = cluster.audit.size();
  cluster.carry_out(request);
  bool created = cluster.audit.size() > before;
  if (created) unknown_to_all_but(waits ? request.sender : nobody);
  if (!created && waits) w.taken.push_back(request.name);
}

void World::lose_answer(CreateRequest& request) {
  if (request.answer == CreateRequest::Answer::Created) witness(request.sender).informed = false;
  request.answer = CreateRequest::Answer::Unknown;
}

bool World::replace_lease(int op, const std::string& revision, kube::LeaseRecord& next, Millis sent,
                          bool heard) {
  if (!cluster.replace_lease(revision, next)) return false;
  if (heard) witness(op).leads_since = sent;
  return true;
}

void World::watch_over_creations(int op, const Rules& rules) {
  Witness& w = witness(op);
  Millis safely = (std::chrono::milliseconds{rules.lease.duration} - rules.lease.slack).count();
  bool leads = !rules.elects() || now - w.leads_since < safely;
  bool held = std::ranges::all_of(w.taken, [&](const std::string& name) { return cluster.holder(name); });
  if (!leads || !held) w.disturb();
}

void World::pass_ended(int op) {
  for (int id : witness(op).shown) blobs.history[static_cast<std::size_t>(id)].promised = true;
  witness(op).disturb();
}

}  // namespace abo::model
