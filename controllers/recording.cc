#include "controllers/recording.h"

#include "checkpoint/checkpoint.h"

namespace abo::controllers {
namespace {

// True when the object stands for a version in that container: its key says so.
bool belongs(const HeldRun& run, std::string_view source, std::string_view watcher_uid) {
  return TriggerKey::of(watcher_uid, source, run.blob.name, run.blob.etag).hex() == run.trigger_key;
}

// The previous checkpoint of the run's container, or nullptr.
json::value* previous_of(json::array& previous, const HeldRun& run, std::string_view watcher_uid) {
  for (json::value& entry : previous) {
    if (entry.is_object() && belongs(run, find_string(entry.get_object(), {"source"}), watcher_uid))
      return &entry;
  }
  return nullptr;
}

// Marks one run done in the checkpoint of its container. False when that knew it, or when nobody remembers the
// container: then there is nothing to record it in.
bool record_one(checkpoint::Checkpoint& checkpoint, const HeldRun& run, std::string_view watcher_uid) {
  auto key = TriggerKey::from_hex(run.trigger_key);
  if (!key) return false;
  if (belongs(run, checkpoint.source, watcher_uid)) {
    if (checkpoint.is_done(*key, listing::view(run.blob))) return false;
    checkpoint.mark_done(*key, listing::view(run.blob));
    return true;
  }
  json::value* entry = previous_of(checkpoint.previous, run, watcher_uid);
  auto earlier =
      entry ? checkpoint::from_json(*entry) : Result<checkpoint::Checkpoint>(std::unexpected(Error{}));
  if (!earlier || earlier->is_done(*key, listing::view(run.blob))) return false;
  earlier->mark_done(*key, listing::view(run.blob));
  *entry = checkpoint::to_json(*earlier);
  return true;
}

}  // namespace

std::vector<HeldRun> record(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                            std::vector<HeldRun> held) {
  std::erase_if(held, [&](const HeldRun& run) { return !record_one(checkpoint, run, watcher_uid); });
  return held;
}

std::vector<HeldRun> recorded(const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                              std::vector<HeldRun> held) {
  checkpoint::Checkpoint scratch = checkpoint;
  std::erase_if(held, [&](const HeldRun& run) { return record_one(scratch, run, watcher_uid); });
  return held;
}

}  // namespace abo::controllers
