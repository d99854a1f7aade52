// What a pass has to say for itself: its conditions, and the Event that a credential ends soon.
#pragma once

#include "controllers/pass_state.h"

namespace abo::controllers {

// Of a pass that reached its end. `known` may be null: there is no checkpoint yet.
[[nodiscard]] report::Verdict verdict(const PassState& state, const checkpoint::Checkpoint* known);

// One Event for each end of a credential, also over restarts: who is told is what the stored condition does not say.
void tell_of_expiry(PassState& state);

// When the schedule will poll next, by what is known of this pass so far; and what a clock on the wall will say then.
[[nodiscard]] MonoTime next_poll(const PassState& state);
[[nodiscard]] WallTime wall_time(const PassState& state, MonoTime due);

}  // namespace abo::controllers
