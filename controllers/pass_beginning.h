// How a pass comes to the checkpoint it goes on from: the stored one; for a container that has none, one that says what
// becomes of the blobs that are there; for a replay, one that goes back in time. Whatever is begun with is stored before
// anything is created by it.
#pragma once

#include "azure/credentials.h"
#include "controllers/pass_state.h"

namespace abo::controllers {

// Reads the checkpoint when the row has none for the pass's container; state.is_new says whether there is one.
[[nodiscard]] Task<Result<void>> know_checkpoint(PassState& state);

// A watcher that has no checkpoint for this container: decides what becomes of the blobs that are there.
// Whatever it decides is stored before anything is created, and only after the container was listed to its end: a
// typo in its name concludes nothing. A container it looked at before is taken up where it was left.
// state.held_back afterwards: nothing was decided, the watcher's owner has to.
[[nodiscard]] Task<Result<void>> begin(PassState& state, azure::Access access);

// The watcher's owner wants blobs triggered again (the annotation replay-since): the checkpoint goes back to that time,
// in one write, and only then does anything get a key of the replay.
[[nodiscard]] Task<Result<void>> begin_replay(PassState& state);

}  // namespace abo::controllers
