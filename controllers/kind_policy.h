// Which kinds the operator may create: the allow-list of --allowed-kind, and what no allow-list can allow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace abo::controllers {

struct KindRule {
  std::string group;    // "" for the core group
  std::string version;  // "" for any
  std::string kind;     // "*" for any

  friend bool operator==(const KindRule&, const KindRule&) = default;
};

// "batch/v1 Job", "argoproj.io Workflow" (any version), "v1 Pod" (core), "tekton.dev *", "*" (every kind).
// Errors: Invalid, InvalidSpec, which say the form.
[[nodiscard]] Result<KindRule> parse_kind_rule(std::string_view text);

class KindPolicy {
 public:
  explicit KindPolicy(std::vector<KindRule> rules) : rules_(std::move(rules)) {}
  static KindPolicy defaults();  // Jobs and Argo Workflows

  // Forbidden, KindNotAllowed: the message names the flag that would allow it, if one could.
  [[nodiscard]] Result<void> check(std::string_view api_version, std::string_view kind) const;

  [[nodiscard]] const std::vector<KindRule>& rules() const { return rules_; }

 private:
  std::vector<KindRule> rules_;
};

}  // namespace abo::controllers
