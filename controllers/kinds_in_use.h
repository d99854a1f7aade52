// Which kinds that a wildcard of the allow-list allows have resources of ours in the cluster. Asked when the operator
// starts: what was created while a template had another kind, and was not recorded when the operator ended, stands nowhere
// else. A list of one object's metadata for each served kind; nothing is kept.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "controllers/kind_policy.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/resource.h"

namespace abo::controllers {

[[nodiscard]] inline bool is_wildcard(const KindRule& rule) {
  return rule.kind == "*" || rule.group == "*";
}

// The label that every created resource bears, as a selector.
[[nodiscard]] std::string our_label();

// Rules for any group become one for each group there is, so that a group whose server is broken holds up no other.
[[nodiscard]] Task<Result<std::vector<KindRule>>> spelled_out(kube::Client& client,
                                                              std::vector<KindRule> rules);

// "group/version" of what a rule of one group may mean, the preferred one first.
[[nodiscard]] Task<Result<std::vector<std::string>>> versions_of(kube::Client& client, KindRule rule);

struct KindsInUse {
  struct Place {
    kube::Resource resource;
    std::string ns;
  };
  std::vector<Place> places;
  std::optional<Error>
      error;  // of a question that failed; one that may be answered later rather than another

  void note(Error worse);
};

// Of a wildcard of one group; namespaces: "" for all.
[[nodiscard]] Task<KindsInUse> kinds_in_use(kube::Client& client, kube::Discovery& discovery, KindRule rule,
                                            std::vector<std::string> namespaces);

}  // namespace abo::controllers
