// What exists, and what of it is new: the listing goes by blob for blob, and what is to be created is kept.
#pragma once

#include "azure/credentials.h"
#include "checkpoint/candidates.h"
#include "controllers/container_listing.h"
#include "controllers/pass_state.h"

namespace abo::controllers {

// Lists the container for `taker`, and counts. Errors: those of list_container().
[[nodiscard]] Task<Result<checkpoint::Horizon>> list(PassState& state, azure::Access access,
                                                     ListingTaker taker);

// The versions that the row's checkpoint (there is one) does not know, oldest first; state.known, .identity and .horizon are set.
[[nodiscard]] Task<Result<checkpoint::Selection>> choose(PassState& state, azure::Access access);

}  // namespace abo::controllers
