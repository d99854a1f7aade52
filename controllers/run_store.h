// The created resources that exist now, as far as they must be known: to count what is active, to tell phases, to find
// those that still carry our finalizer, and those that are more than their watcher keeps. Fed by watches, which hand over whole objects; a few dozen bytes of each
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

// How many finished resources a watcher keeps, as CronJob does: spec.successfulHistoryLimit and failedHistoryLimit.
struct HistoryLimits {
  static constexpr std::int32_t keep_all = -1;
  std::int32_t succeeded = keep_all;
  std::int32_t failed = keep_all;
};

// A finished resource that is more than its watcher keeps.
struct SurplusRun {
  WatchId watch = 0;
  std::string ns;
  std::string name;
  report::Phase phase = report::Phase::Succeeded;
  ServiceTime ended{};  // when it finished or, where nothing tells, was created
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

  // How the objects of a watch tell what became of them; as Jobs do, unless said.
  void kind_tells(WatchId watch, report::Telling telling) { watches_[watch].telling = telling; }

  // Objects that are not ours (no watcher UID or trigger key in their annotations) are left out.
  void upsert(WatchId watch, const json::object& object, MonoTime now);
  // The watch tells of it no more. One that our finalizer is on need not be gone, only our label may be: it strays, until
  // recorded().
  void erase(WatchId watch, std::string_view ns, std::string_view name);

  // Around a complete list: what was not upserted in between is gone.
  void begin_list(WatchId watch);
  void end_list(WatchId watch);

  // The finalizer was removed by us, or the object is gone; the watch will say so too, later.
  void recorded(WatchId watch, std::string_view ns, std::string_view name, std::string_view uid);
  // It could not be removed.
  void release_failed(const HeldRun& run, MonoTime not_before);

  [[nodiscard]] RunCounts counts(std::string_view owner) const;
  // The finished resources beyond the limits, those that ended first (then by name) first, no more than `most`: only such
  // that say themselves that they ended, that our finalizer is not on, and that are not on their way out already.
  [[nodiscard]] std::vector<SurplusRun> surplus(std::string_view owner, HistoryLimits limits,
                                                std::size_t most) const;
  // Its deletion was accepted; the watch will say so too, later. It is counted no more.
  void leaving(const SurplusRun& run);

  [[nodiscard]] std::vector<HeldRun> held(std::string_view owner) const;
  [[nodiscard]] std::size_t held_count(std::string_view owner) const;
  [[nodiscard]] std::vector<std::string> owners_with_held() const;

  // What became of one resource; nothing when it does not exist (any more).
  [[nodiscard]] std::optional<report::Outcome> outcome(WatchId watch, std::string_view ns,
                                                       std::string_view name) const;

  [[nodiscard]] std::size_t size() const { return runs_.size(); }

 private:
  // What the object says.
  struct Said {
    std::uint32_t ended = 0;  // Unix seconds: see SurplusRun
    report::Phase phase = report::Phase::Pending;
    bool end_known = false;  // `ended` is when it finished
    bool stays = false;      // see report::Outcome
    bool leaving = false;    // being deleted
  };
  struct Run {
    std::uint32_t owner = 0;  // index into owners_
    std::uint32_t place = 0;  // among the owner's runs
    std::uint32_t epoch = 0;  // of the list that last showed it
    Said said;
    bool strays = false;                   // see erase()
    std::unique_ptr<std::string> failure;  // only of a failed one that says why
    std::unique_ptr<HeldRun> held;         // only while our finalizer is on it, which is short
  };
  using Runs = std::unordered_map<std::string, Run>;
  struct Owner {
    std::string key;
    RunCounts counts;
    std::vector<Runs::value_type*> runs;   // into runs_, whose elements stay where they are
    std::unordered_set<std::string> held;  // keys into runs_
  };
  struct Watched {
    std::uint32_t epoch = 0;
    report::Telling telling = report::Telling::Job;
  };

  static Said said_by(const json::object& object, const report::Outcome& outcome);
  static SurplusRun surplus_of(const Runs::value_type& run);
  static void add_surplus(const Owner& owner, report::Phase phase, std::int32_t limit,
                          std::vector<SurplusRun>& out);
  std::uint32_t intern(std::string key);
  const Owner* find_owner(std::string_view key) const;
  void count(const Run& run, std::int64_t by);
  void join(std::uint32_t owner, Runs::value_type& run);
  std::string leave(Runs::value_type& run);
  void forget(Runs::iterator at);
  void set_held(const std::string& key, Run& run, std::unique_ptr<HeldRun> held);
  void changed(const std::string& owner) const;

  Runs runs_;
  std::vector<Owner> owners_;
  std::vector<std::uint32_t> free_;                          // places in owners_ that nobody has
  std::unordered_map<std::string, std::uint32_t> index_of_;  // by owner key
  std::unordered_map<WatchId, Watched> watches_;
  OnChange listener_;
};

// The position of our finalizer in metadata.finalizers, or nothing.
[[nodiscard]] std::optional<std::size_t> recording_finalizer_index(const json::object& object);

}  // namespace abo::controllers
