// Whose identity a watcher may use, and where its IDs come from.
#include "controllers/watcher_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "controllers/fake_cluster.h"
#include "controllers/fake_time.h"

namespace abo::controllers {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string tenant = "99999999-8888-7777-6666-555555555555";
const std::string client_id = "11111111-2222-3333-4444-555555555555";
const std::string other_id = "22222222-2222-3333-4444-555555555555";
const std::string account_path = "/api/v1/namespaces/ml/serviceaccounts/reader";
using enum api::IdentityType;

struct WatcherIdentity : testing::Test {
  ScriptedTime time;
  FakeCluster cluster{time};
  kube::Client client{cluster, "https://api", time};
  Settings settings;

  WatcherIdentity() { cluster.served.push_back({"/api/v1", "serviceaccounts", "ServiceAccount"}); }

  template <class T>
  Result<T> run(Task<Result<T>> task) {
    boost::asio::io_context loop;
    std::optional<Result<T>> result;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr problem, Result<T> value) {
      if (!problem) result = std::move(value);
    });
    loop.run();
    return std::move(result.value());
  }
  Result<azure::TokenGrant> grant(api::Identity identity) {
    return run(watcher_identity(client, settings, std::move(identity), "ml"));
  }
  Error failure(api::Identity identity) {
    auto made = grant(std::move(identity));
    return made ? Error{ErrorKind::Internal, Reason::Internal, "granted"} : made.error();
  }
  void put_account(json::object annotations) {
    cluster.put(
        account_path,
        {{"metadata", {{"namespace", "ml"}, {"name", "reader"}, {"annotations", std::move(annotations)}}}});
  }
};

// ---- the operator's own identity ----

TEST_F(WatcherIdentity, the_operators_own_is_nobodys_unless_the_administrator_says_so) {
  settings.identities.client_id = client_id;
  settings.identities.tenant_id = tenant;
  for (const api::Identity& identity :
       {api::Identity{WorkloadIdentity, "", "", ""}, api::Identity{WorkloadIdentity, other_id, tenant, ""},
        api::Identity{ManagedIdentity, "", "", ""}, api::Identity{ManagedIdentity, client_id, "", ""},
        // A ServiceAccount does not make the node's identity the tenant's.
        api::Identity{ManagedIdentity, client_id, "", "reader"}}) {
    Error error = failure(identity);
    EXPECT_EQ(error.reason, Reason::IdentityNotAllowed);
    EXPECT_EQ(disposition(error), Disposition::StallUntilChanged);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("--allow-operator-identity"), HasSubstr("serviceAccountName")));
  }
  EXPECT_THAT(cluster.requests, IsEmpty());
}

TEST_F(WatcherIdentity, once_allowed_the_operators_ids_are_the_default_and_the_specs_win) {
  settings.allow_operator_identity = true;
  EXPECT_THAT(failure({WorkloadIdentity, "", "", ""}).message,
              HasSubstr("spec.identity.clientId is not set, nor AZURE_CLIENT_ID"));
  settings.identities.client_id = client_id;
  settings.identities.tenant_id = tenant;
  auto own = grant({WorkloadIdentity, "", "", ""});
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_TRUE(std::holds_alternative<azure::OperatorToken>(own->proof));
  EXPECT_EQ(own->client_id, client_id);
  EXPECT_EQ(own->tenant_id, tenant);
  auto other = grant({WorkloadIdentity, other_id, "contoso.example", ""});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->client_id, other_id);
  EXPECT_EQ(other->tenant_id, "contoso.example");
}

TEST_F(WatcherIdentity, once_allowed_a_managed_identity_needs_no_ids) {
  settings.allow_operator_identity = true;
  auto node = grant({ManagedIdentity, "", "", ""});
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_TRUE(std::holds_alternative<azure::ManagedIdentity>(node->proof));
  EXPECT_EQ(node->client_id, "") << "the operator's workload identity is another one";
  EXPECT_EQ(grant({ManagedIdentity, client_id, "", ""})->client_id, client_id);
}

// ---- a ServiceAccount of the watcher's namespace ----

TEST_F(WatcherIdentity, a_service_account_with_both_ids_in_the_spec_is_not_read) {
  auto made = grant({WorkloadIdentity, client_id, tenant, "reader"});
  ASSERT_TRUE(made) << made.error().message;
  const auto& account = std::get<azure::ServiceAccountToken>(made->proof);
  EXPECT_EQ(account.ns, "ml");
  EXPECT_EQ(account.name, "reader");
  EXPECT_THAT(cluster.requests, IsEmpty());
}

