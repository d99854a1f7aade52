// One watcher as the operator holds it between polls: what the API server last told, and the little that must be
// remembered. A thousand idle rows fit into a few MB: the spec stays text until a poll needs it, the status is not kept, and
// what is compiled is only while polls follow each other quickly.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "azure/container_shape.h"
#include "azure/credentials.h"
#include "base/time.h"
#include "checkpoint/checkpoint.h"
#include "controllers/run_store.h"
#include "controllers/watcher_figures.h"
#include "kube/resource.h"
#include "kube/signal.h"

namespace abo::controllers {

// A resolved credential and when it was read: used again for at most a minute, and kept by those alone that poll so often.
struct HeldAccess {
  azure::Access access;
  MonoTime fetched{};
  std::int64_t generation = 0;
};

// What keeps a watcher to its history limits between two passes: see run_history.h.
struct RunHistory {
  HistoryLimits limits;        // as the spec says
  bool polled = false;         // a poll reached its end since this process works for the watcher
  std::uint32_t failures = 0;  // rounds in a row that could not delete what they should
  MonoTime not_before{};       // of the next round
  std::string warning;         // for the Ready condition; empty: all is well
};

// A creation without an answer, which may still be carried out.
struct UnderWay {
  MonoTime until{};
  bool fallback = false;  // it bore the other name
};

// The newest blob whose resource was created by this generation of the spec: what the API server takes, if it takes any.
struct ProvenBlob {
  std::int64_t generation = 0;
  listing::BlobItem blob;
};

struct PassPlan;

struct WatcherRow {
  // From the watch.
  std::string ns;
  std::string name;
  std::string uid;
  std::int64_t generation = 0;
  std::string spec;                   // compact JSON
  std::chrono::seconds interval{60};  // between polls, as the spec says
  std::string poll_now;               // the annotation's value
  // The annotation replay-since; null: none, as with most. See replay_request.h.
  std::unique_ptr<const std::string> replay_wish;
  bool suspended = false;
  bool gone = false;  // deleted, or another object has the name: the pass in flight must end

  // Our own.
  std::unique_ptr<checkpoint::Checkpoint>
      checkpoint;  // as last read with a quorum or last written; null: unknown
  // Where idle polls have moved the cursor since, without writing it: what they saw and left out is not judged anew
  // when the filters change.
  std::optional<checkpoint::Position> settled;
  std::shared_ptr<const PassPlan> plan;  // of this generation; null: the next poll makes one
  std::unique_ptr<HeldAccess> access;
  // What listings taught about a container that is large; null: that it is not, or nothing yet.
  std::unique_ptr<azure::ContainerShape> shape;
  kube::Signal* listing = nullptr;  // while a listing runs: notified when it is of no use any more
  bool crowded_out = false;  // it takes long and there are too many such: the pass ends and waits for a lane
  std::optional<WatchId>
      sweep;  // a create of this kind ended unknown: look with a quorum before the next one
  // By trigger key; the checkpoint says it too, if it could be written.
  std::unordered_map<std::uint64_t, UnderWay> under_way;
  std::unique_ptr<const ProvenBlob> proven;  // null: none since this process began
  std::uint64_t report_print = 0;            // of what the status says; 0: unknown
  MonoTime reported{};                       // when the status was last written
  MonoTime refreshed{};                      // when its counts and phases were last written on their own
  std::uint32_t runs_revision = 0;           // raised when a created resource changed
  std::uint32_t failures = 0;                // polls that failed in a row, for the backoff
  WatcherFigures figures;                    // for the metrics
  RunHistory history;
  std::string account;  // whose lanes its polls use: see account_of(); the resolved one after the first poll

  [[nodiscard]] std::string key() const { return ns + "/" + name; }
  [[nodiscard]] std::string_view wish() const { return replay_wish ? *replay_wish : std::string_view(); }
  // True when it is another one than before.
  bool take_wish(std::string_view wish) {
    if (wish == this->wish()) return false;
    replay_wish = wish.empty() ? nullptr : std::make_unique<const std::string>(wish);
    return true;
  }
  // The row is gone, has another spec, or was crowded out.
  void abandon_listing() const {
    if (listing) listing->notify_all();
  }
  [[nodiscard]] std::string owner() const { return owner_key(ns, uid); }
};

}  // namespace abo::controllers
