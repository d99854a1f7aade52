#include "controllers/container_listing.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "controllers/pass_state.h"
#include "filter/filter.h"

namespace abo::controllers {
namespace {

constexpr std::chrono::seconds deadline{600};
constexpr std::chrono::seconds between_news{30};

Error stopping() {
  return {ErrorKind::Canceled, Reason::Canceled, "the operator is stopping"};
}

Error gone(const WatcherRow& row) {
  return {ErrorKind::Canceled, Reason::Canceled, fmt::format("watcher {} is gone", row.key())};
}

Error too_slow() {
  return {ErrorKind::UnknownOutcome, Reason::ServiceUnavailable,
          fmt::format("the listing did not end within {} s; split the container between watchers with "
                      "spec.blobPrefix, or look at the network between here and the account",
                      deadline.count())};
}

// Beneath || an exception would only be waited for: a bug is handed out as an error instead.
Task<Result<azure::Listing>> as_value(Task<Result<azure::Listing>> listing) {
  try {
    co_return co_await std::move(listing);
  } catch (const std::exception& thrown) {
    co_return fail(ErrorKind::Internal, Reason::Internal, fmt::format("internal error: {}", thrown.what()));
  }
}

// Until the deadline; a person who waits for a large container learns that it goes on.
Task<void> tell_how_far(Services& services, const WatcherRow& row, const std::int64_t& shown) {
  MonoTime began = services.clock.mono();
  for (auto waited = between_news;; waited += between_news) {
    co_await services.sleeper.sleep(between_news);
    bool woken =
        services.clock.mono() - began < waited - std::chrono::seconds{1};  // there is nothing to wait for
    if (woken || waited >= deadline) co_return;
    services.telemetry.listing(row, shown, waited);
  }
}

// Why a listing that began at `generation` of the watcher is of no use any more.
std::optional<Error> in_vain(const Services& services, const WatcherRow& row, std::int64_t generation) {
  if (services.stopping()) return stopping();
  if (row.gone) return gone(row);
  if (row.generation != generation || row.crowded_out) return out_of_date();
  return std::nullopt;
}

// The row's signal exists as long as this frame, which outlives all that waits for it.
Task<void> until_changed(WatcherRow& row, std::int64_t generation, Task<void> work) {
  struct Lent {
    explicit Lent(WatcherRow& r) : row(r) { row.listing = &changed; }
    ~Lent() { row.listing = nullptr; }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    WatcherRow& row;
    kube::Signal changed;
  } lent(row);
  if (row.gone || row.generation != generation || row.crowded_out)
    co_return;  // while this coroutine waited to begin
  co_await kube::until(lent.changed, std::move(work));
}

// `shown` is how many blobs the sink was shown.
Task<Result<azure::Listing>> list_once(Services& services, WatcherRow& row, std::int64_t generation,
                                       const std::int64_t& shown, std::string prefix, azure::Access access,
                                       listing::BlobSink sink, azure::ContainerShape* shape) {
  using namespace boost::asio::experimental::awaitable_operators;
  if (auto vain = in_vain(services, row, generation)) co_return std::unexpected(std::move(*vain));
  auto listed = co_await (
      as_value(services.blobs.list(std::move(access), std::move(prefix), std::move(sink), shape)) ||
      kube::until(services.stop_signal, until_changed(row, generation, tell_how_far(services, row, shown))));
  if (listed.index() == 1) co_return std::unexpected(in_vain(services, row, generation).value_or(too_slow()));
  co_return std::get<0>(std::move(listed));
}

}  // namespace

Task<ContainerListing> list_container(Services& services, WatcherRow& row, std::int64_t generation,
                                      const PassPlan& plan, azure::Access access, ListingTaker taker) {
  ContainerListing out;
  std::int64_t shown = 0;
  auto begin = [&] {
    out.matched = shown = 0;
    taker.begin();
  };
  auto sink = [&](const listing::BlobView& blob) {
    ++shown;
    if (plan.filter.judge(blob) != filter::Verdict::Matches) return;
    ++out.matched;
    taker.matching(blob);
  };
  MonoTime began = services.clock.mono();
  if (!row.shape) row.shape = std::make_unique<azure::ContainerShape>();
  Result<azure::Listing> listed;
  do {
    begin();
    listed = co_await list_once(services, row, generation, shown, plan.spec.blob_prefix, access, sink,
                                row.shape.get());
  } while (listed && listed->begin_again);
  if (!row.shape->is_large()) row.shape.reset();
  out.took = std::chrono::duration_cast<std::chrono::milliseconds>(services.clock.mono() - began);
  if (!listed) {
    out.horizon = pass(listed);
    co_return out;
  }
  out.listed = listed->listed;
  out.hierarchical = listed->hierarchical;
  out.horizon = checkpoint::Horizon{.service_date = listed->service_date,
                                    .settle_margin = services.settings.settle_margin,
                                    .min_age = std::chrono::seconds{plan.spec.min_age_seconds}};
  co_return out;
}

}  // namespace abo::controllers
