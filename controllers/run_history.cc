#include "controllers/run_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "controllers/acting_account.h"
#include "controllers/api_outage.h"
#include "controllers/concurrently.h"
#include "controllers/poll_schedule.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

// Of requests_in_flight a quarter, so that other watchers' creations find room; at some 5 ms for each of two requests that
// is 400 resources a second. A round ends after two seconds, or so many, and the next begins a second later.
constexpr std::size_t deletions_in_flight = 4;
constexpr std::size_t most_in_a_round = 500;
constexpr std::chrono::seconds longest_round{2};
constexpr std::chrono::seconds between_rounds{1};
// So many in a row that could not be deleted speak for the rest.
constexpr std::size_t max_failures_in_a_row = 4;
// As in trigger_stage.cc: a request may be carried out for so long after it was sent.
constexpr std::chrono::milliseconds longest_request = std::chrono::seconds{75};

struct Round {
  std::optional<kube::ServiceAccount> account;
  MonoTime until;
  std::size_t deleted = 0;
  std::size_t failures_in_a_row = 0;
  std::optional<Error> trouble;  // of the one that should have gone first
  std::size_t trouble_at = 0;

  void failed(std::size_t at, Error error) {
    ++failures_in_a_row;
    if (trouble && trouble_at < at) return;
    trouble = std::move(error);
    trouble_at = at;
  }
};

// Until when a creation whose answer was lost may still be carried out: by this process's memory, or by the checkpoint
// that a predecessor wrote.
MonoTime under_way_until(const Services& services, const WatcherRow& row) {
  MonoTime until{};
  for (const auto& [key, creation] : row.under_way) until = std::max(until, creation.until);
  for (const checkpoint::Postponed& waiting : row.checkpoint->postponed) {
    auto left =
        std::min<std::chrono::milliseconds>(waiting.under_way_until - services.clock.wall(), longest_request);
    until = std::max<MonoTime>(until, services.clock.mono() + left);
  }
  return until;
}

// What the watch told is looked at again: it may be old, and what is deleted is gone.
bool may_go(const json::object& object, const WatcherRow& row, const SurplusRun& run,
            report::Telling telling) {
  auto meta = [&](std::string_view part, std::string_view name) {
    return find_string(object, {"metadata", part, name});
  };
  bool ours = meta("labels", render::managed_by_label) == render::managed_by_value &&
              meta("labels", render::watcher_label) == render::watcher_label_value(row.name) &&
              meta("annotations", render::watcher_uid_annotation) == row.uid &&
              !meta("annotations", render::trigger_key_annotation).empty();
  bool recorded = !recording_finalizer_index(object);
  bool leaving = find(object, {"metadata", "deletionTimestamp"}) != nullptr;
  report::Outcome outcome = report::outcome_of(object, telling);
  return ours && recorded && !leaving && outcome.phase == run.phase && !outcome.stays;
}

bool must_stop(const Services& services, const WatcherRow& row, const Round& round) {
  return row.gone || services.stopping() || !services.may_act() || services.clock.mono() >= round.until ||
         round.failures_in_a_row >= max_failures_in_a_row;
}

// Gone, or another by now: the watch will say so.
bool is_settled(const Error& error) {
  return error.kind == ErrorKind::NotFound || error.kind == ErrorKind::Conflict ||
         error.kind == ErrorKind::Canceled;
}

