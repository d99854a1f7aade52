#include "controllers/watcher_gauges.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <tuple>

namespace abo::controllers {
namespace {

using Health = WatcherFigures::Health;

double seconds(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

// What one watcher has to say, if anything.
using Value = std::optional<double> (*)(const WatcherRow& row, WallTime now);

// A watcher that is polled, or would be if its turn came. Of a suspended one nothing is expected.
bool works(const WatcherRow& row) {
  return !row.suspended && row.figures.health != Health::Unknown;
}

std::optional<double> ready(const WatcherRow& row, WallTime) {
  if (!works(row)) return std::nullopt;
  return row.figures.health == Health::Ready ? 1 : 0;
}

std::optional<double> interval(const WatcherRow& row, WallTime) {
  if (row.suspended) return std::nullopt;
  return static_cast<double>(row.interval.count());
}

std::optional<double> active(const WatcherRow& row, WallTime) {
  if (row.figures.health == Health::Unknown) return std::nullopt;
  return static_cast<double>(row.figures.active);
}

std::optional<double> pending(const WatcherRow& row, WallTime) {
  if (!works(row)) return std::nullopt;
  return static_cast<double>(row.figures.pending);
}

std::optional<double> oldest_pending(const WatcherRow& row, WallTime now) {
  if (!works(row)) return std::nullopt;
  if (row.figures.oldest_pending == ServiceTime{}) return 0;
  return std::max(0.0, seconds(now) - seconds(row.figures.oldest_pending));
}

std::optional<double> last_success(const WatcherRow& row, WallTime) {
  if (row.figures.last_success == WallTime{}) return std::nullopt;
  return seconds(row.figures.last_success);
}

std::optional<double> credential_expires(const WatcherRow& row, WallTime) {
  if (row.figures.credential_expires == ServiceTime{}) return std::nullopt;
  return seconds(row.figures.credential_expires);
}

enum class Fold : std::uint8_t { Sum, Largest, Smallest };

double folded(Fold fold, double a, double b) {
  switch (fold) {
    case Fold::Sum:
      return a + b;
    case Fold::Largest:
      return std::max(a, b);
    case Fold::Smallest:
      return std::min(a, b);
  }
  return a;
}

struct Gauge {
  const char* name;
  const char* help;
  Value value;
  Fold fold;  // without per-watcher series
};

constexpr std::array gauges = {
    Gauge{"azure_blob_operator_active_resources", "Created resources that have not finished.", active,
          Fold::Sum},
    Gauge{"azure_blob_operator_pending_blobs", "Blobs that wait to be triggered.", pending, Fold::Sum},
    Gauge{"azure_blob_operator_oldest_pending_seconds",
          "Age of the blob that waits longest to be triggered, 0 when none waits.", oldest_pending,
          Fold::Largest},
    Gauge{"azure_blob_operator_last_successful_poll_timestamp_seconds",
          "When the last successful poll ended, in seconds since 1970.", last_success, Fold::Largest},
    Gauge{"azure_blob_operator_poll_interval_seconds",
          "The interval at which the watcher wants to be polled; none while it is suspended.", interval,
          Fold::Smallest},
    Gauge{"azure_blob_operator_credential_expiry_timestamp_seconds",
          "When the credential ends by its own words (a SAS's se), in seconds since 1970.",
          credential_expires, Fold::Smallest},
};

// Its fold over all watchers is watchers{ready}.
constexpr Gauge ready_gauge{
    "azure_blob_operator_watcher_ready",
    "1 when the watcher's last poll succeeded, 0 when not; none while it is suspended.", ready, Fold::Sum};

template <class Rows>
void emit_each(const Rows& rows, Value value, WallTime now, const runtime::Emit& emit) {
  for (const WatcherRow* row : rows) {
    if (auto number = value(*row, now)) emit({row->ns, row->name}, *number);
  }
}

template <class Rows>
void emit_folded(const Rows& rows, const Gauge& gauge, WallTime now, const runtime::Emit& emit) {
  std::optional<double> all;
  if (gauge.fold == Fold::Sum) all = 0;
  for (const WatcherRow* row : rows) {
    auto number = gauge.value(*row, now);
    if (number) all = all ? folded(gauge.fold, *all, *number) : *number;
  }
  if (all) emit({}, *all);
}

}  // namespace

bool WatcherGauges::ByName::operator()(const WatcherRow* a, const WatcherRow* b) const {
  return std::tie(a->ns, a->name) < std::tie(b->ns, b->name);
}

WatcherGauges::WatcherGauges(runtime::Registry& registry, const Clock& clock, bool per_watcher)
    : clock_(clock) {
  registry.computed_gauge("azure_blob_operator_watchers", "AzureBlobWatchers, by how their last poll ended.",
                          {"ready"}, [this](const runtime::Emit& emit) { count_by_health(emit); });
  auto add_gauge = [&](const Gauge& gauge) {
    std::vector<std::string> labels;
    if (per_watcher) labels = {"namespace", "watcher"};
    registry.computed_gauge(gauge.name, gauge.help, std::move(labels),
                            [this, &gauge, per_watcher](const runtime::Emit& emit) {
                              WallTime now = clock_.wall();
                              if (per_watcher) return emit_each(rows_, gauge.value, now, emit);
                              emit_folded(rows_, gauge, now, emit);
                            });
  };
  for (const Gauge& gauge : gauges) add_gauge(gauge);
  if (per_watcher) add_gauge(ready_gauge);
}

void WatcherGauges::count_by_health(const runtime::Emit& emit) const {
  auto count = [this](auto&& counts) {
    return static_cast<double>(
        std::ranges::count_if(rows_, [&](const WatcherRow* row) { return counts(*row); }));
  };
  auto is = [](Health health) {
    return [health](const WatcherRow& row) { return !row.suspended && row.figures.health == health; };
  };
  emit({"false"}, count(is(Health::NotReady)));
  emit({"suspended"}, count([](const WatcherRow& row) { return row.suspended; }));
  emit({"true"}, count(is(Health::Ready)));
  emit({"unknown"}, count(is(Health::Unknown)));
}

}  // namespace abo::controllers
