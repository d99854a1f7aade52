#include "controllers/pass_beginning.h"

#include <unordered_set>

#include "checkpoint/existing.h"
#include "checkpoint/replay.h"
#include "controllers/pass_selection.h"
#include "controllers/replay_request.h"

namespace abo::controllers {

using checkpoint::Checkpoint;

namespace {

// How many versions match, as far as must_hold() asks: a row that comes twice, as one of a page that is asked for again
// does, counts once.
class VersionCount {
 public:
  explicit VersionCount(const checkpoint::Identity& identity) : identity_(identity) {}
  void clear() { keys_.clear(); }
  void offer(const listing::BlobView& blob) {
    if (count() <= checkpoint::max_unconfirmed_existing) keys_.insert(identity_.key_of(blob).bits());
  }
  [[nodiscard]] std::int64_t count() const { return std::ssize(keys_); }

 private:
  const checkpoint::Identity& identity_;
  std::unordered_set<std::uint64_t> keys_;
};

// Writes what is begun with: that, or a replay of it. When there is no room for a replay the Ready condition says so.
Task<Result<void>> restart(PassState& state, Checkpoint from) {
  auto since = replay_due(from, state.wish);
  auto replayed = since ? checkpoint::replay(from, *since) : std::nullopt;
  if (!replayed && !state.is_new) co_return Result<void>{};
  report::Status status = state.stored.status();
  auto written =
      co_await state.stored.write(std::move(status), replayed ? std::move(*replayed) : std::move(from));
  if (written && replayed) state.services.telemetry.replay_started(state.row, *since);
  co_return written;
}

}  // namespace

Task<Result<void>> know_checkpoint(PassState& state) {
  if (!state.row.checkpoint && !state.stored.loaded()) {
    if (auto loaded = co_await state.stored.load(); !loaded) co_return pass(loaded);
  }
  auto elsewhere = [&state] {
    return !state.row.checkpoint || state.row.checkpoint->source != state.identity.container_url;
  };
  if (elsewhere() && !state.stored.loaded()) {
    if (auto loaded = co_await state.stored.load(); !loaded) co_return pass(loaded);
  }
  state.is_new = elsewhere();
  co_return Result<void>{};
}

Task<Result<void>> begin(PassState& state, azure::Access access) {
  Checkpoint initial = checkpoint::begin_with_all(state.identity.container_url);
  auto start =
      checkpoint::start_at(state.plan->spec, state.row.checkpoint.get(), state.identity.container_url);
  bool ignore = start == checkpoint::Start::IgnoreExisting;
  checkpoint::IgnoreExisting existing(state.identity);
  VersionCount matching(state.identity);
  auto anew = [&] {
    existing = checkpoint::IgnoreExisting(state.identity);
    matching.clear();
  };
  auto take = [&](const listing::BlobView& blob) {
    if (ignore) return existing.offer(blob);
    matching.offer(blob);
  };
  auto horizon = co_await list(state, access, {anew, take});
  if (!horizon) co_return pass(horizon);
  if (auto same = co_await state.read_again(); !same)
    co_return pass(same);  // a choice may have been made meanwhile
  state.held_back = checkpoint::must_hold(start, matching.count());
  if (state.held_back) co_return Result<void>{};
  if (ignore) initial = std::move(existing).finish(*horizon);
  if (state.row.checkpoint) {
    auto moved = checkpoint::move_to(*state.row.checkpoint, std::move(initial));
    if (!moved) co_return pass(moved);
    initial = std::move(*moved);
  }
  co_return co_await restart(state, std::move(initial));
}

Task<Result<void>> begin_replay(PassState& state) {
  if (!replay_due(*state.row.checkpoint, state.wish)) co_return Result<void>{};
  if (auto same = co_await state.read_again(); !same) co_return pass(same);  // the wish may be gone by now
  co_return co_await restart(state, state.settled_checkpoint());
}

}  // namespace abo::controllers
