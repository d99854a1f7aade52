// What the command line decided, as the controllers need it. Set once in main, read-only afterwards.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "azure/endpoint_policy.h"
#include "azure/identity_environment.h"
#include "controllers/kind_policy.h"

namespace abo::controllers {

struct Settings {
  std::vector<std::string> namespaces;  // empty: all
  KindPolicy kinds = KindPolicy::defaults();
  azure::EndpointPolicy endpoints;
  azure::IdentityEnvironment identities;
  bool allow_operator_identity = false;  // watchers may use the operator's own Azure identity
  std::string default_service_account;
  std::chrono::seconds settle_margin{30};
  std::chrono::seconds idle_status_interval{300};
  // How long a resource keeps its recording finalizer at least: with leader election as long as a lease lasts, which
  // covers a leader that was frozen between its check of the lease and its request.
  std::chrono::seconds recording_hold{0};
  std::size_t max_concurrent_polls = 64;
  bool per_watcher_metrics = true;
};

}  // namespace abo::controllers
