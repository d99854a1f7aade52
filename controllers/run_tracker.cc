#include "controllers/run_tracker.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/concurrently.h"
#include "controllers/kinds_in_use.h"
#include "controllers/poll_schedule.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

constexpr std::chrono::milliseconds sync_patience = std::chrono::seconds{10};
constexpr std::chrono::milliseconds start_retry = std::chrono::seconds{1};
constexpr std::uint32_t max_not_served = 8;  // answers, over some four minutes

std::string_view group_of(std::string_view api_version) {
  auto slash = api_version.find('/');
  return slash == api_version.npos ? std::string_view{} : api_version.substr(0, slash);
}

}  // namespace

// One kind in one namespace (or all): the handler of its reflector.
class RunTracker::Watch final : public kube::ReflectorHandler {
 public:
  Watch(RunTracker& tracker, WatchId id, kube::Resource resource, std::string ns)
      : tracker_(tracker), id_(id), resource_(std::move(resource)), ns_(std::move(ns)) {
    begin();
  }

  [[nodiscard]] const kube::Resource& resource() const { return resource_; }
  [[nodiscard]] WatchId id() const { return id_; }
  [[nodiscard]] bool covers(std::string_view api_version, std::string_view kind, std::string_view ns) const {
    return resource_.kind == kind && resource_.group == group_of(api_version) && (ns_.empty() || ns_ == ns);
  }
  // It is not served, in this version at least.
  [[nodiscard]] bool is_missing() const { return error_ && error_->kind == ErrorKind::NotFound; }
  // Another version shows the same objects.
  void move_to(kube::Resource resource) {
    reflectors_.back()->stop();
    resource_ = std::move(resource);
    synced_ = false;
    error_.reset();
    begin();
  }

  // Listed once and not failing since; or why not.
  [[nodiscard]] Task<Result<void>> listed() {
    MonoTime end = tracker_.clock_.mono() + sync_patience;
    while (!synced_ && !error_ && tracker_.clock_.mono() < end && !tracker_.options_.stopping())
      co_await progress_.wait(std::chrono::milliseconds{500});
    if (synced_) co_return Result<void>{};
    if (error_) co_return std::unexpected(explain(*error_));
    co_return fail(ErrorKind::Unavailable, Reason::ApiServerUnavailable,
                   fmt::format("{} could not be listed yet", resource_.plural));
  }

  void on_list_begin() override { tracker_.store_.begin_list(id_); }
  void on_object(json::object&& object, kube::Change change) override {
    if (change == kube::Change::Deleted) {
      tracker_.store_.erase(id_, find_string(object, {"metadata", "namespace"}),
                            find_string(object, {"metadata", "name"}));
    } else {
      tracker_.store_.upsert(id_, object, tracker_.clock_.mono());
    }
  }
  void on_list_end() override {
    tracker_.store_.end_list(id_);
    synced_ = true;
    error_.reset();
    progress_.notify_all();
  }
  void on_error(const Error& error) override {
    error_ = error;
    bool lost = error.kind == ErrorKind::NotFound || error.kind == ErrorKind::Forbidden;
    if (lost)
      synced_ = false;  // the kind or our right to it is gone; a server that is away for a while is not
    // A kind that is not served has no objects. Should it be back in a moment, it is listed before anything is created.
    if (error.kind == ErrorKind::NotFound) {
      tracker_.store_.end_list(id_);
      tracker_.discovery_.forget(resource_.api_version());
    }
    progress_.notify_all();
    if (tracker_.options_.on_error) tracker_.options_.on_error(resource_, error);
  }

 private:
  void begin() {
    tracker_.store_.kind_tells(id_,
                               report::telling_of(resource_.group, resource_.kind, resource_.has_status));
    reflectors_.push_back(std::make_unique<kube::Reflector>(tracker_.client_, *this, reflector_options(),
                                                            tracker_.clock_, tracker_.sleeper_,
                                                            tracker_.options_.random));
    tracker_.scope_.spawn(reflectors_.back()->run());
  }
  [[nodiscard]] kube::ReflectorOptions reflector_options() const {
    return {.path = resource_.path(ns_),
            .label_selector = our_label(),
            .on_restart = tracker_.options_.on_restart};
  }

  [[nodiscard]] Error explain(Error error) const {
    if (error.kind == ErrorKind::Forbidden) {
      error.message = fmt::format(
          "the operator may not list and watch {}; grant its ServiceAccount create, get, list, "
          "watch, patch and delete on them ({})",
          resource_.plural, error.message);
    }
    return error;
  }

  RunTracker& tracker_;
  WatchId id_;
  kube::Resource resource_;
  std::string ns_;
  bool synced_ = false;
  std::optional<Error> error_;
  kube::Signal progress_;
  std::vector<std::unique_ptr<kube::Reflector>> reflectors_;  // the last one counts; others end when they can
};

RunTracker::RunTracker(kube::Client& client, kube::Discovery& discovery, const Clock& clock,
                       kube::Sleeper& sleeper, runtime::TaskScope& scope, TrackerOptions options)
    : client_(client),
      discovery_(discovery),
      clock_(clock),
      sleeper_(sleeper),
      scope_(scope),
      options_(std::move(options)) {}

RunTracker::~RunTracker() = default;