TEST_F(WatcherIdentity,
       annotations_fill_what_the_spec_leaves_open_and_the_operators_tenant_is_the_last_resort) {
  put_account(
      {{"azure.workload.identity/client-id", client_id}, {"azure.workload.identity/tenant-id", tenant}});
  settings.identities.tenant_id = "operator.example";
  settings.identities.client_id = other_id;
  EXPECT_EQ(grant({WorkloadIdentity, "", "", "reader"})->client_id, client_id);
  EXPECT_EQ(grant({WorkloadIdentity, "", "", "reader"})->tenant_id, tenant);
  EXPECT_EQ(grant({WorkloadIdentity, other_id, "", "reader"})->client_id, other_id);
  EXPECT_EQ(grant({WorkloadIdentity, "", "spec.example", "reader"})->tenant_id, "spec.example");
  put_account({{"azure.workload.identity/client-id", client_id}});
  EXPECT_EQ(grant({WorkloadIdentity, "", "", "reader"})->tenant_id, "operator.example");
  put_account({});
  Error error = failure({WorkloadIdentity, "", "", "reader"});
  EXPECT_EQ(error.reason, Reason::InvalidSpec) << "never the operator's own client ID";
  EXPECT_THAT(error.message, AllOf(HasSubstr("spec.identity.clientId is not set"),
                                   HasSubstr("azure.workload.identity/client-id")));
}

TEST_F(WatcherIdentity, ids_of_annotations_are_checked_as_those_of_the_spec_are) {
  put_account(
      {{"azure.workload.identity/client-id", client_id}, {"azure.workload.identity/tenant-id", "../../x"}});
  EXPECT_EQ(failure({WorkloadIdentity, "", "", "reader"}).reason, Reason::InvalidSpec);
  put_account({{"azure.workload.identity/client-id", "x&y"}, {"azure.workload.identity/tenant-id", tenant}});
  EXPECT_EQ(failure({WorkloadIdentity, "", "", "reader"}).reason, Reason::InvalidSpec);
}

TEST_F(WatcherIdentity, a_service_account_that_is_missing_or_may_not_be_read_is_named) {
  Error missing = failure({WorkloadIdentity, "", "", "reader"});
  EXPECT_EQ(missing.reason, Reason::ServiceAccountNotFound);
  EXPECT_THAT(missing.message, HasSubstr("ServiceAccount reader does not exist in namespace ml"));
  cluster.rule = [](const std::string&) { return FakeCluster::status(403, "Forbidden"); };
  Error forbidden = failure({WorkloadIdentity, "", "", "reader"});
  EXPECT_EQ(forbidden.reason, Reason::Forbidden);
  EXPECT_THAT(forbidden.message,
              HasSubstr("get serviceaccounts (or clientId and tenantId in spec.identity)"));
}

// ---- its token ----

TEST_F(WatcherIdentity, the_token_of_a_service_account_is_good_for_the_exchange_alone_and_short_lived) {
  cluster.rule = [](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what != "POST " + account_path + "/token") return std::nullopt;
    return net::Response{201, {}, R"({"status":{"token":"a.b.c"}})"};
  };
  auto token = run(service_account_token(client, {"ml", "reader"}));
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->reveal(), "a.b.c");
  json::object body = cluster.last_body();
  EXPECT_EQ(body.at("kind"), "TokenRequest");
  EXPECT_EQ(body.at("spec"), (json::object{{"audiences", json::array{"api://AzureADTokenExchange"}},
                                           {"expirationSeconds", 600}}));
}

TEST_F(WatcherIdentity, why_there_is_no_token_is_said) {
  std::optional<FakeCluster::Answer> answer;
  cluster.rule = [&](const std::string&) { return answer; };
  auto error = [&](FakeCluster::Answer one) {
    answer = std::move(one);
    return run(service_account_token(client, {"ml", "reader"})).error();
  };
  EXPECT_EQ(error(FakeCluster::status(404, "NotFound")).reason, Reason::ServiceAccountNotFound);
  Error forbidden = error(FakeCluster::status(403, "Forbidden"));
  EXPECT_EQ(forbidden.reason, Reason::Forbidden);
  EXPECT_THAT(forbidden.message, HasSubstr("create serviceaccounts/token"));
  EXPECT_EQ(error(net::Response{201, {}, "{}"}).reason, Reason::InvalidResponse);
  EXPECT_EQ(error(FakeCluster::refused()).reason, Reason::ApiServerUnavailable);
}

}  // namespace
}  // namespace abo::controllers
