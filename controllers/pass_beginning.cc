#include "controllers/pass_beginning.h"

#include "checkpoint/existing.h"
#include "checkpoint/replay.h"
#include "controllers/pass_selection.h"
#include "controllers/replay_request.h"

namespace abo::controllers {

using checkpoint::Checkpoint;

namespace {

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
  auto take = [&](const listing::BlobView& blob) {
    if (ignore) existing.offer(blob);
  };
  auto horizon =
      co_await list(state, access, {[&] { existing = checkpoint::IgnoreExisting(state.identity); }, take});
  if (!horizon) co_return pass(horizon);
  if (auto same = co_await state.read_again(); !same)
    co_return pass(same);  // a choice may have been made meanwhile
  state.held_back = checkpoint::must_hold(start, state.numbers.matched);
  // Rows of a page that had to be asked for again were counted again: it is counted anew, and soon.
  if (state.held_back && state.repeated) state.result.wish = std::chrono::seconds{10};
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
