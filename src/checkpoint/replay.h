// The one way for a cursor to move back: the watcher's owner asks for a replay (the annotation
// mlops.example.com/replay-since). Pure; what comes out must be stored before anything is created by it, and one write
// is enough: from then on every version that the replay covers has a new trigger key and is not done.
//
// Laws:  what the replay does not cover stays as it is: done if it was done, waiting if it waited;
//        what it covers is not done, whatever the checkpoint knew of it, and what waited of it waits on;
//        a replay that is remembered changes nothing.
#pragma once

#include <optional>

#include "checkpoint/checkpoint.h"

namespace abo::checkpoint {

// Nothing when `since` is remembered already (Replays::contains), or else when there is no room for another replay: each
// of so many has versions that still wait.
[[nodiscard]] std::optional<Checkpoint> replay(Checkpoint before, ServiceTime since);

}  // namespace abo::checkpoint
