// Which Events are written, and when: the same fact is one Event with a count, not a hundred Events. Pure; the
// recorder (events.h) is its shell. Bounded in every direction, since watchers' owners cause the events.
//
// The rules, after client-go's EventCorrelator:
//   - the same (object, type, reason, message) within ten minutes raises the first one's count;
//   - from the eleventh different message of one (object, type, reason) within ten minutes on, they share one Event, its
//     message saying "(combined from similar events)";
//   - a count is written at most once a minute for each Event;
//   - 1,024 Events are remembered (the longest unused is forgotten first) and 512 may wait to be written; what comes on
//     top is dropped and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/time.h"

namespace abo::kube {

enum class EventType : std::uint8_t { Normal, Warning };

struct ObjectReference {
  std::string api_version;
  std::string kind;
  std::string ns;
  std::string name;
  std::string uid;
};

struct Event {
  ObjectReference object;
  EventType type = EventType::Normal;
  std::string reason;
  std::string message;  // cut to 1,024 bytes, as the API demands
};

// One write that is due.
struct EventWrite {
  std::string key;  // to name it in EventLedger::written()
  std::string ns;
  std::string name;  // of the Event
  bool create = true;
  json::object body;  // the Event, or the merge patch of its count
};

class EventLedger {
 public:
  // name_suffix makes the Event's name unique among all replicas and restarts: eight hex digits.
  explicit EventLedger(std::string name_suffix) : suffix_(std::move(name_suffix)) {}

  // False: dropped, too many wait.
  bool note(Event event, WallTime now, MonoTime at);

  // The next write that is due, which is thereby under way; nothing when none is.
  [[nodiscard]] std::optional<EventWrite> next(MonoTime at);

  // When the next write will be due, if any waits at all.
  [[nodiscard]] std::optional<MonoTime> next_due() const;

  // The write ended. gone: the Event to be patched is no longer there, so that the next time it is created anew.
  void written(const std::string& key, bool gone, MonoTime at);

  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Entry {
    std::string key;
    Event event;
    std::string name;
    std::int64_t count = 0;
    WallTime first{};
    WallTime last{};
    MonoTime last_noted{};
    MonoTime due{};        // earliest next write
    bool created = false;  // a create was sent
    bool dirty = false;    // something to write
  };
  struct Similar {
    int messages = 0;
    MonoTime since{};
  };
  using Entries = std::list<Entry>;  // the longest unused first

  [[nodiscard]] bool crowded(const Event& event, bool known, MonoTime at);
  Entry& enter(const std::string& key, Event event, WallTime now, MonoTime at);

  std::string suffix_;
  std::uint64_t made_ = 0;
  Entries entries_;
  std::map<std::string, Entries::iterator, std::less<>> by_key_;
  std::map<std::string, Similar, std::less<>> similar_;
};

}  // namespace abo::kube
