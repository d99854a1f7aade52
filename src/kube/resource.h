// One served kind and the REST paths of its objects (API conventions, "Types"). A value; discovery makes
// them, and the few kinds the operator itself uses are written down here.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace abo::kube {

struct Resource {
  std::string group;    // "" for the core group
  std::string version;  // "v1"
  std::string plural;   // "jobs"
  std::string kind;     // "Job"
  bool namespaced = true;
  bool has_status = true;  // its objects have a status, as far as discovery shows: the subresource

  [[nodiscard]] std::string api_version() const { return group.empty() ? version : group + "/" + version; }

  // "/apis/batch/v1/namespaces/ml/jobs"; ns empty: over all namespaces (or the only path of a cluster-scoped
  // kind).
  [[nodiscard]] std::string path(std::string_view ns) const;
  [[nodiscard]] std::string path(std::string_view ns, std::string_view name) const;
  [[nodiscard]] std::string status_path(std::string_view ns, std::string_view name) const;

  friend bool operator==(const Resource&, const Resource&) = default;
};

namespace resources {
inline Resource secrets() {
  return {"", "v1", "secrets", "Secret", true};
}
inline Resource service_accounts() {
  return {"", "v1", "serviceaccounts", "ServiceAccount", true};
}
inline Resource events() {
  return {"", "v1", "events", "Event", true};
}
inline Resource jobs() {
  return {"batch", "v1", "jobs", "Job", true};
}
inline Resource leases() {
  return {"coordination.k8s.io", "v1", "leases", "Lease", true};
}
inline Resource watchers() {
  return {"mlops.example.com", "v1alpha1", "azureblobwatchers", "AzureBlobWatcher", true};
}
}  // namespace resources

// path?a=b&c=d, values percent-encoded, empty values left out.
using Query = std::initializer_list<std::pair<std::string_view, std::string_view>>;
[[nodiscard]] std::string with_query(std::string path, Query query);

}  // namespace abo::kube
