// Which resource serves a kind: apiVersion and kind in, Resource out, from the API server's own lists
// (/api/v1, /apis/<group>/<version>). Cached by group and version for ten minutes; a kind that is not in the
// cached list, or a version that was not served, is asked for again at most every ten seconds, so that a CRD
// installed later is found soon and a wrong template costs no hot loop. Single-threaded; outlives its
// coroutines.
//
// find() fails with NotFound KindNotFound (the cluster does not serve it), Invalid InvalidTemplate (no
// apiVersion), or the client's errors. A cluster-scoped kind is returned as such: refusing it is the caller's
// policy.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace abo::kube {

class Discovery {
 public:
  Discovery(Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  [[nodiscard]] Task<Result<Resource>> find(std::string api_version, std::string kind);
  // All that a version serves, asked anew. Errors: NotFound, and the client's.
  [[nodiscard]] Task<Result<std::vector<Resource>>> served(std::string api_version);

  // What is known of a version turned out to be wrong: it is asked for anew.
  void forget(const std::string& api_version) { by_version_.erase(api_version); }

 private:
  struct Cached {
    std::vector<Resource> resources;
    MonoTime fetched{};
  };

  [[nodiscard]] Task<Result<void>> fetch(std::string api_version);

  Client& client_;
  const Clock& clock_;
  std::map<std::string, Cached> by_version_;  // at most kMaxVersions
};

// The kinds of one APIResourceList, subresources left out. Pure.
[[nodiscard]] std::vector<Resource> resources_of(const std::string& api_version, const json::object& list);

}  // namespace abo::kube
