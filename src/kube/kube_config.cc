#include "kube/kube_config.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/text.h"
#include "kube/kube_error.h"

namespace abo::kube {
namespace {

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::Invalid, Reason::InvalidSpec, "kubeconfig: " + std::move(message));
}

// An entry of contexts, clusters or users, with the folder its paths start from.
struct Entry {
  const json::object* body = nullptr;
  std::string base_dir;
};

// {"name": name, inner: {...}} of the list, from the first file that has it.
std::optional<Entry> find_entry(const std::vector<KubeConfigFile>& files, std::string_view list,
                                std::string_view inner, std::string_view name) {
  for (const KubeConfigFile& file : files) {
    const json::value* found = find(file.document, {list});
    const json::array* entries = found ? found->if_array() : nullptr;
    if (!entries) continue;
    for (const json::value& value : *entries) {
      const json::object* entry = value.if_object();
      if (!entry || find_string(*entry, {"name"}) != name) continue;
      const json::object* body = find_object(*entry, {inner});
      return Entry{body, file.base_dir};
    }
  }
  return std::nullopt;
}

std::string resolve(std::string_view path, const std::string& base_dir) {
  if (path.empty() || path.front() == '/' || base_dir.empty()) return std::string{path};
  return base_dir + "/" + std::string{path};
}

Result<std::string> decoded(const json::object& body, std::string_view field) {
  std::string_view text = find_string(body, {field});
  auto bytes = base64_decode(text);
  if (!bytes) return wrong(fmt::format("{} is not base64", field));
  return std::move(*bytes);
}

Result<void> read_cluster(const Entry& cluster, const Surroundings& surroundings, KubeConfig& out) {
  const json::object& body = *cluster.body;
  out.server = find_string(body, {"server"});
  while (out.server.ends_with('/')) out.server.pop_back();
  if (!out.server.starts_with("https://") && !out.server.starts_with("http://")) {
    return wrong(fmt::format("the cluster's server \"{}\" is no http(s) URL", bounded_text(out.server, 200)));
  }
  out.tls_server_name = find_string(body, {"tls-server-name"});
  out.insecure_skip_tls_verify = find_bool(body, {"insecure-skip-tls-verify"});
  out.proxy_url = find_string(body, {"proxy-url"});
  auto ca = decoded(body, "certificate-authority-data");
  if (!ca) return pass(ca);
  std::string_view ca_file = find_string(body, {"certificate-authority"});
  if (ca->empty() && !ca_file.empty()) {
    ca = surroundings.read_file(resolve(ca_file, cluster.base_dir));
    if (!ca) return wrong("certificate-authority: " + ca.error().message);
  }
  out.ca_pem = std::move(*ca);
  if (out.insecure_skip_tls_verify && !out.ca_pem.empty()) {
    return wrong("a cluster cannot have both insecure-skip-tls-verify and a certificate-authority");
  }
  return {};
}

// spec.cluster of the ExecCredential that a plugin with provideClusterInfo gets.
json::object cluster_info(const json::object& cluster, const KubeConfig& config) {
  json::object info{{"server", config.server}};
  if (!config.tls_server_name.empty()) info["tls-server-name"] = config.tls_server_name;
  if (config.insecure_skip_tls_verify) info["insecure-skip-tls-verify"] = true;
  if (!config.ca_pem.empty()) info["certificate-authority-data"] = base64_encode(config.ca_pem);
  if (!config.proxy_url.empty()) info["proxy-url"] = config.proxy_url;
  if (const json::array* extensions = find_array(cluster, {"extensions"})) {
    for (const json::value& value : *extensions) {
      const json::object* extension = value.if_object();
      if (!extension || find_string(*extension, {"name"}) != "client.authentication.k8s.io/exec") continue;
      if (const json::value* config_value = find(*extension, {"extension"})) info["config"] = *config_value;
    }
  }
  return info;
}

Result<ExecPlugin> read_exec(const json::object& body, const std::string& base_dir) {
  ExecPlugin exec;
  exec.api_version = find_string(body, {"apiVersion"});
  if (exec.api_version != "client.authentication.k8s.io/v1" &&
      exec.api_version != "client.authentication.k8s.io/v1beta1") {
    return wrong(
        fmt::format("exec apiVersion \"{}\" is not supported: use client.authentication.k8s.io/v1 or v1beta1",
                    bounded_text(exec.api_version, 80)));
  }
  if (find_string(body, {"interactiveMode"}) == "Always") {
    return wrong("exec interactiveMode Always is not supported: an operator has no terminal");
  }
  std::string_view command = find_string(body, {"command"});
  if (command.empty()) return wrong("exec has no command");
  exec.command = command.find('/') == command.npos ? std::string{command} : resolve(command, base_dir);
  if (const json::array* args = find_array(body, {"args"})) {
    for (const json::value& arg : *args) {
      if (!arg.is_string()) return wrong("exec args must be strings");
      exec.args.emplace_back(arg.get_string());
    }
  }
  if (const json::array* env = find_array(body, {"env"})) {
    for (const json::value& value : *env) {
      const json::object* variable = value.if_object();
      if (!variable || find_string(*variable, {"name"}).empty())
        return wrong("an entry of exec env has no name");
      exec.env.emplace_back(find_string(*variable, {"name"}), find_string(*variable, {"value"}));
    }
  }
  exec.install_hint = bounded_text(find_string(body, {"installHint"}), 400);
  return exec;
}

