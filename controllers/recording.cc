#include "controllers/recording.h"

#include <algorithm>

#include "checkpoint/candidates.h"
#include "checkpoint/checkpoint.h"

namespace abo::controllers {
namespace {

// True when the object stands for a version that the checkpoint speaks of: its key says so.
bool belongs(const HeldRun& run, const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid) {
  auto identity = identity_of(checkpoint, std::string(watcher_uid));
  return identity.key_of(listing::view(run.blob)).hex() == run.trigger_key;
}

enum class Was : std::uint8_t {
  Known,     // done already
  Recorded,  // done now
  Stranger,  // of a version that the checkpoint does not speak of
};

Was record_in(checkpoint::Checkpoint& checkpoint, const HeldRun& run, std::string_view watcher_uid) {
  auto key = TriggerKey::from_hex(run.trigger_key);
  if (!key || !belongs(run, checkpoint, watcher_uid)) return Was::Stranger;
  if (checkpoint.is_done(*key, listing::view(run.blob))) return Was::Known;
  checkpoint.mark_done(*key, listing::view(run.blob));
  return Was::Recorded;
}

// In the checkpoint of its container.
Was record_one(checkpoint::Checkpoint& checkpoint, const HeldRun& run, std::string_view watcher_uid) {
  Was here = record_in(checkpoint, run, watcher_uid);
  if (here != Was::Stranger) return here;
  for (json::value& entry : checkpoint.previous) {
    auto earlier = checkpoint::from_json(entry);
    Was there = earlier ? record_in(*earlier, run, watcher_uid) : Was::Stranger;
    if (there == Was::Recorded) entry = checkpoint::to_json(*earlier);
    if (there != Was::Stranger) return there;
  }
  return Was::Stranger;
}

}  // namespace

std::vector<HeldRun> record(checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                            std::vector<HeldRun> held) {
  std::erase_if(
      held, [&](const HeldRun& run) { return record_one(checkpoint, run, watcher_uid) != Was::Recorded; });
  return held;
}

std::vector<HeldRun> recorded(const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
                              std::vector<HeldRun> held) {
  checkpoint::Checkpoint scratch = checkpoint;
  std::erase_if(held,
                [&](const HeldRun& run) { return record_one(scratch, run, watcher_uid) == Was::Recorded; });
  return held;
}

bool knows_all(const checkpoint::Checkpoint& checkpoint, std::string_view watcher_uid,
               const std::vector<HeldRun>& held) {
  checkpoint::Checkpoint scratch = checkpoint;
  return std::ranges::all_of(
      held, [&](const HeldRun& run) { return record_one(scratch, run, watcher_uid) == Was::Known; });
}

}  // namespace abo::controllers
