#include "cli/environment_credential.h"

#include <array>
#include <utility>

namespace abo::cli {

std::optional<EnvironmentCredential> environment_credential(const kube::Surroundings& around) {
  static constexpr std::array<std::pair<const char*, const char*>, 3> known = {
      {{"AZURE_STORAGE_CONNECTION_STRING", "connectionString"},
       {"AZURE_STORAGE_KEY", "accountKey"},
       {"AZURE_STORAGE_SAS_TOKEN", "sasToken"}}};
  for (const auto& [variable, key] : known) {
    auto value = around.env(variable);
    if (!value || value->empty()) continue;
    EnvironmentCredential found{
        .variable = variable, .data = {}, .account = around.env("AZURE_STORAGE_ACCOUNT").value_or("")};
    found.data.emplace(key, Secret(std::move(*value)));
    return found;
  }
  return std::nullopt;
}

}  // namespace abo::cli
