#include "kube/kube_config.h"

#include <gtest/gtest.h>

#include <map>

#include "kube/exec_credential.h"

namespace abo::kube {
namespace {

struct World {
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> files;

  [[nodiscard]] Surroundings surroundings() const {
    return {[this](const std::string& name) -> std::optional<std::string> {
              auto found = env.find(name);
              return found == env.end() ? std::nullopt : std::optional{found->second};
            },
            [this](const std::string& path) -> Result<std::string> {
              auto found = files.find(path);
              if (found == files.end())
                return fail(ErrorKind::Invalid, Reason::InvalidSpec, "cannot open " + path);
              return found->second;
            }};
  }
};

// A kubeconfig with one context whose user is `user` and whose cluster has `cluster` besides its server.
json::value config(json::object user, json::object cluster = {}) {
  cluster["server"] = "https://api:6443/";
  return json::object{
      {"current-context", "here"},
      {"contexts", json::array{json::object{
                       {"name", "here"},
                       {"context", json::object{{"cluster", "c"}, {"user", "u"}, {"namespace", "ml"}}}}}},
      {"clusters", json::array{json::object{{"name", "c"}, {"cluster", std::move(cluster)}}}},
      {"users", json::array{json::object{{"name", "u"}, {"user", std::move(user)}}}}};
}

Result<KubeConfig> parse(json::value document, const World& world = {}) {
  return parse_kubeconfig({{std::move(document), "/base"}}, "", world.surroundings());
}

TEST(KubeConfig, inline_data_is_decoded_and_relative_paths_start_at_the_file) {
  World world;
  world.files["/base/pki/ca.crt"] = "CA";
  auto inlined = parse(config({{"client-certificate-data", "Q0VSVA=="}, {"client-key-data", "S0VZ"}},
                              {{"certificate-authority-data", "Q0E="}, {"tls-server-name", "kubernetes"}}));
  ASSERT_TRUE(inlined) << inlined.error().message;
  EXPECT_EQ(inlined->server, "https://api:6443");
  EXPECT_EQ(inlined->ca_pem, "CA");
  EXPECT_EQ(inlined->tls_server_name, "kubernetes");
  EXPECT_EQ(inlined->ns, "ml");
  EXPECT_EQ(inlined->context, "here");
  EXPECT_EQ(inlined->auth.client_cert_pem, "CERT");
  EXPECT_EQ(inlined->auth.client_key_pem.reveal(), "KEY");
  auto files =
      parse(config({{"client-certificate", "pki/a.crt"}, {"client-key", "/abs/a.key"}, {"tokenFile", "t"}},
                   {{"certificate-authority", "pki/ca.crt"}}),
            world);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->ca_pem, "CA");
  EXPECT_EQ(files->auth.client_cert_file, "/base/pki/a.crt");
  EXPECT_EQ(files->auth.client_key_file, "/abs/a.key");
  EXPECT_EQ(files->auth.token_file, "/base/t");
}

TEST(KubeConfig, of_several_files_the_first_to_name_an_entry_wins) {
  json::value first =
      json::parse(R"({"current-context":"","clusters":[{"name":"c","cluster":{"server":"https://first"}}]})");
  auto merged =
      parse_kubeconfig({{first, "/a"}, {config({{"token", "t"}}), "/b"}}, "", World{}.surroundings());
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(merged->server, "https://first");
  EXPECT_EQ(merged->auth.token.reveal(), "t");
}

TEST(KubeConfig, what_cannot_work_is_refused_with_words_that_help) {
  const std::pair<json::value, const char*> rows[] = {
      {json::object{}, "no current-context"},
      {nullptr, "no current-context"},
      {json::parse(R"({"current-context":"x"})"), "no context \"x\""},
      {json::parse(R"({"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}]})"),
       "names a cluster"},
      {config({{"username", "u"}, {"password", "p"}}), "username and password"},
      {config({{"auth-provider", json::object{{"name", "gcp"}}}}), "exec plugin instead"},
      {config({{"as", "admin"}}), "impersonation"},
      {config({{"client-certificate-data", "Q0VSVA=="}}), "without its key"},
      {config({{"client-key-data", "***"}}), "client-key-data is not base64"},
      {config({}, {{"certificate-authority", "none.crt"}}),
       "certificate-authority: cannot open /base/none.crt"},
      {config({}, {{"certificate-authority-data", "Q0E="}, {"insecure-skip-tls-verify", true}}),
       "cannot have both"},
      {config({{"exec",
                json::object{{"apiVersion", "client.authentication.k8s.io/v1alpha1"}, {"command", "x"}}}}),
       "v1 or v1beta1"},
      {config({{"exec", json::object{{"apiVersion", "client.authentication.k8s.io/v1"}}}}), "no command"},
      {config({{"exec", json::object{{"apiVersion", "client.authentication.k8s.io/v1"},
                                     {"command", "x"},
                                     {"interactiveMode", "Always"}}}}),
       "no terminal"},
  };
  for (const auto& [document, words] : rows) {
    auto parsed = parse(document);
    ASSERT_FALSE(parsed) << words;
    EXPECT_NE(parsed.error().message.find(words), std::string::npos) << parsed.error().message;
  }
}

