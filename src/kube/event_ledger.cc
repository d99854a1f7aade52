#include "kube/event_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "kube/kube_error.h"

namespace abo::kube {
namespace {

constexpr std::chrono::minutes kOneFact{10};  // how long a fact stays one Event
constexpr std::chrono::minutes kBetweenWrites{1};
constexpr int kDifferentMessages = 10;
constexpr std::size_t kRemembered = 1'024;
constexpr std::size_t kMayWait = 512;
constexpr std::size_t kMessageLimit = 1'020;  // the API's 1,024, less the "..." of a cut
constexpr std::size_t kNameLimit = 200;       // of the object's part of the Event's name, whose limit is 253

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::Normal:
      return "Normal";
    case EventType::Warning:
      return "Warning";
  }
  return "Normal";
}

// The identity without the message. '\n' cannot stand in names, UIDs or reasons.
std::string group_of(const Event& event) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", event.object.uid, event.object.ns, event.object.name,
                     to_string(event.type), event.reason);
}

}  // namespace

bool EventLedger::crowded(const Event& event, bool known, MonoTime at) {
  if (similar_.size() > kRemembered) similar_.clear();  // forgetting only costs some Events more
  Similar& similar = similar_[group_of(event)];
  if (similar.messages == 0 || at - similar.since >= kOneFact) similar = {0, at};
  if (!known) ++similar.messages;
  return similar.messages > kDifferentMessages;
}

EventLedger::Entry& EventLedger::enter(const std::string& key, Event event, WallTime now, MonoTime at) {
  auto found = by_key_.find(key);
  if (found != by_key_.end() && at - found->second->last_noted >= kOneFact && !found->second->dirty) {
    entries_.erase(found->second);
    by_key_.erase(found);
    found = by_key_.end();
  }
  if (found == by_key_.end()) {
    if (entries_.size() >= kRemembered) {
      by_key_.erase(entries_.front().key);
      entries_.pop_front();
    }
    Entry entry;
    entry.key = key;
    entry.name = fmt::format("{}.{}{:x}", event.object.name.substr(0, kNameLimit), suffix_, ++made_);
    entry.first = now;
    entry.due = at;
    entry.event = std::move(event);
    entries_.push_back(std::move(entry));
    by_key_[key] = std::prev(entries_.end());
    return entries_.back();
  }
  entries_.splice(entries_.end(), entries_, found->second);
  found->second->event = std::move(event);
  return *found->second;
}

bool EventLedger::note(Event event, WallTime now, MonoTime at) {
  event.message = bounded_text(event.message, kMessageLimit);
  std::string group = group_of(event);
  std::string key = group + "\n" + event.message;
  bool known = by_key_.contains(key);
  if (crowded(event, known, at) && !known) {
    key = std::move(group);
    event.message = bounded_text("(combined from similar events): " + event.message, kMessageLimit);
    known = by_key_.contains(key);
  }
  if (!known && waiting() >= kMayWait) return false;
  Entry& entry = enter(key, std::move(event), now, at);
  ++entry.count;
  entry.last = now;
  entry.last_noted = at;
  entry.dirty = true;
  return true;
}

std::optional<EventWrite> EventLedger::next(MonoTime at) {
  auto found =
      std::ranges::find_if(entries_, [at](const Entry& entry) { return entry.dirty && entry.due <= at; });
  if (found == entries_.end()) return std::nullopt;
  Entry& entry = *found;
  entry.dirty = false;
  entry.due = at + kBetweenWrites;
  EventWrite write{entry.key, entry.event.object.ns, entry.name, !entry.created, {}};
  std::string last = format_rfc3339(std::chrono::floor<std::chrono::seconds>(entry.last));
  if (entry.created) {
    write.body = {{"count", entry.count}, {"lastTimestamp", last}, {"message", entry.event.message}};
    return write;
  }
  entry.created = true;
  const ObjectReference& object = entry.event.object;
  write.body = {
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", json::object{{"name", entry.name}, {"namespace", object.ns}}},
      {"involvedObject", json::object{{"apiVersion", object.api_version},
                                      {"kind", object.kind},
                                      {"namespace", object.ns},
                                      {"name", object.name},
                                      {"uid", object.uid}}},
      {"type", to_string(entry.event.type)},
      {"reason", entry.event.reason},
      {"message", entry.event.message},
      {"count", entry.count},
      {"firstTimestamp", format_rfc3339(std::chrono::floor<std::chrono::seconds>(entry.first))},
      {"lastTimestamp", last},
      {"source", json::object{{"component", "azure-blob-operator"}}},
      {"reportingComponent", "azure-blob-operator"},
      {"reportingInstance", ""},
  };
  return write;
}

std::optional<MonoTime> EventLedger::next_due() const {
  std::optional<MonoTime> out;
  for (const Entry& entry : entries_) {
    if (entry.dirty && (!out || entry.due < *out)) out = entry.due;
  }
  return out;
}

void EventLedger::written(const std::string& key, bool gone, MonoTime at) {
  auto found = by_key_.find(key);
  if (found == by_key_.end() || !gone) return;
  Entry& entry = *found->second;
  entry.name = fmt::format("{}.{}{:x}", entry.event.object.name.substr(0, kNameLimit), suffix_, ++made_);
  entry.created = false;
  entry.dirty = true;
  entry.due = at;
}

std::size_t EventLedger::waiting() const {
  return static_cast<std::size_t>(std::ranges::count_if(entries_, &Entry::dirty));
}

}  // namespace abo::kube
