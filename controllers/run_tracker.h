// Follows what became of created resources: one list+watch for each kind (and namespace, when the operator is confined
// to some), by our label, feeding the RunStore. Kinds of the allow-list are followed from the start, so that objects
// held by our finalizer are found before anything is created. What a wildcard of the list allows is looked through once
// at the start and followed where something of ours is; the rest from its first use. A kind is followed once, in
// whatever version: all versions show the same objects. When that version is served no more, the next one that a
// template asks for takes its place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "controllers/kind_policy.h"
#include "controllers/run_store.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/reflector.h"
#include "kube/resource.h"
#include "kube/signal.h"
#include "runtime/task_scope.h"

namespace abo::controllers {

struct TrackerOptions {
  std::vector<std::string> namespaces;  // empty: all
  std::function<double()> random;       // numbers from [0, 1)
  std::function<void()> on_restart;     // a watch was opened again
  std::function<bool()> stopping;       // begin nothing more
  std::function<void(const kube::Resource&, const Error&)> on_error;
};

class RunTracker {
 public:
  // All outlive the tracker; its watches run in `scope`.
  RunTracker(kube::Client& client, kube::Discovery& discovery, const Clock& clock, kube::Sleeper& sleeper,
             runtime::TaskScope& scope, TrackerOptions options);
  ~RunTracker();

  // Follows the kinds of the allow-list that the cluster serves, and those of wildcards that have resources of ours.
  // Returns when each was listed once or cannot be. It waits as long as the API server answers for none of them, but not
  // for a single kind whose server is broken or not there yet: that one is tried on, and follow() guards those who need
  // it.
  [[nodiscard]] Task<void> start(const KindPolicy& kinds);

  struct Followed {
    kube::Resource resource;
    WatchId watch = 0;
  };
  // The resource of a kind in a namespace, followed and listed at least once. Errors: NotFound KindNotFound, Forbidden
  // KindNotAllowed for a cluster-scoped kind, Forbidden when the operator may not list it, the client's.
  [[nodiscard]] Task<Result<Followed>> follow(std::string api_version, std::string kind, std::string ns);

  // The watch that covers this kind and namespace, when there is one already.
  [[nodiscard]] std::optional<WatchId> watch_of(std::string_view api_version, std::string_view kind,
                                                std::string_view ns) const;
  [[nodiscard]] const kube::Resource& resource_of(WatchId watch) const;

  [[nodiscard]] RunStore& store() { return store_; }
  [[nodiscard]] const RunStore& store() const { return store_; }

 private:
  class Watch;
  Watch& watch_for(const kube::Resource& resource, std::string_view ns);
  // How far a rule has come: followed, or surely not to be followed; not there, as far as the API server knows now; not
  // known. From good to bad.
  enum class Start : std::uint8_t { Settled, NotServed, Unanswered };
  [[nodiscard]] Task<Start> start_rule(KindRule rule);
  [[nodiscard]] Task<Start> start_kind(KindRule rule);
  [[nodiscard]] Task<Start> start_wildcard(KindRule rule);
  [[nodiscard]] static Start start_after(const Error& error);
  [[nodiscard]] std::vector<std::string> scopes() const;
  [[nodiscard]] Task<void> note_start(KindRule rule, Start& start);
  [[nodiscard]] Task<void> keep_starting(KindRule rule);

  kube::Client& client_;
  kube::Discovery& discovery_;
  const Clock& clock_;
  kube::Sleeper& sleeper_;
  runtime::TaskScope& scope_;
  TrackerOptions options_;
  RunStore store_;
  std::vector<std::unique_ptr<Watch>> watches_;  // by WatchId; never removed
};

}  // namespace abo::controllers
