// The gauges that speak of single watchers, worked out from their rows at each scrape: nothing is kept twice, an age is as
// old as the scrape, and a watcher's series end with its row. Without per-watcher series each gauge is one number over
// all watchers: a sum, the largest or the smallest. One thread.
#pragma once

#include <set>

#include "base/time.h"
#include "controllers/watcher_row.h"
#include "runtime/metrics.h"

namespace abo::controllers {

class WatcherGauges {
 public:
  // Both outlive it, and it outlives the last scrape.
  WatcherGauges(runtime::Registry& registry, const Clock& clock, bool per_watcher);

  // From add() to remove() the row must stay where it is.
  void add(const WatcherRow& row) { rows_.insert(&row); }
  void remove(const WatcherRow& row) { rows_.erase(&row); }

 private:
  struct ByName {
    bool operator()(const WatcherRow* a, const WatcherRow* b) const;
  };

  void count_by_health(const runtime::Emit& emit) const;

  const Clock& clock_;
  std::set<const WatcherRow*, ByName> rows_;
};

}  // namespace abo::controllers
