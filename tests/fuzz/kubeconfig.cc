// Kubeconfigs. The input is the text of one; no file is opened and no program started. What is accepted can be used, and
// no error holds a token, password, key or a plugin's environment.
#include <fmt/format.h>

#include "kube/kube_config.h"
#include "listing/text_decode.h"
#include "render/yaml_reader.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using kube::KubeConfig;

const std::string config_path = "/home/somebody/.kube/config";

kube::Surroundings surroundings(std::string_view text) {
  return {[](const std::string&) -> std::optional<std::string> { return std::nullopt; },
          [text](const std::string& path) -> Result<std::string> {
            if (path == config_path) return std::string(text);
            if (path.ends_with(".crt")) return "-----BEGIN CERTIFICATE-----\n";
            return fail(ErrorKind::Invalid, Reason::InvalidSpec, "cannot open a file");
          }};
}

void check_config(const KubeConfig& config) {
  require(config.server.starts_with("https://") || config.server.starts_with("http://"),
          "the server is a URL");
  require(!config.server.ends_with('/'), "without a slash at its end");
  require(!config.ns.empty() && !config.context.empty(), "a namespace and a context");
  require(!config.insecure_skip_tls_verify || config.ca_pem.empty(), "either a CA or no verification");
  const kube::AuthInfo& auth = config.auth;
  require((auth.client_cert_pem.empty() && auth.client_cert_file.empty()) ==
              (auth.client_key_pem.empty() && auth.client_key_file.empty()),
          "a certificate with its key");
  if (!auth.exec) return;
  require(!auth.exec->command.empty(), "a plugin has a command");
  require(auth.exec->command.find('/') == std::string::npos || auth.exec->command.front() == '/',
          "a plugin's path does not depend on where we were started");
  for (const auto& [name, value] : auth.exec->env) require(!name.empty(), "a variable has a name");
}

// --- secrets ---

constexpr std::string_view sentinel = "s3cret-that-nobody-may-see";

void hide(json::object& object, std::string_view field, std::string_view text) {
  json::value* value = object.if_contains(field);
  if (value && value->is_string()) *value = text;
}

void hide_in_user(json::object& user) {
  for (std::string_view field : {"token", "password", "client-key-data"}) hide(user, field, sentinel);
  json::value* exec = user.if_contains("exec");
  json::value* env = exec && exec->is_object() ? exec->get_object().if_contains("env") : nullptr;
  if (!env || !env->is_array()) return;
  for (json::value& variable : env->get_array()) {
    if (variable.is_object()) hide(variable.get_object(), "value", sentinel);
  }
}

// The document with a text that cannot be mistaken in all its secret places.
json::value with_sentinels(json::value document) {
  json::value* users = document.is_object() ? document.get_object().if_contains("users") : nullptr;
  if (!users || !users->is_array()) return document;
  for (json::value& entry : users->get_array()) {
    json::value* user = entry.is_object() ? entry.get_object().if_contains("user") : nullptr;
    if (user && user->is_object()) hide_in_user(user->get_object());
  }
  return document;
}

void check_keeps_secrets(std::string_view text) {
  if (text.contains(sentinel)) return;  // it stands in a place that is no secret
  auto document = render::read_yaml(text);
  if (!document) return;
  auto config =
      kube::parse_kubeconfig({{with_sentinels(*document), "/home/somebody/.kube"}}, "", surroundings(text));
  if (config) {
    require(!config->server.contains(sentinel) && !config->context.contains(sentinel),
            "secrets stay where they are");
  } else {
    require(!config.error().message.contains(sentinel), "no error holds a secret: " + config.error().message);
  }
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo;
  using namespace abo::fuzz;
  std::string_view text = text_of(data, size);
  auto config = kube::load_kubeconfig(config_path, "", surroundings(text));
  if (config) {
    check_config(*config);
  } else {
    require(config.error().reason == Reason::InvalidSpec, "one reason for all that is wrong with it");
    require(listing::is_text(config.error().message), "an error is UTF-8 text");
    require(config.error().message.size() < 2000, "an error is short enough to read");
  }
  check_keeps_secrets(text);
  return 0;
}
