// The two documents of an exec plugin's protocol (client.authentication.k8s.io): what it is told in
// KUBERNETES_EXEC_INFO and what it prints. Pure; running it is exec_process.h's work.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "base/time.h"
#include "kube/kube_config.h"

namespace abo::kube {

// What a request is authenticated with. Either part may be empty.
struct Credential {
  Secret token;
  std::string client_cert_pem;
  Secret client_key_pem;
  std::optional<ServiceTime> expires;
};

[[nodiscard]] std::string exec_info(const ExecPlugin& plugin);

// Errors: Unauthenticated ApiServerUnavailable: not an ExecCredential, another version than was asked for, neither
// token nor certificate, half a certificate. Never quotes the output.
[[nodiscard]] Result<Credential> parse_exec_credential(std::string_view output,
                                                       const std::string& api_version);

}  // namespace abo::kube
