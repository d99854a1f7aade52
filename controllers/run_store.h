// The created resources that exist now, as far as they must be known: to count what is active, to tell phases, and to
// find those that still carry our finalizer. Fed by watches, which hand over whole objects; a few dozen bytes of each
// are kept. Pure: no requests, no clock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "listing/blob_item.h"
#include "report/phase.h"

namespace abo::controllers {

// Which watch an object came from: an index the tracker gives out.
using WatchId = std::uint16_t;

struct RunCounts {
  std::int64_t active = 0;
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
};

// A resource that still carries the recording finalizer: what its annotations say of the blob version it stands for.
struct HeldRun {
  WatchId watch = 0;
  std::string ns;
  std::string name;
  std::string uid;                     // its own
  std::string trigger_key;             // hex, as annotated
  listing::BlobItem blob;              // name, etag, last_modified
  MonoTime seen{};                     // when this process first saw it
  MonoTime not_before{};               // its finalizer could not be removed: not tried again before
  std::uint32_t release_failures = 0;  // in a row
};

// A watcher as its resources name it: its namespace, which is theirs, and its UID. An annotation alone could be copied
// into another namespace.
[[nodiscard]] inline std::string owner_key(std::string_view ns, std::string_view watcher_uid) {
  return std::string(ns) + "/" + std::string(watcher_uid);
}

class RunStore {
 public:
  // Told the owner when the counts or a phase of its resources changed.
  using OnChange = std::function<void(const std::string& owner)>;
  void on_change(OnChange listener) { listener_ = std::move(listener); }

  // Objects that are not ours (no watcher UID or trigger key in their annotations) are left out.
  void upsert(WatchId watch, const json::object& object, MonoTime now);
  void erase(WatchId watch, std::string_view ns, std::string_view name);

  // Around a complete list: what was not upserted in between is gone.
  void begin_list(WatchId watch);
  void end_list(WatchId watch);

  // The finalizer was removed by us; the watch will say so too, later.
  void recorded(WatchId watch, std::string_view ns, std::string_view name, std::string_view uid);
  // It could not be removed.
  void release_failed(const HeldRun& run, MonoTime not_before);

  [[nodiscard]] RunCounts counts(std::string_view owner) const;
  [[nodiscard]] std::vector<HeldRun> held(std::string_view owner) const;
  [[nodiscard]] std::size_t held_count(std::string_view owner) const;
  [[nodiscard]] std::vector<std::string> owners_with_held() const;

  // What became of one resource; nothing when it does not exist (any more).
  [[nodiscard]] std::optional<report::Outcome> outcome(WatchId watch, std::string_view ns,
                                                       std::string_view name) const;

  [[nodiscard]] std::size_t size() const { return runs_.size(); }

 private:
  struct Run {
    std::uint32_t owner = 0;  // index into owners_
    std::uint32_t finished_at = 0;
    report::Phase phase = report::Phase::Pending;
    std::uint32_t epoch = 0;        // of the list that last showed it
    std::unique_ptr<HeldRun> held;  // only while our finalizer is on it, which is short
  };
  struct Owner {
    std::string key;
    RunCounts counts;
    std::size_t runs = 0;
    std::unordered_set<std::string> held;  // keys into runs_
  };
  using Runs = std::unordered_map<std::string, Run>;

  std::uint32_t intern(std::string key);
  const Owner* find_owner(std::string_view key) const;
  void count(const Run& run, std::int64_t by);
  void leave(const std::string& key, Run& run);
  void forget(Runs::iterator at);
  void set_held(const std::string& key, Run& run, std::unique_ptr<HeldRun> held);
  void changed(std::uint32_t owner) const;

  Runs runs_;
  std::vector<Owner> owners_;
  std::vector<std::uint32_t> free_;                          // places in owners_ that nobody has
  std::unordered_map<std::string, std::uint32_t> index_of_;  // by owner key
  std::unordered_map<WatchId, std::uint32_t> epochs_;
  OnChange listener_;
};

// The position of our finalizer in metadata.finalizers, or nothing.
[[nodiscard]] std::optional<std::size_t> recording_finalizer_index(const json::object& object);

}  // namespace abo::controllers
