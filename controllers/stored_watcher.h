// The stored object of the watcher a pass works for, and the row's picture of its checkpoint, kept in step: what is read
// with a quorum or was written by us is in the row, and nothing else ever is. StatusDocument knows the rules of writing.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "controllers/services.h"
#include "controllers/status_document.h"
#include "controllers/watcher_row.h"
#include "report/status.h"

namespace abo::controllers {

class StoredWatcher {
 public:
  // Both outlive it.
  StoredWatcher(Services& services, WatcherRow& row);

  // With a quorum. row.checkpoint is null afterwards when none is stored. Errors: Invalid InvalidCheckpoint, and those
  // of StatusDocument::load().
  [[nodiscard]] Task<Result<void>> load();
  // The same for a report: a checkpoint that cannot be read is no error, and the row's stays as it is.
  [[nodiscard]] Task<Result<void>> load_status();
  [[nodiscard]] bool loaded() const { return document_.loaded(); }

  [[nodiscard]] const report::Status& status() const { return document_.stored(); }
  // As the pass found it: what turned since then is told as an Event.
  [[nodiscard]] const report::Status& found() const { return found_; }
  [[nodiscard]] std::optional<std::int64_t> generation() const;
  // The annotation replay-since.
  [[nodiscard]] std::string_view replay_wish() const;
  // True when exactly the row's checkpoint is stored.
  [[nodiscard]] bool holds_row_checkpoint() const;

  // Errors: those of StatusDocument::write(); the row's checkpoint is unknown then.
  [[nodiscard]] Task<Result<void>> write(report::Status status, checkpoint::Checkpoint next);
  // With the checkpoint that is in the status already.
  [[nodiscard]] Task<Result<void>> write(report::Status status);

 private:
  [[nodiscard]] Result<void> take_checkpoint();

  WatcherRow& row_;
  StatusDocument document_;
  report::Status found_;
};

}  // namespace abo::controllers
