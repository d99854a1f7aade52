#include "controllers/stored_watcher.h"

#include <memory>

#include "controllers/replay_request.h"

namespace abo::controllers {

using checkpoint::Checkpoint;

StoredWatcher::StoredWatcher(Services& services, WatcherRow& row)
    : row_(row), document_(services.kube, row.ns, row.name, row.uid) {}

Task<Result<void>> StoredWatcher::load() {
  if (auto loaded = co_await load_status(); !loaded) co_return pass(loaded);
  co_return take_checkpoint();
}

Task<Result<void>> StoredWatcher::load_status() {
  bool first = !document_.loaded();
  auto loaded = co_await document_.load();
  if (loaded && first) found_ = document_.stored();
  co_return loaded;
}

Result<void> StoredWatcher::take_checkpoint() {
  std::unique_ptr<Checkpoint> before = std::move(row_.checkpoint);
  const json::value& stored = document_.stored().checkpoint;
  if (stored.is_null()) return {};
  auto read = checkpoint::from_json(stored);
  if (!read) return pass(read);
  if (!before || *before != *read) row_.settled.reset();
  row_.checkpoint = std::make_unique<Checkpoint>(std::move(*read));
  return {};
}

std::optional<std::int64_t> StoredWatcher::generation() const {
  return find_int(document_.object(), {"metadata", "generation"});
}

std::string_view StoredWatcher::replay_wish() const {
  return controllers::replay_wish(document_.object());
}

bool StoredWatcher::holds_row_checkpoint() const {
  return row_.checkpoint &&
         document_.stored().checkpoint == json::value(checkpoint::to_json(*row_.checkpoint));
}

Task<Result<void>> StoredWatcher::write(report::Status status, Checkpoint next) {
  status.checkpoint = checkpoint::to_json(next);
  auto written = co_await document_.write(std::move(status));
  if (!written) {
    row_.checkpoint.reset();
    co_return pass(written);
  }
  row_.checkpoint = std::make_unique<Checkpoint>(std::move(next));
  row_.settled.reset();
  co_return Result<void>{};
}

Task<Result<void>> StoredWatcher::write(report::Status status) {
  auto written = co_await document_.write(std::move(status));
  if (!written) {
    row_.checkpoint.reset();
    co_return pass(written);
  }
  (void)take_checkpoint();  // one that cannot be read is said to be so by the next poll
  co_return Result<void>{};
}

}  // namespace abo::controllers
