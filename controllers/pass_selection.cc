#include "controllers/pass_selection.h"

namespace abo::controllers {

using checkpoint::Horizon;
using checkpoint::Selection;

Task<Result<Horizon>> list(PassState& state, azure::Access access, ListingTaker taker) {
  state.numbers.complete = false;
  auto listing = co_await list_container(state.services, state.row, state.generation, *state.plan,
                                         std::move(access), std::move(taker));
  state.result.listing = listing.took;
  state.numbers.listed = listing.listed;
  state.numbers.matched = listing.matched;
  state.numbers.hierarchical = listing.hierarchical;
  state.numbers.complete = listing.horizon.has_value();
  co_return std::move(listing.horizon);
}

Task<Result<Selection>> choose(PassState& state, azure::Access access) {
  state.known = state.settled_checkpoint();
  state.identity = checkpoint::identity_of(state.known, state.row.uid);
  std::optional<checkpoint::CandidateSelector> selector;
  auto horizon = co_await list(
      state, std::move(access),
      {[&] { selector.emplace(state.known, state.identity, checkpoint::CandidateSelector::Limits{}); },
       [&](const listing::BlobView& blob) { selector->offer(blob); }});
  if (!horizon) co_return pass(horizon);
  state.horizon = *horizon;
  co_return std::move(*selector).finish();
}

}  // namespace abo::controllers
