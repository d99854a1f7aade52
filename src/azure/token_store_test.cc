#include "azure/token_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <vector>

namespace abo::azure {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string tenant = "99999999-8888-7777-6666-555555555555";
const std::string client = "11111111-2222-3333-4444-555555555555";

struct FakeClock : Clock {
  WallTime wall() const override { return *parse_rfc3339("2026-11-22T05:30:00Z") + elapsed; }
  MonoTime mono() const override { return MonoTime{std::chrono::hours{1}} + elapsed; }
  std::chrono::milliseconds elapsed{0};
};

// A token endpoint: gives "token1", "token2", … unless it is told what to answer; it can be made to wait.
struct FakeEntra : net::Transport {
  std::function<Result<net::Response>()> answer;
  bool holds = false;
  net::Signal let_go;
  std::vector<net::Request> requests;
  int life = 3600;

  Task<Result<net::Response>> send(net::Request request, net::BodySink) override {
    requests.push_back(std::move(request));
    std::string token = fmt::format("token{}", requests.size());
    while (holds) co_await let_go.wait();
    if (answer) co_return answer();
    co_return net::Response{200, {}, fmt::format(R"({{"access_token":"{}","expires_in":{}}})", token, life)};
  }
  void release() {
    holds = false;
    let_go.notify_all();
  }
};

Result<net::Response> refusal(int code, int status = 401, net::Headers headers = {}) {
  return net::Response{status, std::move(headers),
                       fmt::format(R"({{"error":"invalid_client","error_codes":[{}]}})", code)};
}

struct TokenStoreTest : testing::Test {
  FakeClock clock;
  FakeEntra entra;
  boost::asio::io_context loop;
  std::vector<std::string> observed;
  std::vector<std::string> accounts_asked;
  std::string token_file = " file.token \n";
  TokenStoreOptions options{
      .service_account_token = [this](ServiceAccountToken account) { return account_token(this, account); },
      .read_file = [this](const std::string& path) -> Result<std::string> {
        if (path == "/token") return token_file;
        return fail(ErrorKind::NotFound, Reason::InvalidSpec, "no such file");
      },
      .observer =
          [this](std::string_view operation, std::string_view code, bool throttled) {
            observed.push_back(fmt::format("{} {}{}", operation, code, throttled ? " throttled" : ""));
          }};
  std::optional<TokenStore> made;

  TokenStore& store() {
    if (!made) made.emplace(entra, clock, options);
    return *made;
  }
  static Task<Result<Secret>> account_token(TokenStoreTest* test, ServiceAccountToken account) {
    test->accounts_asked.push_back(account.ns + "/" + account.name);
    co_return Secret("assertion-of-" + account.name);
  }
  static std::shared_ptr<const TokenGrant> grant(std::string secret = "hunter2") {
    return finish({tenant, client, ClientSecret{Secret(std::move(secret))}}, Cloud::Public);
  }

