// The impure half of kube_config.h: files and the environment.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

#include "kube/kube_config.h"
#include "render/yaml_reader.h"

namespace abo::kube {
namespace {

constexpr const char* kServiceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr std::size_t kFileLimit = 4U << 20;

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorKind::Invalid, Reason::InvalidSpec, std::move(message));
}

Result<std::string> read_whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return wrong(fmt::format("cannot open {}: {}", path, std::generic_category().message(errno)));
  std::string text(kFileLimit + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return wrong(fmt::format("cannot read {}", path));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kFileLimit) return wrong(fmt::format("{} is over {} MiB", path, kFileLimit >> 20));
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

std::string folder_of(const std::string& path) {
  std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : path.substr(0, slash);
}

// The files to merge; optional ones may be missing, as kubectl allows for KUBECONFIG's list.
std::vector<std::string> paths_of(const std::string& path, const Surroundings& surroundings) {
  if (!path.empty()) return {path};
  std::vector<std::string> out;
  std::string list = surroundings.env("KUBECONFIG").value_or("");
  for (std::size_t at = 0; at <= list.size();) {
    std::size_t end = std::min(list.find(':', at), list.size());
    if (end > at) out.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  if (out.empty()) out.push_back(surroundings.env("HOME").value_or("") + "/.kube/config");
  return out;
}

}  // namespace

Surroundings Surroundings::real() {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>{value} : std::nullopt;
          },
          read_whole_file};
}

Result<KubeConfig> load_kubeconfig(const std::string& path, std::string_view context,
                                   const Surroundings& surroundings) {
  std::vector<KubeConfigFile> files;
  std::string missing;
  for (const std::string& file : paths_of(path, surroundings)) {
    auto text = surroundings.read_file(file);
    if (!text) {
      missing += (missing.empty() ? "" : "; ") + text.error().message;
      continue;
    }
    auto document = render::read_yaml(*text);
    if (!document) return wrong(fmt::format("kubeconfig {}: {}", file, document.error().message));
    files.push_back({std::move(*document), folder_of(file)});
  }
  if (files.empty()) {
    return wrong(fmt::format("no kubeconfig to read ({}): give --kubeconfig or set KUBECONFIG", missing));
  }
  return parse_kubeconfig(files, context, surroundings);
}

bool is_in_cluster(const Surroundings& surroundings) {
  return !surroundings.env("KUBERNETES_SERVICE_HOST").value_or("").empty() &&
         !surroundings.env("KUBERNETES_SERVICE_PORT").value_or("").empty();
}

Result<KubeConfig> in_cluster(const Surroundings& surroundings) {
  if (!is_in_cluster(surroundings)) {
    return wrong("not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  std::string host = *surroundings.env("KUBERNETES_SERVICE_HOST");
  if (host.find(':') != host.npos) host = "[" + host + "]";  // IPv6
  KubeConfig out;
  out.context = "in-cluster";
  out.server = "https://" + host + ":" + *surroundings.env("KUBERNETES_SERVICE_PORT");
  const std::string dir = kServiceAccountDir;
  auto ca = surroundings.read_file(dir + "/ca.crt");
  if (!ca) return wrong("in-cluster configuration: " + ca.error().message);
  out.ca_pem = std::move(*ca);
  out.auth.token_file = dir + "/token";
  if (auto token = surroundings.read_file(out.auth.token_file); !token) {
    return wrong("in-cluster configuration: " + token.error().message);
  }
  if (auto ns = surroundings.read_file(dir + "/namespace"); ns && !trimmed(*ns).empty())
    out.ns = trimmed(*ns);
  return out;
}

}  // namespace abo::kube
