// In whose name created resources are created and deleted: spec.serviceAccountName, else --default-service-account. Without
// either it is the operator's own. Finalizers always go in the operator's own.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "controllers/settings.h"
#include "kube/client.h"

namespace abo::controllers {

[[nodiscard]] inline std::optional<kube::ServiceAccount> acting_account(const Settings& settings,
                                                                        std::string ns,
                                                                        const std::string& of_the_spec) {
  const std::string& name = of_the_spec.empty() ? settings.default_service_account : of_the_spec;
  if (name.empty()) return std::nullopt;
  return kube::ServiceAccount{std::move(ns), name};
}

// As messages name it.
[[nodiscard]] inline std::string to_string(const std::optional<kube::ServiceAccount>& account) {
  return account ? "ServiceAccount " + account->name : "the operator's ServiceAccount";
}

}  // namespace abo::controllers