TEST(KubeConfig, an_exec_plugin_is_told_the_cluster_only_when_asked) {
  json::object exec{{"apiVersion", "client.authentication.k8s.io/v1"},
                    {"command", "bin/login"},
                    {"args", json::array{"get-token"}},
                    {"env", json::array{json::object{{"name", "A"}, {"value", "1"}}}},
                    {"provideClusterInfo", true}};
  json::object extension{{"name", "client.authentication.k8s.io/exec"},
                         {"extension", json::object{{"audience", "x"}}}};
  auto parsed = parse(config(
      {{"exec", exec}}, {{"certificate-authority-data", "Q0E="}, {"extensions", json::array{extension}}}));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->auth.exec->command, "/base/bin/login");
  EXPECT_EQ(
      exec_info(*parsed->auth.exec),
      R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{"interactive":false,"cluster":)"
      R"({"server":"https://api:6443","certificate-authority-data":"Q0E=","config":{"audience":"x"}}}})");
  exec["provideClusterInfo"] = false;
  exec["command"] = "login";
  parsed = parse(config({{"exec", exec}}));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->auth.exec->command, "login");
  EXPECT_EQ(exec_info(*parsed->auth.exec).find("cluster"), std::string::npos);
}

TEST(KubeConfig, KUBECONFIG_is_a_list_whose_missing_files_are_skipped) {
  World world;
  world.env = {{"KUBECONFIG", ":/none:/a/config:/b/config"}, {"HOME", "/home/x"}};
  world.files["/a/config"] = "current-context: here\ncontexts:\n- name: here\n  context: {cluster: c}\n";
  world.files["/b/config"] = "clusters:\n- name: c\n  cluster: {server: 'https://b'}\n";
  auto loaded = load_kubeconfig("", "", world.surroundings());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->server, "https://b");
  EXPECT_EQ(loaded->ns, "default");
  EXPECT_FALSE(load_kubeconfig("/none", "", world.surroundings()));
  world.env.erase("KUBECONFIG");
  auto home = load_kubeconfig("", "", world.surroundings());
  ASSERT_FALSE(home);
  EXPECT_NE(home.error().message.find("/home/x/.kube/config"), std::string::npos);
}

TEST(KubeConfig, a_broken_file_is_an_error_that_names_it) {
  World world;
  world.files["/k"] = "a: b: c";
  auto loaded = load_kubeconfig("/k", "", world.surroundings());
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("/k"), std::string::npos);
}

TEST(InCluster, the_pods_files_and_environment_say_everything) {
  World world;
  EXPECT_FALSE(is_in_cluster(world.surroundings()));
  EXPECT_FALSE(in_cluster(world.surroundings()));
  world.env = {{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}};
  EXPECT_FALSE(in_cluster(world.surroundings()));
  const std::string dir = "/var/run/secrets/kubernetes.io/serviceaccount/";
  world.files = {{dir + "token", "t\n"}, {dir + "ca.crt", "CA"}, {dir + "namespace", "ops\n"}};
  auto config = in_cluster(world.surroundings());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->ns, "ops");
  EXPECT_EQ(config->ca_pem, "CA");
  EXPECT_EQ(config->auth.token_file, dir + "token");
  world.env["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  EXPECT_EQ(in_cluster(world.surroundings())->server, "https://[fd00::1]:443");
}

TEST(ExecCredential, says_what_is_wrong_without_quoting_a_secret) {
  const std::string v1 = "client.authentication.k8s.io/v1";
  auto good = parse_exec_credential(
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t","expirationTimestamp":"2026-11-22T05:30:00Z"}})",
      v1);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->token.reveal(), "t");
  EXPECT_EQ(format_rfc3339(*good->expires), "2026-11-22T05:30:00Z");
  for (
      const char* text :
      {"hunter2", "{}",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"hunter2"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientKeyData":"hunter2"}})",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"hunter2","expirationTimestamp":"soon"}})"}) {
    auto parsed = parse_exec_credential(text, v1);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::Unauthenticated);
    EXPECT_EQ(parsed.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace abo::kube
