// The credential that a person has in the environment, under the names that the az command line uses. Never on the
// command line, where other users of the machine would see it.
#pragma once

#include <optional>
#include <string>

#include "azure/credentials.h"
#include "kube/kube_config.h"

namespace abo::cli {

struct EnvironmentCredential {
  std::string variable;    // "AZURE_STORAGE_KEY", for messages
  azure::SecretData data;  // as a watcher's Secret would hold it
  std::string account;     // AZURE_STORAGE_ACCOUNT, may be empty
};

inline constexpr std::string_view environment_credentials =
    "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN";

// The first of these three that is set and not empty.
[[nodiscard]] std::optional<EnvironmentCredential> environment_credential(const kube::Surroundings& around);

}  // namespace abo::cli
