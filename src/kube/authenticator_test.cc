#include "kube/authenticator.h"

#include <map>

#include "kube/authenticated_transport.h"
#include "kube/fake_transport.h"

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

// Answers with the next output, after a turn of the loop, and remembers what was run.
struct FakeRunner final : CommandRunner {
  std::deque<Result<std::string>> outputs;
  std::vector<Command> ran;

  Task<Result<std::string>> run(Command command) override {
    ran.push_back(std::move(command));
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (outputs.empty())
      co_return fail(ErrorKind::Unauthenticated, Reason::ApiServerUnavailable, "no more outputs");
    auto out = std::move(outputs.front());
    outputs.pop_front();
    co_return out;
  }

  void token(const std::string& token, const std::string& expires = "") {
    json::object status{{"token", token}};
    if (!expires.empty()) status["expirationTimestamp"] = expires;
    outputs.emplace_back(json::serialize(json::object{
        {"apiVersion", "client.authentication.k8s.io/v1"}, {"kind", "ExecCredential"}, {"status", status}}));
  }
};

struct AuthenticatorTest : testing::Test {
  FakeTime time;
  FakeRunner runner;
  FakeTransport below;
  std::map<std::string, std::string> files;
  Surroundings surroundings{[](const std::string&) -> std::optional<std::string> { return std::nullopt; },
                            [this](const std::string& path) -> Result<std::string> {
                              if (!files.contains(path))
                                return fail(ErrorKind::Invalid, Reason::InvalidSpec, "no " + path);
                              return files.at(path);
                            }};
  std::unique_ptr<Authenticator> authenticator;
  std::unique_ptr<AuthenticatedTransport> transport;
  std::vector<std::string> certificates;

  void authenticate(AuthInfo auth) {
    authenticator = std::make_unique<Authenticator>(std::move(auth), surroundings, runner, time);
    transport = std::make_unique<AuthenticatedTransport>(
        below, *authenticator, "https://api", [this](const std::string& cert, const Secret& key) {
          certificates.push_back(cert + "/" + std::string{key.reveal()});
        });
  }

  void with_plugin() {
    AuthInfo auth;
    auth.exec = ExecPlugin{"client.authentication.k8s.io/v1", "login", {"x"}, {{"A", "1"}}, "install it", {}};
    authenticate(std::move(auth));
  }

  // The Authorization header of one more request, or the error's message.
  std::string ask() {
    net::Request request;
    request.url = "https://api/version";
    auto response = run(transport->send(std::move(request)));
    return response ? header_of(below.requests.back(), "Authorization") : response.error().message;
  }
};

TEST_F(AuthenticatorTest, a_static_token_is_sent_as_it_is_and_a_401_is_final) {
  AuthInfo auth;
  auth.token = Secret{"t"};
  authenticate(std::move(auth));
  below.then(401, "");
  EXPECT_EQ(ask(), "Bearer t");
  EXPECT_EQ(below.requests.size(), 1U);
}

TEST_F(AuthenticatorTest, a_token_file_is_read_again_after_a_minute) {
  AuthInfo auth;
  auth.token_file = "/t";
  files["/t"] = "one\n";
  authenticate(std::move(auth));
  for (int i = 0; i < 3; ++i) below.then(200, "");
  EXPECT_EQ(ask(), "Bearer one");
  files["/t"] = "two";
  time.advance(59s);
  EXPECT_EQ(ask(), "Bearer one");
  time.advance(1s);
  EXPECT_EQ(ask(), "Bearer two");
}

TEST_F(AuthenticatorTest, a_401_reads_the_token_file_and_asks_once_more) {
  AuthInfo auth;
  auth.token_file = "/t";
  files["/t"] = "one";
  authenticate(std::move(auth));
  below.then(200, "");
  EXPECT_EQ(ask(), "Bearer one");
  time.advance(10s);
  files["/t"] = "two";
  below.then(401, "");
  below.then(200, "");
  EXPECT_EQ(ask(), "Bearer two");
  EXPECT_EQ(below.requests.size(), 3U);
}

TEST_F(AuthenticatorTest, a_token_file_that_vanished_leaves_the_last_token_in_use) {
  AuthInfo auth;
  auth.token_file = "/t";
  files["/t"] = "one";
  authenticate(std::move(auth));
  below.then(200, "");
  below.then(200, "");
  EXPECT_EQ(ask(), "Bearer one");
  files.clear();
  time.advance(2min);
  EXPECT_EQ(ask(), "Bearer one");
}

