#include "azure/token_protocol.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "azure/identity_environment.h"

namespace abo::azure {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const std::string tenant = "99999999-8888-7777-6666-555555555555";
const std::string client = "11111111-2222-3333-4444-555555555555";
const WallTime now = *parse_rfc3339("2026-11-22T05:30:00Z");

TokenGrant with_secret() {
  return {tenant, client, ClientSecret{Secret("hunter2~+/=&")}};
}
TokenGrant with_account() {
  return {tenant, client, ServiceAccountToken{"ml", "reader"}};
}
TokenGrant managed(std::string id = client) {
  return {"", std::move(id), ManagedIdentity{}};
}

net::Response answer(int status, std::string body) {
  return {status, {}, std::move(body)};
}
// As Entra refuses, and as a server would that repeats what it was sent.
net::Response refusal(int status, std::string_view error, int code) {
  return answer(
      status, fmt::format(R"({{"error":"{}","error_description":"AADSTS{}: hunter2~ was sent. Trace ID: 1",)"
                          R"("error_codes":[{}],"correlation_id":"0c0ffee0-0000-4000-8000-000000000001"}})",
                          error, code, code));
}
Error error_of(const net::Response& response, const TokenGrant& grant) {
  auto token = read_token(response, grant, "login.example", now);
  return token ? Error{ErrorKind::Internal, Reason::Internal, "a token"} : token.error();
}

// ---- requests ----

TEST(EntraRequest, of_a_client_secret_is_the_client_credentials_grant) {
  net::Request request =
      entra_request("https://login.microsoftonline.com", with_secret(), Secret("hunter2~+/=&"));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://login.microsoftonline.com/" + tenant + "/oauth2/v2.0/token");
  EXPECT_THAT(request.headers, Contains(Pair("Content-Type", "application/x-www-form-urlencoded")));
  EXPECT_EQ(request.body,
            "client_id=" + client +
                "&grant_type=client_credentials&scope=https%3A%2F%2Fstorage.azure.com%2F.default"
                "&client_secret=hunter2~%2B%2F%3D%26");
}

TEST(EntraRequest, of_a_federated_token_sends_it_as_an_assertion) {
  net::Request request = entra_request("https://login.example/x", with_account(), Secret("a.b.c"));
  EXPECT_EQ(request.url, "https://login.example/x/" + tenant + "/oauth2/v2.0/token");
  EXPECT_THAT(
      request.body,
      HasSubstr("&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                "&client_assertion=a.b.c"));
  EXPECT_THAT(request.body, Not(HasSubstr("client_secret")));
}

TEST(MetadataRequest, never_takes_a_proxy_and_says_that_it_means_it) {
  net::Request request = metadata_request("http://169.254.169.254", client);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url,
            "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
            "&resource=https%3A%2F%2Fstorage.azure.com&client_id=" +
                client);
  EXPECT_THAT(request.headers, Contains(Pair("Metadata", "true")));
  EXPECT_TRUE(request.no_proxy);
  EXPECT_THAT(metadata_request("http://x", "").url, Not(HasSubstr("client_id")));
}

// ---- answers ----

TEST(ReadToken, takes_what_entra_and_the_metadata_service_write) {
  auto entra = read_token(
      answer(200,
             R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"a.b-c_d"})"),
      with_secret(), "h", now);
  ASSERT_TRUE(entra) << entra.error().message;
  EXPECT_EQ(entra->text.reveal(), "a.b-c_d");
  EXPECT_EQ(entra->lifetime, std::chrono::seconds{3599});
  auto node =
      read_token(answer(200, R"({"access_token":"x","expires_in":"86399","expires_on":"1795411800"})"),
                 managed(), "h", now);
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->lifetime, std::chrono::seconds{86399});
}

TEST(ReadToken, refuses_what_could_not_be_sent_as_a_header) {
  for (const std::string& body :
       {std::string("<html>Sign in</html>"), std::string("[]"), std::string("{}"),
        std::string(R"({"access_token":"","expires_in":60})"),
        std::string(R"({"access_token":"hunter2~\r\nX: y","expires_in":60})"),
        std::string(R"({"access_token":"hunter2~","expires_in":0})"),
        std::string(R"({"access_token":"hunter2~","expires_in":"soon"})"),
        R"({"expires_in":60,"access_token":")" + std::string(40'000, 'h') + "\"}"}) {
    Error error = error_of(answer(200, body), with_secret());
    EXPECT_EQ(error.reason, Reason::TokenUnavailable);
    EXPECT_EQ(error.message, "the answer of login.example holds no token; is there a proxy before it?");
  }
}

