// Where the API server is and as whom to speak to it: a kubeconfig (merged from several files as kubectl does) or a
// Pod's service account. The parsing is pure; files and the environment come through Surroundings, so that tests need
// neither. Follows "Organizing Cluster Access Using kubeconfig Files" and client-go's rest.InClusterConfig.
//
// All errors are Invalid InvalidSpec and say which file, context or user is wrong. No error text holds a credential.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"

namespace abo::kube {

// The machine around us. read_file's error says why in a few words.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> env;
  std::function<Result<std::string>(const std::string& path)> read_file;

  static Surroundings real();
};

// users[].user.exec: a program that prints a credential (client.authentication.k8s.io/v1 or v1beta1).
struct ExecPlugin {
  std::string api_version;
  std::string command;  // absolute, or to be found in PATH; a relative path with a '/' was resolved already
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // added to ours
  std::string install_hint;
  json::object cluster_info;  // spec.cluster of the ExecCredential when provideClusterInfo is set, else empty
};

// How to say who we are. At most one kind of token is used: exec's gives way to token_file, that to token's absence
// (as client-go orders them: token_file, token, exec).
struct AuthInfo {
  std::string client_cert_pem;  // from client-certificate-data
  Secret client_key_pem;
  std::string client_cert_file;  // instead: read again whenever credentials are renewed
  std::string client_key_file;
  Secret token;
  std::string token_file;
  std::optional<ExecPlugin> exec;
};

struct KubeConfig {
  std::string server;  // "https://10.0.0.1:6443", no trailing slash
  std::string ca_pem;  // empty: the machine's own roots
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string proxy_url;
  std::string ns = "default";
  std::string context;  // its name, for logs; "in-cluster" in a Pod
  AuthInfo auth;
};

// One parsed kubeconfig and the folder that its relative paths start from.
struct KubeConfigFile {
  json::value document;
  std::string base_dir;
};

// Earlier files win, entry by entry. context empty: the first current-context there is.
[[nodiscard]] Result<KubeConfig> parse_kubeconfig(const std::vector<KubeConfigFile>& files,
                                                  std::string_view context, const Surroundings& surroundings);

// path: --kubeconfig; empty: KUBECONFIG (a ':' list, whose missing files are skipped), else ~/.kube/config.
[[nodiscard]] Result<KubeConfig> load_kubeconfig(const std::string& path, std::string_view context,
                                                 const Surroundings& surroundings);

// In a Pod: KUBERNETES_SERVICE_HOST and _PORT, and the mounted token, CA and namespace.
[[nodiscard]] Result<KubeConfig> in_cluster(const Surroundings& surroundings);
[[nodiscard]] bool is_in_cluster(const Surroundings& surroundings);

}  // namespace abo::kube
