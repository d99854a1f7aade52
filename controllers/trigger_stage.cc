#include "controllers/trigger_stage.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/acting_account.h"
#include "controllers/concurrently.h"

namespace abo::controllers {
namespace {

using checkpoint::Outcome;

// After this many failed creations in a row the cluster is left alone until the next pass.
constexpr std::size_t max_failures_in_a_row = 8;
// So many blobs may be denied in one pass by a policy that takes others. With more the pass fails, and its backoff counts.
constexpr std::size_t max_denied = 512;
constexpr std::chrono::milliseconds max_delay = std::chrono::minutes{5};
// For so long a request may be carried out after it was sent: an API server gives up after a minute (--request-timeout),
// and the way there takes time too.
constexpr std::chrono::milliseconds longest_request = std::chrono::seconds{75};

// 1 s, 2 s, 4 s ... 5 min; a server's own wish goes before.
std::chrono::milliseconds delay(const Error& error, std::uint32_t attempts) {
  if (error.retry_after) return std::min(*error.retry_after, max_delay);
  auto doubled = std::chrono::milliseconds{1000} * (std::int64_t{1} << std::min(attempts, 10U));
  return std::min(doubled, max_delay);
}

// Refusals that every other creation of this pass would meet too. The blobs need not be postponed one by one: the
// cursor simply waits.
bool concerns_all(const Error& error) {
  // Only of this one request.
  bool unknown = error.kind == ErrorKind::UnknownOutcome || error.kind == ErrorKind::Throttled;
  return error.kind == ErrorKind::Unavailable || error.kind == ErrorKind::Canceled ||
         error.reason == Reason::Forbidden || error.reason == Reason::KindNotFound ||
         error.reason == Reason::NamespaceTerminating ||
         (error.reason == Reason::ApiServerUnavailable && !unknown);
}

}  // namespace

TriggerStage::TriggerStage(Services& services, WatcherRow& row, const PassPlan& plan, Target target)
    : services_(services), row_(row), plan_(plan), target_(std::move(target)) {}

Task<std::vector<Outcome>> TriggerStage::run(std::vector<Work> work, MonoTime until) {
  until_ = until;
  std::vector<Outcome> outcomes(work.size());
  co_await concurrently(work.size(), requests_in_flight,
                        [&](std::size_t i) { return one(work[i], outcomes[i]); });
  co_return outcomes;
}

TriggerStage::Harvest TriggerStage::harvest() {
  return std::exchange(harvest_, {});
}

bool TriggerStage::must_stop() const {
  return halt_ || begin_again_ || outdated() || row_.gone || services_.stopping();
}

Task<void> TriggerStage::one(const Work& work, Outcome& outcome) {
  if (must_stop() || services_.clock.mono() >= until_) co_return;
  if (work.candidate.blob.copy_pending) {
    postpone(work, {ErrorKind::Unavailable, Reason::CopyPending, "the blob is still being copied"}, false,
             outcome);
    co_return;
  }
  auto rendered =
      plan_.template_.render(target_.source, blob_of(plan_.filter, work.candidate.blob, work.candidate.key));
  if (!rendered) {
    set_aside(work, rendered.error());
    outcome.kind = Outcome::Kind::Done;
    co_return;
  }
  const UnderWay* earlier = under_way(work);
  CreateOrder order{.resource = target_.resource,
                    .ns = row_.ns,
                    .rendered = std::move(*rendered),
                    .trigger_key = work.candidate.key.hex(),
                    .watcher_uid = row_.uid,
                    .fallback_first = work.fallback_first || (earlier && earlier->fallback),
                    .one_name_only = under_way_for(work) > std::chrono::milliseconds{0},
                    .impersonate = identity(),
                    .may_send = services_.may_act};
  auto creation = co_await create_resource(services_.kube, std::move(order));
  co_await settle(work, std::move(creation), outcome);
}

Task<void> TriggerStage::settle(const Work& work, Creation creation, Outcome& outcome) {
  switch (creation.kind) {
    case Creation::Kind::Created:
    case Creation::Kind::Existed:
      failures_in_a_row_ = 0;
      outcome.kind = Outcome::Kind::Done;
      keep(work, creation);
      co_return;
    case Creation::Kind::BeginAgain:
      begin_again_ = true;
      co_return;
    case Creation::Kind::Failed:
      co_await settle_failure(work, std::move(creation), outcome);
      co_return;
  }
}

Task<void> TriggerStage::settle_failure(const Work& work, Creation creation, Outcome& outcome) {
  Error error = advised(std::move(creation.error));
  services_.telemetry.create_failed(row_, work.candidate.blob, error);
  if (error.kind == ErrorKind::UnknownOutcome) note_under_way(work, creation.used_fallback);
  if (concerns_all(error)) {
    if (!halt_) halt_ = error;
    co_return;
  }
  if (error.reason == Reason::NameConflict && error.kind == ErrorKind::Invalid) {
    set_aside(work, error);
    outcome.kind = Outcome::Kind::Done;
    co_return;
  }
  if (error.reason == Reason::Rejected) co_return co_await settle_rejection(work, std::move(error), outcome);
  postpone(work, error, creation.used_fallback, outcome);
  if (error.reason == Reason::NameConflict) co_return;  // of this name alone
  bool denied = error.reason == Reason::AdmissionDenied && error.kind != ErrorKind::UnknownOutcome;
  if (denied && sample_passes_) {  // a policy against this blob alone
    if (++denied_ >= max_denied && !halt_) halt_ = error;
    co_return;
  }
  if (++failures_in_a_row_ < max_failures_in_a_row || halt_) co_return;
  if (denied && co_await others_would_pass()) {
    failures_in_a_row_ = 0;
    co_return;
  }
  if (!halt_) halt_ = error;
}

// A rejected object is the blob's fault only if one for an ordinary name would pass: otherwise a typo in the template
// would set every blob aside. While that cannot be told, the blob waits.
Task<void> TriggerStage::settle_rejection(const Work& work, Error error, Outcome& outcome) {
  if (!sample_passes_) {
    auto sample = co_await dry_run_sample();
    if (!sample && sample.error().reason == Reason::Rejected) {
      error.reason = Reason::InvalidTemplate;
      error.message =
          fmt::format("the API server rejects what spec.jobTemplate.template makes: {}", error.message);
      if (!halt_) halt_ = std::move(error);
      co_return;
    }
    if (!sample) co_return postpone(work, sample.error(), false, outcome);
    sample_passes_ = true;
  }
  set_aside(work, error);
  outcome.kind = Outcome::Kind::Done;
}

Task<bool> TriggerStage::others_would_pass() {
  if (!sample_passes_) {
    auto sample = co_await dry_run_sample();
    sample_passes_ = sample_passes_ || sample.has_value();
  }
  co_return sample_passes_;
}

// A blob that was taken before, if there is one: a template may put into a number what its pattern finds in a name.
render::Blob TriggerStage::sample() const {
  auto key_of = [&](const listing::BlobItem& blob) {
    return TriggerKey::of(row_.uid, target_.source.container_url, blob.name, blob.etag);
  };
  if (row_.proven && row_.proven->generation == target_.generation)
    return blob_of(plan_.filter, row_.proven->blob, key_of(row_.proven->blob));
  render::Blob sample;
  sample.item = {.name = "sample.bin", .etag = "0x0", .last_modified = ServiceTime{std::chrono::seconds{0}}};
  sample.key = key_of(sample.item);
  for (const std::string& name : plan_.filter.group_names()) sample.groups.push_back({name, "sample"});
  return sample;
}

// A name that is taken is one that was looked at to the end.
Task<Result<void>> TriggerStage::dry_run_sample() {
  auto rendered = plan_.template_.render(target_.source, sample());
  if (!rendered)
    co_return Result<void>{};  // the template has nothing against ordinary names, only against samples
  kube::WriteOptions options{.impersonate = identity(), .dry_run = true};
  // write site: resource-dry-run
  auto answer =
      co_await services_.kube.create(target_.resource.path(row_.ns), std::move(rendered->object), options);
  if (answer || answer.error().kind == ErrorKind::AlreadyExists) co_return Result<void>{};
  co_return pass(answer);
}

// The API server says what it refuses; users also need to know what to do about it.
Error TriggerStage::advised(Error error) const {
  std::string_view advice;
  std::string own;
  if (error.reason == Reason::Forbidden) {
    own = fmt::format("let {} create {} in namespace {} (a Role and a RoleBinding)", to_string(identity()),
                      target_.resource.plural, row_.ns);
    advice = own;
  } else if (error.reason == Reason::QuotaExceeded) {
    advice = "raise the ResourceQuota, or let finished resources go (ttlSecondsAfterFinished)";
  } else if (error.reason == Reason::AdmissionDenied) {
    advice = "change spec.jobTemplate.template or the policy";
  } else if (error.reason == Reason::KindNotFound) {
    advice = "install what serves this kind";
  } else if (error.reason == Reason::NamespaceTerminating) {
    advice = "nothing is created in a namespace that is being deleted";
  }
  if (!advice.empty()) error.message = fmt::format("{}. {}", error.message, advice);
  return error;
}

std::optional<kube::ServiceAccount> TriggerStage::identity() const {
  return acting_account(services_.settings, row_.ns, plan_.spec.service_account_name);
}

void TriggerStage::keep(const Work& work, const Creation& creation) {
  WallTime now = services_.clock.wall();
  services_.runs.store().upsert(target_.watch, creation.object, services_.clock.mono());
  report::TriggeredJob job{.api_version = target_.resource.api_version(),
                           .kind = target_.resource.kind,
                           .name = std::string(find_string(creation.object, {"metadata", "name"})),
                           .blob_name = work.candidate.blob.name,
                           .etag = work.candidate.blob.etag,
                           .blob_last_modified = format_rfc3339(work.candidate.blob.last_modified),
                           .triggered_at = format_rfc3339(std::chrono::floor<std::chrono::seconds>(now)),
                           .phase = "Pending",
                           .finished_at = {}};
  services_.telemetry.triggered(
      row_, job, creation.kind == Creation::Kind::Existed,
      now - std::chrono::time_point_cast<std::chrono::milliseconds>(work.candidate.blob.last_modified));
  harvest_.triggered.push_back(std::move(job));
  if (creation.kind == Creation::Kind::Created)
    row_.proven = std::make_unique<const ProvenBlob>(target_.generation, work.candidate.blob);
}

void TriggerStage::set_aside(const Work& work, const Error& error) {
  const listing::BlobItem& blob = work.candidate.blob;
  harvest_.set_aside.push_back({blob.name, blob.etag, std::string(to_string(error.reason)), error.message});
  services_.telemetry.set_aside(row_, blob, error);
}

// What it left behind is looked for before the next creation, and until it cannot be carried out any more the blob's
// other name is not used.
void TriggerStage::note_under_way(const Work& work, bool fallback) {
  MonoTime now = services_.clock.mono();
  row_.sweep = target_.watch;
  std::erase_if(row_.under_way, [&](const auto& one) { return one.second.until <= now; });
  row_.under_way[work.candidate.key.bits()] = {.until = now + longest_request, .fallback = fallback};
}

const UnderWay* TriggerStage::under_way(const Work& work) const {
  auto own = row_.under_way.find(work.candidate.key.bits());
  return own == row_.under_way.end() ? nullptr : &own->second;
}

// By the checkpoint, which may have been written by a machine with another clock, or by this process's own memory.
std::chrono::milliseconds TriggerStage::under_way_for(const Work& work) const {
  using std::chrono::milliseconds;
  auto stored = std::clamp<milliseconds>(work.under_way_until - services_.clock.wall(), milliseconds{0},
                                         longest_request);
  const UnderWay* own = under_way(work);
  if (!own) return stored;
  return std::max(stored, std::chrono::ceil<milliseconds>(own->until - services_.clock.mono()));
}

void TriggerStage::postpone(const Work& work, const Error& error, bool fallback, Outcome& outcome) const {
  WallTime now = services_.clock.wall();
  bool unknown = error.kind == ErrorKind::UnknownOutcome;
  WallTime until = now + (unknown ? longest_request : under_way_for(work));
  const UnderWay* earlier = under_way(work);
  bool waits_for_name = error.kind == ErrorKind::Throttled && error.reason == Reason::NameConflict;
  outcome = {.kind = Outcome::Kind::Postponed,
             .attempts = work.attempts + 1,
             .fallback = unknown ? fallback : work.fallback_first || (earlier && earlier->fallback),
             .retry_at = now + (waits_for_name ? under_way_for(work) : delay(error, work.attempts)),
             .reason = error.reason,
             .message = error.message,
             .under_way_until = until > now ? until : WallTime{}};
}

}  // namespace abo::controllers