struct Refused {
  int status;
  std::string error;
  int code;
  ErrorKind kind;
  Reason reason;
  std::string says;
};

TEST(ReadToken, says_what_to_do_about_each_refusal) {
  using enum ErrorKind;
  for (const Refused& row : {
           Refused{401, "invalid_client", 7000215, Unauthenticated, Reason::AuthenticationFailed,
                   "needs the secret's value, not its ID"},
           Refused{401, "invalid_client", 7000222, Unauthenticated, Reason::AuthenticationFailed,
                   "has expired"},
           Refused{400, "unauthorized_client", 700016, Unauthenticated, Reason::AuthenticationFailed,
                   "has no application " + client},
           Refused{400, "invalid_request", 90002, Invalid, Reason::InvalidSecret,
                   "there is no tenant " + tenant},
           Refused{400, "invalid_request", 900023, Invalid, Reason::InvalidSecret, "correct tenantId"},
           Refused{401, "unauthorized_client", 7000112, Unauthenticated, Reason::AuthenticationFailed,
                   "disabled"},
           Refused{400, "invalid_grant", 53003, Unauthenticated, Reason::AuthenticationFailed,
                   "Conditional Access"},
           Refused{400, "invalid_client", 4711, Unauthenticated, Reason::AuthenticationFailed,
                   "explains the code"},
           Refused{400, "temporarily_unavailable", 90033, UnknownOutcome, Reason::TokenUnavailable,
                   "patience"},
           Refused{429, "", 50196, Throttled, Reason::TokenUnavailable, "too often"},
           Refused{503, "", 0, UnknownOutcome, Reason::TokenUnavailable, "problem of its own"},
           Refused{404, "", 0, Invalid, Reason::TokenUnavailable, "AZURE_AUTHORITY_HOST"},
           Refused{302, "", 0, Invalid, Reason::TokenUnavailable, "AZURE_AUTHORITY_HOST"},
       }) {
    Error error = error_of(refusal(row.status, row.error, row.code), with_secret());
    EXPECT_EQ(error.kind, row.kind) << row.code;
    EXPECT_EQ(error.reason, row.reason) << row.code;
    EXPECT_THAT(error.message, AllOf(HasSubstr("no token from login.example: "), HasSubstr(row.says)));
    EXPECT_THAT(error.message, Not(HasSubstr("hunter2"))) << "the service's own words are not repeated";
    EXPECT_THAT(error.message, Not(HasSubstr("Trace"))) << "a condition must not change with every try";
    EXPECT_EQ(error.trace, "0c0ffee0-0000-4000-8000-000000000001");
    if (row.code > 0) EXPECT_THAT(error.message, HasSubstr(fmt::format("AADSTS{})", row.code)));
  }
}

TEST(ReadToken, names_the_federated_credential_that_is_missing) {
  for (int code : {70021, 700211, 700212, 700213}) {
    Error error = error_of(refusal(401, "invalid_client", code), with_account());
    EXPECT_EQ(error.reason, Reason::AuthenticationFailed);
    EXPECT_THAT(error.message, AllOf(HasSubstr("system:serviceaccount:ml:reader"),
                                     HasSubstr("api://AzureADTokenExchange"), HasSubstr(client)));
  }
  EXPECT_EQ(error_of(refusal(400, "invalid_request", 90002), with_account()).reason, Reason::InvalidSpec);
}

TEST(ReadToken, honours_the_wish_for_patience) {
  net::Response response = refusal(429, "", 0);
  response.headers = {{"retry-after", "17"}};
  EXPECT_EQ(error_of(response, with_secret()).retry_after, std::chrono::seconds{17});
  response = refusal(401, "invalid_client", 7000222);
  response.headers = {{"retry-after", "3600"}};
  EXPECT_EQ(error_of(response, with_secret()).retry_after, std::nullopt) << "a person has to mend it";
}

TEST(ReadToken, tells_a_missing_managed_identity_from_a_busy_service) {
  Error missing = error_of(
      answer(400, R"({"error":"invalid_request","error_description":"Identity not found"})"), managed());
  EXPECT_EQ(missing.reason, Reason::AuthenticationFailed);
  EXPECT_THAT(missing.message, HasSubstr("no identity " + client));
  EXPECT_THAT(error_of(answer(400, R"({"error":"invalid_request"})"), managed("")).message,
              HasSubstr("spec.identity.clientId"));
  for (int status : {404, 410, 429, 500, 503}) {
    Error passing = error_of(answer(status, ""), managed());
    EXPECT_EQ(passing.reason, Reason::TokenUnavailable);
    EXPECT_EQ(disposition(passing), Disposition::Retry) << status;
  }
  EXPECT_EQ(disposition(error_of(answer(403, "<html>"), managed())), Disposition::StallUntilChanged);
}

