#include "kube/exec_credential.h"

#include <fmt/format.h>

namespace abo::kube {
namespace {

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::Unauthenticated, Reason::ApiServerUnavailable,
              "the exec plugin's output " + std::move(message));
}

}  // namespace

std::string exec_info(const ExecPlugin& plugin) {
  json::object spec{{"interactive", false}};
  if (!plugin.cluster_info.empty()) spec["cluster"] = plugin.cluster_info;
  return json::serialize(json::object{
      {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}});
}

Result<Credential> parse_exec_credential(std::string_view output, const std::string& api_version) {
  auto parsed = parse_json(output);
  const json::object* root = parsed ? parsed->if_object() : nullptr;
  if (!root || find_string(*root, {"kind"}) != "ExecCredential") return wrong("is no ExecCredential");
  if (find_string(*root, {"apiVersion"}) != api_version) {
    return wrong(fmt::format("is of another apiVersion than {}, which the kubeconfig names", api_version));
  }
  Credential out;
  out.token = Secret{std::string{find_string(*root, {"status", "token"})}};
  out.client_cert_pem = find_string(*root, {"status", "clientCertificateData"});
  out.client_key_pem = Secret{std::string{find_string(*root, {"status", "clientKeyData"})}};
  if (out.client_cert_pem.empty() != out.client_key_pem.empty())
    return wrong("has half a client certificate");
  if (out.token.empty() && out.client_cert_pem.empty())
    return wrong("has neither a token nor a client certificate");
  if (auto expires = find_string(*root, {"status", "expirationTimestamp"}); !expires.empty()) {
    out.expires = parse_rfc3339(expires);
    if (!out.expires) return wrong("has an expirationTimestamp that is no RFC 3339 time");
  }
  return out;
}

}  // namespace abo::kube