  void drain() {
    loop.restart();
    loop.poll();
  }
  // Asks, and leaves the answer where it may come later.
  void begin(std::shared_ptr<const TokenGrant> one, std::vector<Result<TokenStore::Token>>& out) {
    boost::asio::co_spawn(loop, store().token(std::move(one)),
                          [&out](std::exception_ptr problem, Result<TokenStore::Token> value) {
                            if (problem) std::rethrow_exception(problem);
                            out.push_back(std::move(value));
                          });
    drain();
  }
  Result<TokenStore::Token> ask(std::shared_ptr<const TokenGrant> one = grant()) {
    std::vector<Result<TokenStore::Token>> out;
    begin(std::move(one), out);
    return out.at(0);
  }
  // The token's text, or the error's reason.
  std::string says(std::shared_ptr<const TokenGrant> one = grant()) {
    auto token = ask(std::move(one));
    return token ? std::string((*token)->reveal()) : std::string(to_string(token.error().reason));
  }
};

TEST_F(TokenStoreTest, a_token_is_asked_for_once_and_renewed_after_four_fifths_of_its_life) {
  EXPECT_EQ(says(), "token1");
  clock.elapsed += 47min;
  EXPECT_EQ(says(), "token1");
  clock.elapsed += 2min;
  EXPECT_EQ(says(), "token2");
  EXPECT_EQ(entra.requests.size(), 2u);
  EXPECT_THAT(observed, ElementsAre("GetToken 200", "GetToken 200"));
}

TEST_F(TokenStoreTest, each_grant_has_a_token_of_its_own) {
  EXPECT_EQ(says(grant("one")), "token1");
  EXPECT_EQ(says(grant("two")), "token2");
  EXPECT_EQ(says(grant("one")), "token1");
  EXPECT_THAT(entra.requests[1].body, HasSubstr("client_secret=two"));
}

TEST_F(TokenStoreTest, many_that_ask_at_once_make_one_request) {
  entra.holds = true;
  std::vector<Result<TokenStore::Token>> out;
  for (int i = 0; i < 5; ++i) begin(grant(), out);
  EXPECT_TRUE(out.empty());
  entra.release();
  drain();
  drain();
  ASSERT_EQ(out.size(), 5u);
  for (auto& one : out) EXPECT_EQ((*one)->reveal(), "token1");
  EXPECT_EQ(entra.requests.size(), 1u);
}

TEST_F(TokenStoreTest, a_renewal_that_hangs_delays_one_and_the_others_go_on_with_the_old_token) {
  EXPECT_EQ(says(), "token1");
  clock.elapsed += 50min;
  entra.holds = true;
  std::vector<Result<TokenStore::Token>> out;
  begin(grant(), out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(says(), "token1");
  entra.release();
  drain();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ((*out[0])->reveal(), "token2");
  EXPECT_EQ(says(), "token2");
}

TEST_F(TokenStoreTest, a_renewal_that_fails_leaves_the_old_token_in_use_until_its_end) {
  EXPECT_EQ(says(), "token1");
  clock.elapsed += 50min;
  entra.answer = [] { return refusal(0, 503); };
  EXPECT_EQ(says(), "token1");
  EXPECT_EQ(says(), "token1");
  EXPECT_EQ(entra.requests.size(), 2u) << "not asked again at once";
  clock.elapsed += 31s;
  EXPECT_EQ(says(), "token1");
  EXPECT_EQ(entra.requests.size(), 3u);
  clock.elapsed += 10min;
  EXPECT_EQ(says(), "TokenUnavailable");
  entra.answer = {};
  clock.elapsed += 6s;
  EXPECT_EQ(says(), "token5");
}

TEST_F(TokenStoreTest, a_refused_grant_is_not_asked_for_again_at_once_but_a_mended_secret_is) {
  entra.answer = [] { return refusal(7000215); };
  EXPECT_EQ(says(), "AuthenticationFailed");
  clock.elapsed += 20s;
  EXPECT_EQ(says(), "AuthenticationFailed");
  EXPECT_EQ(entra.requests.size(), 1u);
  entra.answer = {};
  EXPECT_EQ(says(grant("mended")), "token2");
  clock.elapsed += 11s;
  EXPECT_EQ(says(), "token3");
}

TEST_F(TokenStoreTest, retry_after_is_honoured_and_what_is_left_of_it_is_told) {
  entra.answer = [] { return refusal(0, 429, {{"retry-after", "120"}}); };
  EXPECT_EQ(ask().error().retry_after, 120s);
  clock.elapsed += 100s;
  auto second = ask();
  EXPECT_EQ(second.error().retry_after, 20s);
  EXPECT_EQ(second.error().kind, ErrorKind::Throttled);
  EXPECT_EQ(entra.requests.size(), 1u);
  EXPECT_THAT(observed, ElementsAre("GetToken 429 throttled"));
}

TEST_F(TokenStoreTest,
       a_token_that_is_refused_just_after_it_was_given_is_replaced_once_and_then_kept_for_a_while) {
  EXPECT_TRUE(store().refused(*grant(), *ask()));
  auto second = *ask();
  EXPECT_EQ(second->reveal(), "token2");
  EXPECT_FALSE(store().refused(*grant(), second)) << "another one would be refused too";
  clock.elapsed += 31s;
  EXPECT_TRUE(store().refused(*grant(), second));
  EXPECT_FALSE(store().refused(*grant(), *ask()));
}

TEST_F(TokenStoreTest, a_token_that_azure_refused_is_replaced_once) {
  auto first = *ask();
  clock.elapsed += 31s;
  EXPECT_TRUE(store().refused(*grant(), first));
  auto second = *ask();
  EXPECT_EQ(second->reveal(), "token2");
  EXPECT_TRUE(store().refused(*grant(), first)) << "it was replaced already: the new one is worth a try";
  EXPECT_EQ(says(), "token2");
}

TEST_F(TokenStoreTest, a_host_that_does_not_answer_is_no_fault_of_the_watcher) {
  entra.answer = []() -> Result<net::Response> {
    return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable, "cannot resolve host x");
  };
  auto token = ask();
  EXPECT_EQ(token.error().reason, Reason::TokenUnavailable);
  EXPECT_EQ(disposition(token.error()), Disposition::Retry);
  EXPECT_EQ(token.error().message, "no token from login.microsoftonline.com: cannot resolve host x");
  EXPECT_THAT(observed, ElementsAre("GetToken error"));
}

TEST_F(TokenStoreTest, who_gives_up_while_asking_leaves_the_asking_to_the_next) {
  entra.holds = true;
  boost::asio::cancellation_signal give_up;
  boost::asio::co_spawn(loop, store().token(grant()),
                        boost::asio::bind_cancellation_slot(
                            give_up.slot(), [](std::exception_ptr, Result<TokenStore::Token>) {}));
  drain();
  std::vector<Result<TokenStore::Token>> out;
  begin(grant(), out);
  EXPECT_EQ(entra.requests.size(), 1u);
  give_up.emit(boost::asio::cancellation_type::terminal);
  for (int i = 0; i < 3; ++i) drain();
  EXPECT_EQ(entra.requests.size(), 2u);
  entra.release();
  drain();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ((*out[0])->reveal(), "token2");
}

TEST_F(TokenStoreTest, the_token_of_a_service_account_is_asked_for_anew_for_each_exchange) {
  auto account = finish({tenant, client, ServiceAccountToken{"ml", "reader"}}, Cloud::UsGovernment);
  EXPECT_EQ(says(account), "token1");
  EXPECT_EQ(says(account), "token1");
  clock.elapsed += 49min;
  EXPECT_EQ(says(account), "token2");
  EXPECT_THAT(accounts_asked, ElementsAre("ml/reader", "ml/reader"));
  EXPECT_THAT(entra.requests[0].url, HasSubstr("https://login.microsoftonline.us/"));
  EXPECT_THAT(entra.requests[0].body, HasSubstr("client_assertion=assertion-of-reader"));
}

TEST_F(TokenStoreTest, an_account_in_another_cloud_signs_in_there_whatever_the_operators_own_authority_is) {
  options.environment.authority = "https://login.example";
  says(finish({tenant, client, ServiceAccountToken{"ml", "reader"}}, Cloud::China));
  says(finish({tenant, client, ServiceAccountToken{"ml", "reader"}}, Cloud::Public));
  EXPECT_THAT(entra.requests[0].url, HasSubstr("https://login.chinacloudapi.cn/"));
  EXPECT_THAT(entra.requests[1].url, HasSubstr("https://login.example/"));
}

TEST_F(TokenStoreTest, the_operators_own_token_is_read_again_for_each_exchange) {
  options.environment.token_file = "/token";
  options.environment.authority = "https://login.example";
  auto own = finish({tenant, client, OperatorToken{}}, Cloud::Public);
  EXPECT_EQ(says(own), "token1");
  token_file = "rotated";
  clock.elapsed += 49min;
  EXPECT_EQ(says(own), "token2");
  EXPECT_THAT(entra.requests[0].url, HasSubstr("https://login.example/" + tenant));
  EXPECT_THAT(entra.requests[0].body, HasSubstr("client_assertion=file.token"));
  EXPECT_THAT(entra.requests[1].body, HasSubstr("client_assertion=rotated"));
}

TEST_F(TokenStoreTest, an_operator_without_a_token_file_says_how_to_give_it_one) {
  auto own = finish({tenant, client, OperatorToken{}}, Cloud::Public);
  EXPECT_THAT(ask(own).error().message, HasSubstr("azure.workload.identity/use"));
  EXPECT_TRUE(entra.requests.empty());
  made.reset();
  options.environment.token_file = "/missing";
  EXPECT_THAT(ask(own).error().message, HasSubstr("AZURE_FEDERATED_TOKEN_FILE: no such file"));
  made.reset();
  options.environment.token_file = "/token";
  token_file = "\n";
  EXPECT_THAT(ask(own).error().message, HasSubstr("is empty"));
}

TEST_F(TokenStoreTest, a_managed_identity_is_asked_of_the_metadata_service) {
  options.environment.metadata_host = "http://127.0.0.1:4711";
  EXPECT_EQ(says(finish({"", client, ManagedIdentity{}}, Cloud::Public)), "token1");
  EXPECT_THAT(entra.requests[0].url, HasSubstr("http://127.0.0.1:4711/metadata/"));
  EXPECT_TRUE(entra.requests[0].no_proxy);
}

TEST_F(TokenStoreTest, what_nobody_asked_for_an_hour_is_forgotten) {
  for (int i = 0; i < 100; ++i) EXPECT_NE(says(grant(fmt::to_string(i))), "");
  EXPECT_EQ(store().size(), 100u);
  clock.elapsed += 61min;
  EXPECT_NE(says(grant("new")), "");
  EXPECT_EQ(store().size(), 1u);
}

TEST_F(TokenStoreTest, no_error_holds_the_secret_that_was_sent) {
  for (int status : {200, 302, 400, 401, 404, 429, 500}) {
    entra.answer = [status]() -> Result<net::Response> {
      return net::Response{
          status,
          {{"location", "https://x/?client_secret=hunter2"}},
          R"({"error":"hunter2","error_description":"hunter2","correlation_id":"hunter2 "})"};
    };
    auto token = ask(grant("hunter2" + std::string(static_cast<std::size_t>(status), 'x')));
    ASSERT_FALSE(token);
    EXPECT_THAT(token.error().message, Not(HasSubstr("hunter2"))) << status;
    EXPECT_THAT(token.error().trace, Not(HasSubstr("hunter2"))) << status;
  }
}

}  // namespace
}  // namespace abo::azure