TEST_F(AuthenticatorTest, a_plugins_token_is_kept_until_shortly_before_it_expires) {
  with_plugin();
  runner.token("one", "2026-11-22T06:30:00Z");
  runner.token("two", "2026-11-22T07:30:00Z");
  for (int i = 0; i < 3; ++i) below.then(200, "");
  EXPECT_EQ(ask(), "Bearer one");
  time.advance(59min);
  EXPECT_EQ(ask(), "Bearer one");
  EXPECT_EQ(runner.ran.size(), 1U);
  time.advance(50s);
  EXPECT_EQ(ask(), "Bearer two");
  EXPECT_EQ(runner.ran.at(0).env.at(1).first, "KUBERNETES_EXEC_INFO");
}

TEST_F(AuthenticatorTest, a_server_that_refuses_everything_does_not_start_a_plugin_per_request) {
  with_plugin();
  runner.token("one");
  runner.token("two");
  for (int i = 0; i < 20; ++i) below.then(401, "");
  for (int i = 0; i < 10; ++i) ask();
  EXPECT_EQ(runner.ran.size(), 1U);
  time.advance(6s);
  EXPECT_EQ(ask(), "Bearer two");
}

TEST_F(AuthenticatorTest, a_broken_plugin_is_an_error_with_its_hint_and_not_run_again_within_a_second) {
  with_plugin();
  EXPECT_NE(ask().find("install it"), std::string::npos);
  EXPECT_NE(ask().find("install it"), std::string::npos);
  EXPECT_EQ(runner.ran.size(), 1U);
  time.advance(1s);
  runner.token("one");
  below.then(200, "");
  EXPECT_EQ(ask(), "Bearer one");
}

Task<void> ask_and_note(Authenticator& authenticator, std::vector<std::string>& tokens) {
  auto credential = co_await authenticator.current();
  tokens.emplace_back(credential ? (*credential)->token.reveal() : "error");
}

TEST_F(AuthenticatorTest, many_requests_at_once_start_one_plugin) {
  with_plugin();
  runner.token("one");
  boost::asio::io_context loop;
  std::vector<std::string> tokens;
  for (int i = 0; i < 5; ++i)
    boost::asio::co_spawn(loop, ask_and_note(*authenticator, tokens), boost::asio::detached);
  loop.run();
  EXPECT_EQ(tokens, std::vector<std::string>(5, "one"));
  EXPECT_EQ(runner.ran.size(), 1U);
}

TEST_F(AuthenticatorTest, a_new_certificate_goes_to_the_transport_once) {
  AuthInfo auth;
  auth.client_cert_file = "/c";
  auth.client_key_file = "/k";
  files = {{"/c", "C1"}, {"/k", "K1"}};
  authenticate(std::move(auth));
  for (int i = 0; i < 3; ++i) below.then(200, "");
  EXPECT_EQ(ask(), "");
  EXPECT_EQ(ask(), "");
  files = {{"/c", "C2"}, {"/k", "K2"}};
  time.advance(61s);
  EXPECT_EQ(ask(), "");
  EXPECT_EQ(certificates, (std::vector<std::string>{"C1/K1", "C2/K2"}));
}

TEST_F(AuthenticatorTest, no_token_leaves_for_another_server) {
  AuthInfo auth;
  auth.token = Secret{"t"};
  authenticate(std::move(auth));
  net::Request request;
  request.url = "https://api.evil.example/version";
  EXPECT_FALSE(run(transport->send(std::move(request))));
  EXPECT_TRUE(below.requests.empty());
}

Command shell(std::string script) {
  return {.program = "sh", .args = {"-c", std::move(script)}, .timeout = 20s};
}

TEST(ProcessRunner, gives_standard_output_of_a_program_that_ends_well) {
  ProcessRunner runner;
  Command command = shell("read x; echo \"$X$x\"; head -c 300000 /dev/zero >&2");
  command.env = {{"X", "from env"}};
  auto output = run(runner.run(std::move(command)));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "from env\n");
}

TEST(ProcessRunner, failures_say_what_happened) {
  ProcessRunner runner;
  EXPECT_NE(run(runner.run(shell("echo not logged in >&2; exit 3")))
                .error()
                .message.find("status 3: not logged in"),
            std::string::npos);
  EXPECT_NE(run(runner.run(shell("kill -9 $$"))).error().message.find("signal 9"), std::string::npos);
  EXPECT_NE(run(runner.run({.program = "/no/such/plugin"})).error().message.find("cannot start"),
            std::string::npos);
  Command loud = shell("head -c 100000 /dev/zero");
  loud.max_output = 1000;
  EXPECT_NE(run(runner.run(std::move(loud))).error().message.find("over 1000 bytes"), std::string::npos);
}

TEST(ProcessRunner, a_program_that_hangs_is_killed_with_its_children) {
  ProcessRunner runner;
  Command command = shell("sleep 1000 & sleep 1000");
  command.timeout = 50ms;
  auto output = run(runner.run(std::move(command)));
  ASSERT_FALSE(output);
  EXPECT_NE(output.error().message.find("did not end"), std::string::npos);
}

}  // namespace
}  // namespace abo::kube