Task<void> delete_one(Services& services, const WatcherRow& row, const SurplusRun& run, std::size_t at,
                      Round& round) {
  if (must_stop(services, row, round)) co_return;
  kube::Resource resource = services.runs.resource_of(run.watch);
  auto telling = report::telling_of(resource.group, resource.kind, resource.has_status);
  std::string path = resource.path(run.ns, run.name);
  auto object = co_await services.kube.get(path);
  if (!object && !is_settled(object.error())) round.failed(at, std::move(object.error()));
  if (!object || !may_go(*object, row, run, telling) || must_stop(services, row, round)) co_return;
  kube::RemoveOptions exactly{
      .propagation = kube::Propagation::Background,
      .uid = std::string(find_string(*object, {"metadata", "uid"})),
      .resource_version = std::string(find_string(*object, {"metadata", "resourceVersion"}))};
  kube::WriteOptions options{.impersonate = round.account, .may_send = services.may_act};
  // write site: history-delete
  auto removed = co_await services.kube.remove(std::move(path), std::move(exactly), std::move(options));
  if (removed) {
    round.failures_in_a_row = 0;
    ++round.deleted;
    services.runs.store().leaving(run);
  } else if (!is_settled(removed.error())) {
    round.failed(at, std::move(removed.error()));
  }
}

// Empty for what passes by itself.
std::string warning_of(const Services& services, const WatcherRow& row, const SurplusRun& run,
                       const Round& round) {
  const Error& error = *round.trouble;
  if (disposition(error) != Disposition::StallUntilChanged) return "";
  std::string advice;
  if (error.reason == Reason::Forbidden) {
    advice = fmt::format(" Let {} delete {} in namespace {} (a Role and a RoleBinding).",
                         to_string(round.account), services.runs.resource_of(run.watch).plural, row.ns);
  }
  return fmt::format(
      " Warning: finished resources are more than successfulHistoryLimit or failedHistoryLimit: {}.{}",
      error.message, advice);
}

bool take_warning(RunHistory& history, std::string warning) {
  bool changed = history.warning != warning;
  history.warning = std::move(warning);
  return changed;
}

// The account as the spec of now has it; nothing when the spec is none.
std::optional<Round> begin_round(const Services& services, const WatcherRow& row) {
  auto value = parse_json(row.spec);
  if (!value) return std::nullopt;
  auto spec = api::decode_spec(*value);
  if (!spec) return std::nullopt;
  return Round{.account = acting_account(services.settings, row.ns, spec->service_account_name),
               .until = services.clock.mono() + longest_round};
}

}  // namespace

Task<HistoryKept> keep_history(Services& services, WatcherRow& row) {
  RunHistory& history = row.history;
  HistoryKept kept;
  auto surplus = services.runs.store().surplus(row.owner(), history.limits, most_in_a_round + 1);
  if (surplus.empty()) {
    history.failures = 0;
    kept.warning_changed = take_warning(history, "");
    co_return kept;
  }
  // Before a first poll it is not known what a predecessor left behind.
  bool known = row.checkpoint && (history.polled || row.suspended);
  if (!known || row.gone || services.stopping() || !services.may_act()) co_return kept;
  MonoTime begin = std::max(history.not_before, under_way_until(services, row));
  if (begin > services.clock.mono()) {
    kept.due = begin;
    co_return kept;
  }
  auto round = begin_round(services, row);
  if (!round) co_return kept;
  co_await concurrently(std::min(surplus.size(), most_in_a_round), deletions_in_flight,
                        [&](std::size_t i) { return delete_one(services, row, surplus[i], i, *round); });

  if (round->deleted > 0) services.telemetry.history_deleted(row, round->deleted);
  MonoTime now = services.clock.mono();
  if (round->trouble) {
    kept.api_down = api_is_away(*round->trouble);
    if (!kept.api_down) ++history.failures;
    auto pause = std::max(backoff(std::max(history.failures, 1U), services.random()),
                          round->trouble->retry_after.value_or(std::chrono::milliseconds{0}));
    history.not_before = now + pause;
    kept.due = history.not_before;
    services.telemetry.history_failed(row, *round->trouble, history.failures == 1);
    kept.warning_changed =
        take_warning(history, warning_of(services, row, surplus[round->trouble_at], *round));
    co_return kept;
  }
  history.failures = 0;
  kept.warning_changed = take_warning(history, "");
  bool more = surplus.size() > most_in_a_round || now >= round->until;
  if (more) kept.due = history.not_before = now + between_rounds;
  co_return kept;
}

}  // namespace abo::controllers
