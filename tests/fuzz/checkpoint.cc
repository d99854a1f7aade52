// What is read back from status.checkpoint. The input is JSON, whatever somebody may have written there. A checkpoint
// that can be read is written as one that reads the same, for ever; and moving to another container and back keeps it.
#include <fmt/format.h>

#include "checkpoint/checkpoint.h"
#include "checkpoint/replay.h"
#include "listing/text_decode.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using checkpoint::Checkpoint;

void check_stable(const Checkpoint& read) {
  json::object written = to_json(read);
  auto again = checkpoint::from_json(written);
  require(again.has_value(), "what was written can be read");
  require(*again == read, "what was written reads the same");
  require(to_json(*again) == written, "what was read is written the same");
  auto text = parse_json(json::serialize(written));
  require(text.has_value(), "it is JSON");
  auto from_text = checkpoint::from_json(*text);
  require(from_text.has_value(), "also as text it can be read");
  from_text->previous = read.previous;  // held as it came: its numbers may lose digits on the way
  require(*from_text == read, "also as text it reads the same");
}

void check_contents(const Checkpoint& read) {
  require(!read.source.empty(), "a checkpoint is of some container");
  for (const checkpoint::Postponed& one : read.postponed) {
    require(!one.blob.name.empty() && one.blob.size >= 0, "a postponed blob has a name and a size");
    require(read.is_postponed(one.blob.name, one.blob.etag), "a postponed blob is found again");
  }
}

// Away and back again, however often: nothing would be triggered twice.
void check_move(const Checkpoint& read) {
  Checkpoint fresh;
  fresh.source = read.source + "-other";
  auto there = checkpoint::move_to(read, fresh);
  if (!there) return;  // an earlier checkpoint of that container is damaged
  require(there->source == fresh.source, "the other container's checkpoint");
  require(there->previous.size() <= Checkpoint::max_previous, "earlier checkpoints are bounded");
  Checkpoint back_fresh;
  back_fresh.source = read.source;
  require(was_at(*there, read.source), "the way back is known");
  auto back = checkpoint::move_to(*there, back_fresh);
  require(back.has_value(), "the way back works");
  back->previous = read.previous;
  require(*back == read, "what was left is found again");
}

void check_replay(const Checkpoint& read) {
  ServiceTime since = read.cursor.last_modified;
  auto next = checkpoint::replay(read, since);
  if (!next) return;  // remembered, or no room
  require(next->replays.size() <= checkpoint::Replays::capacity, "replays are bounded");
  require(next->cursor == checkpoint::start_of(since), "all since then is to be done");
  require(next->postponed.size() == read.postponed.size(), "what waits waits on");
  require(!checkpoint::replay(*next, since), "no replay begins twice");
  check_stable(*next);
}

void check_cursor(Checkpoint read) {
  checkpoint::Position before = read.cursor;
  read.move_cursor({before.last_modified - std::chrono::seconds{1}, "z"});
  require(read.cursor == before, "the cursor never moves back");
  read.move_cursor(checkpoint::end_of(before.last_modified));
  require(read.cursor > before, "the cursor moves forward");
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo;
  using namespace abo::fuzz;
  auto value = parse_json(text_of(data, size));
  if (!value) return 0;
  auto read = checkpoint::from_json(*value);
  if (!read) {
    require(read.error().reason == Reason::InvalidCheckpoint,
            "what cannot be read is said by its own reason");
    require(listing::is_text(read.error().message), "an error is UTF-8 text");
    return 0;
  }
  check_stable(*read);
  check_contents(*read);
  check_move(*read);
  check_cursor(*read);
  check_replay(*read);
  return 0;
}
