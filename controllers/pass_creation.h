// From what was chosen to what exists: batches of creations, each recorded in the checkpoint before the next begins, and let
// go when it is stored.
#pragma once

#include "checkpoint/candidates.h"
#include "controllers/pass_state.h"
#include "controllers/trigger_stage.h"

namespace abo::controllers {

// Creations first: the finalizers of what is recorded may follow. However it ends, what the stored checkpoint knows is let
// go; after a write that failed it is unknown, and nothing is. Errors: out_of_date(), those of TriggerStage, and those of
// StoredWatcher::write().
[[nodiscard]] Task<Result<void>> trigger(PassState& state, checkpoint::Selection selection, Target target);

}  // namespace abo::controllers