Task<void> RunTracker::start(const KindPolicy& kinds) {
  auto spelled = co_await spelled_out(client_, kinds.rules());
  while (!spelled && disposition(spelled.error()) == Disposition::Retry && !options_.stopping()) {
    co_await sleeper_.sleep(start_retry);
    spelled = co_await spelled_out(client_, kinds.rules());
  }
  std::vector<KindRule> rules = kinds.rules();
  if (spelled) rules = std::move(*spelled);
  std::vector<Start> starts(rules.size(), Start::Unanswered);
  bool none = !rules.empty();
  while (none && !options_.stopping()) {
    co_await concurrently(rules.size(), requests_in_flight,
                          [&](std::size_t i) { return note_start(rules[i], starts[i]); });
    none = std::ranges::all_of(starts, [](Start one) { return one == Start::Unanswered; });
    if (none) co_await sleeper_.sleep(start_retry);
  }
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (starts[i] != Start::Settled) scope_.spawn(keep_starting(rules[i]));
  }
}

Task<void> RunTracker::note_start(KindRule rule, Start& start) {
  start = co_await start_rule(std::move(rule));
}

Task<void> RunTracker::keep_starting(KindRule rule) {
  for (std::uint32_t tries = 1; !options_.stopping(); ++tries) {
    co_await sleeper_.sleep(backoff(tries, options_.random()));
    if (options_.stopping()) co_return;
    Start start = co_await start_rule(rule);
    if (start == Start::Settled || (start == Start::NotServed && tries >= max_not_served)) co_return;
  }
}

Task<RunTracker::Start> RunTracker::start_rule(KindRule rule) {
  if (is_wildcard(rule)) return start_wildcard(std::move(rule));
  return start_kind(std::move(rule));
}

std::vector<std::string> RunTracker::scopes() const {
  return options_.namespaces.empty() ? std::vector<std::string>{""} : options_.namespaces;
}

Task<RunTracker::Start> RunTracker::start_kind(KindRule rule) {
  auto versions = co_await versions_of(client_, rule);
  if (!versions) co_return start_after(versions.error());
  if (versions->empty()) co_return Start::Settled;
  Start start = Start::Settled;
  for (const std::string& ns : scopes()) {
    auto followed = co_await follow(versions->front(), rule.kind, ns);
    if (!followed) start = std::max(start, start_after(followed.error()));
  }
  co_return start;
}

Task<RunTracker::Start> RunTracker::start_wildcard(KindRule rule) {
  auto in_use = co_await kinds_in_use(client_, discovery_, std::move(rule), scopes());
  Start start = in_use.error ? start_after(*in_use.error) : Start::Settled;
  for (const auto& [resource, ns] : in_use.places) {
    auto followed = co_await follow(resource.api_version(), resource.kind, ns);
    if (!followed) start = std::max(start, start_after(followed.error()));
  }
  co_return start;
}

// An API server that is just starting says for a moment that a kind does not exist, so it is asked again for minutes.
RunTracker::Start RunTracker::start_after(const Error& error) {
  if (disposition(error) == Disposition::Retry) return Start::Unanswered;
  return error.kind == ErrorKind::NotFound ? Start::NotServed : Start::Settled;
}

Task<Result<RunTracker::Followed>> RunTracker::follow(std::string api_version, std::string kind,
                                                      std::string ns) {
  std::optional<WatchId> id = watch_of(api_version, kind, ns);
  std::optional<kube::Resource> asked;  // in the version asked for
  if (id && watches_[*id]->resource().api_version() == api_version) {
    asked = watches_[*id]->resource();
  } else {
    auto resource = co_await discovery_.find(api_version, kind);
    if (!resource) co_return pass(resource);
    asked = *resource;
    if (!resource->namespaced) {
      co_return fail(ErrorKind::Forbidden, Reason::KindNotAllowed,
                     fmt::format("{} {} is cluster-scoped; a template may only create namespaced kinds",
                                 api_version, kind));
    }
    Watch& found = watch_for(*resource, ns);
    if (found.is_missing()) found.move_to(*resource);
    id = found.id();
  }
  Watch& watch = *watches_[*id];
  auto listed = co_await watch.listed();
  if (!listed) co_return pass(listed);
  co_return Followed{std::move(*asked), watch.id()};
}

RunTracker::Watch& RunTracker::watch_for(const kube::Resource& resource, std::string_view ns) {
  if (auto id = watch_of(resource.api_version(), resource.kind, ns)) return *watches_[*id];
  std::string scope_ns = options_.namespaces.empty() ? std::string() : std::string(ns);
  auto id = static_cast<WatchId>(watches_.size());
  watches_.push_back(std::make_unique<Watch>(*this, id, resource, std::move(scope_ns)));
  return *watches_.back();
}

std::optional<WatchId> RunTracker::watch_of(std::string_view api_version, std::string_view kind,
                                            std::string_view ns) const {
  auto covers = [&](const std::unique_ptr<Watch>& watch) { return watch->covers(api_version, kind, ns); };
  auto at = std::ranges::find_if(watches_, covers);
  if (at == watches_.end()) return std::nullopt;
  return (*at)->id();
}

const kube::Resource& RunTracker::resource_of(WatchId watch) const {
  return watches_.at(watch)->resource();
}

}  // namespace abo::controllers