Result<void> refuse_unsupported(const json::object& user) {
  if (!find_string(user, {"username"}).empty() || !find_string(user, {"password"}).empty()) {
    return wrong(
        "username and password were removed from Kubernetes 1.19: use a token, a client certificate or exec");
  }
  if (find_object(user, {"auth-provider"})) {
    return wrong(
        fmt::format("auth-provider \"{}\" was removed from Kubernetes' clients: use its exec plugin instead "
                    "(kubelogin, gke-gcloud-auth-plugin, aws eks get-token)",
                    bounded_text(find_string(user, {"auth-provider", "name"}), 80)));
  }
  for (std::string_view field : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    if (find(user, {field}))
      return wrong(fmt::format("impersonation in the kubeconfig (\"{}\") is not supported", field));
  }
  return {};
}

Result<void> read_certificate(const Entry& user, AuthInfo& auth) {
  auto cert = decoded(*user.body, "client-certificate-data");
  if (!cert) return pass(cert);
  auto key = decoded(*user.body, "client-key-data");
  if (!key) return pass(key);
  auth.client_cert_pem = std::move(*cert);
  auth.client_key_pem = Secret{std::move(*key)};
  if (auth.client_cert_pem.empty()) {
    auth.client_cert_file = resolve(find_string(*user.body, {"client-certificate"}), user.base_dir);
  }
  if (auth.client_key_pem.empty())
    auth.client_key_file = resolve(find_string(*user.body, {"client-key"}), user.base_dir);
  bool has_cert = !auth.client_cert_pem.empty() || !auth.client_cert_file.empty();
  bool has_key = !auth.client_key_pem.empty() || !auth.client_key_file.empty();
  if (has_cert != has_key)
    return wrong("a user has a client certificate without its key, or a key without certificate");
  return {};
}

Result<void> read_user(const Entry& user, const json::object& cluster, KubeConfig& out) {
  if (auto refused = refuse_unsupported(*user.body); !refused) return refused;
  if (auto read = read_certificate(user, out.auth); !read) return read;
  out.auth.token = Secret{std::string{find_string(*user.body, {"token"})}};
  out.auth.token_file = resolve(find_string(*user.body, {"tokenFile"}), user.base_dir);
  if (const json::object* exec = find_object(*user.body, {"exec"})) {
    auto plugin = read_exec(*exec, user.base_dir);
    if (!plugin) return pass(plugin);
    if (find_bool(*exec, {"provideClusterInfo"})) plugin->cluster_info = cluster_info(cluster, out);
    out.auth.exec = std::move(*plugin);
  }
  return {};
}

std::string current_context(const std::vector<KubeConfigFile>& files) {
  for (const KubeConfigFile& file : files) {
    const json::object* root = file.document.if_object();
    if (root && !find_string(*root, {"current-context"}).empty()) {
      return std::string{find_string(*root, {"current-context"})};
    }
  }
  return {};
}

}  // namespace

Result<KubeConfig> parse_kubeconfig(const std::vector<KubeConfigFile>& files, std::string_view context,
                                    const Surroundings& surroundings) {
  KubeConfig out;
  out.context = context.empty() ? current_context(files) : std::string{context};
  if (out.context.empty()) return wrong("no current-context is set: choose one with --context");
  auto entry = find_entry(files, "contexts", "context", out.context);
  std::string shown = bounded_text(out.context, 200);
  if (!entry || !entry->body) return wrong(fmt::format("there is no context \"{}\"", shown));
  const json::object& chosen = *entry->body;
  if (auto ns = find_string(chosen, {"namespace"}); !ns.empty()) out.ns = ns;

  auto cluster = find_entry(files, "clusters", "cluster", find_string(chosen, {"cluster"}));
  if (!cluster || !cluster->body)
    return wrong(fmt::format("context \"{}\" names a cluster that is not there", shown));
  if (auto read = read_cluster(*cluster, surroundings, out); !read) return pass(read);

  std::string_view user_name = find_string(chosen, {"user"});
  if (user_name.empty()) return out;
  auto user = find_entry(files, "users", "user", user_name);
  if (!user) return wrong(fmt::format("context \"{}\" names a user that is not there", shown));
  if (!user->body) return out;  // a user without credentials is legal
  if (auto read = read_user(*user, *cluster->body, out); !read) return pass(read);
  return out;
}

}  // namespace abo::kube