// ---- IDs, clouds, environment ----

TEST(TenantId, is_a_uuid_or_a_domain_and_never_a_path) {
  for (std::string_view good :
       {"99999999-8888-7777-6666-555555555555", "contoso.onmicrosoft.com", "a-b.example"})
    EXPECT_TRUE(check_tenant_id(good, "tenantId", Reason::InvalidSecret)) << good;
  for (std::string_view bad :
       {"", "common", "organizations", "..", ".", "a..b", "a/b.c", "../x.y", "x.y/..", "a.b?c", "a.b#",
        "-a.b", "a-.b", "a.b.", "a b.c", "a%2f.b", "x@y.z", "ä.example"}) {
    auto checked = check_tenant_id(bad, "tenantId in Secret \"s\"", Reason::InvalidSecret);
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().reason, Reason::InvalidSecret);
  }
  EXPECT_FALSE(check_tenant_id(std::string(300, 'a') + ".b", "t", Reason::InvalidSpec));
}

TEST(ClientId, is_a_uuid) {
  EXPECT_TRUE(check_client_id(client, "clientId", Reason::InvalidSpec));
  for (std::string_view bad :
       {"", "my-app", "11111111-2222-3333-4444-55555555555", "11111111x2222-3333-4444-555555555555",
        "11111111-2222-3333-4444-55555555555g"})
    EXPECT_FALSE(check_client_id(bad, "clientId", Reason::InvalidSpec)) << bad;
}

TEST(Cloud, is_chosen_by_the_blob_endpoint) {
  EXPECT_EQ(authority_of(cloud_of("acct.blob.core.windows.net")), "https://login.microsoftonline.com");
  EXPECT_EQ(authority_of(cloud_of("acct.blob.core.usgovcloudapi.net")), "https://login.microsoftonline.us");
  EXPECT_EQ(authority_of(cloud_of("acct.blob.core.chinacloudapi.cn")), "https://login.chinacloudapi.cn");
  EXPECT_EQ(authority_of(cloud_of("127.0.0.1")), "https://login.microsoftonline.com");
}

TEST(TokenGrantKey, differs_with_all_that_makes_another_token) {
  std::vector<TokenGrant> grants = {with_secret(),
                                    {tenant, client, ClientSecret{Secret("other")}},
                                    {tenant, "x", ClientSecret{Secret("other")}},
                                    {"t.example", client, ClientSecret{Secret("other")}},
                                    with_account(),
                                    {tenant, client, ServiceAccountToken{"mlr", "eader"}},
                                    {tenant, client, OperatorToken{}},
                                    managed(),
                                    managed("")};
  std::vector<std::string> keys;
  for (const TokenGrant& grant : grants) {
    for (Cloud cloud : {Cloud::Public, Cloud::China}) keys.push_back(finish(grant, cloud)->key);
    EXPECT_EQ(finish(grant, Cloud::Public)->key, finish(grant, Cloud::Public)->key);
  }
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
}

IdentityEnvironment::Lookup environment(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(IdentityEnvironment, is_what_the_webhook_sets) {
  auto read =
      IdentityEnvironment::read(environment({{"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"},
                                             {"AZURE_TENANT_ID", tenant},
                                             {"AZURE_CLIENT_ID", client},
                                             {"AZURE_FEDERATED_TOKEN_FILE", "/var/run/token"}}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->authority, "https://login.microsoftonline.us");
  EXPECT_EQ(read->token_file, "/var/run/token");
  EXPECT_EQ(read->metadata_host, "http://169.254.169.254");
  auto nothing = IdentityEnvironment::read(environment({}));
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->authority, "");
}

TEST(IdentityEnvironment, takes_no_authority_that_would_be_sent_secrets_in_the_clear) {
  auto refuses = [](std::map<std::string, std::string> values) {
    auto read = IdentityEnvironment::read(environment(std::move(values)));
    return read ? "" : read.error().message;
  };
  EXPECT_THAT(refuses({{"AZURE_AUTHORITY_HOST", "http://login.example"}}), HasSubstr("must be https"));
  EXPECT_THAT(refuses({{"AZURE_AUTHORITY_HOST", "https://user:hunter2@login.example"}}),
              AllOf(HasSubstr("AZURE_AUTHORITY_HOST"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(refuses({{"AZURE_TENANT_ID", "../x"}}), HasSubstr("AZURE_TENANT_ID"));
  EXPECT_THAT(refuses({{"AZURE_CLIENT_ID", "app"}}), HasSubstr("AZURE_CLIENT_ID"));
}

}  // namespace
}  // namespace abo::azure
