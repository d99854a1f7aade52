#include "azure/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace abo::azure {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string dev_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const std::string good_sas = "sv=2021-12-02&se=2036-11-22T00%3A00%3A00Z&sr=c&sp=rl&sig=hunter2%2B%3D";
const WallTime now = *parse_rfc3339("2026-11-22T05:30:00Z");

class ResolveAccess : public testing::Test {
 protected:
  Result<Access> resolve(std::optional<std::map<std::string, std::string>> data, std::string account = "acct",
                         std::string endpoint = "") {
    std::optional<SecretData> secret;
    if (data) secret.emplace();
    if (data) {
      for (auto& [key, value] : *data) secret->emplace(key, Secret(value));
    }
    return resolve_access({account, "data", endpoint, secret, "creds", policy_}, now);
  }

  // "Kind is checked by reason: message" for errors, and no message may hold what was secret.
  std::string failure(std::map<std::string, std::string> data, std::string account = "acct",
                      std::string endpoint = "") {
    auto access = resolve(data, account, endpoint);
    if (access) return "resolved";
    for (const auto& [key, value] : data) {
      if (value.size() > 3) EXPECT_THAT(access.error().message, Not(HasSubstr(value)));
    }
    EXPECT_THAT(access.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(access.error().message, Not(HasSubstr("Eby8")));
    return std::string(to_string(access.error().reason)) + ": " + access.error().message;
  }

  EndpointPolicy policy_ = *EndpointPolicy::parse({"http://127.0.0.1:10000"});
};

TEST_F(ResolveAccess, without_a_secret_is_anonymous) {
  auto access = resolve(std::nullopt);
  ASSERT_TRUE(access);
  EXPECT_TRUE(std::holds_alternative<Anonymous>(access->credential));
  EXPECT_EQ(access->container.text(), "https://acct.blob.core.windows.net/data");
}

TEST_F(ResolveAccess, takes_an_account_key_and_the_line_break_behind_it) {
  for (const std::string& text : {dev_key, dev_key + "\n", " " + dev_key + "\r\n"}) {
    auto access = resolve({{{"accountKey", text}}});
    ASSERT_TRUE(access);
    const auto& key = std::get<SharedKey>(access->credential);
    EXPECT_EQ(key.account, "acct");
    EXPECT_EQ(key.key.reveal().size(), 64u);
  }
}

TEST_F(ResolveAccess, takes_a_sas_with_or_without_its_question_mark) {
  for (const std::string& text : {good_sas, "?" + good_sas, "?" + good_sas + "\n"}) {
    auto access = resolve({{{"sasToken", text}}});
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(std::get<SasToken>(access->credential).text.reveal(), good_sas);
    EXPECT_EQ(access->expires, parse_rfc3339("2036-11-22T00:00:00Z"));
  }
}

TEST_F(ResolveAccess, takes_a_connection_string_in_each_of_its_forms) {
  auto standard =
      resolve({{{"connectionString", "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=" + dev_key +
                                         ";EndpointSuffix=core.usgovcloudapi.net"}}},
              "");
  ASSERT_TRUE(standard) << standard.error().message;
  EXPECT_EQ(standard->container.text(), "https://acct.blob.core.usgovcloudapi.net/data");
  EXPECT_TRUE(std::holds_alternative<SharedKey>(standard->credential));

  auto with_sas = resolve(
      {{{"connectionString",
         ";BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=" + good_sas + ";"}}},
      "");
  ASSERT_TRUE(with_sas) << with_sas.error().message;
  EXPECT_EQ(std::get<SasToken>(with_sas->credential).text.reveal(), good_sas);

  auto development = resolve({{{"connectionString", "UseDevelopmentStorage=true\n"}}}, "");
  ASSERT_TRUE(development) << development.error().message;
  EXPECT_EQ(development->container.text(), "http://127.0.0.1:10000/devstoreaccount1/data");

  auto explicit_endpoint =
      resolve({{{"connectionString", "accountname=devstoreaccount1;accountkey=" + dev_key +
                                         ";blobendpoint=http://127.0.0.1:10000/devstoreaccount1"}}},
              "");
  ASSERT_TRUE(explicit_endpoint) << explicit_endpoint.error().message;
  EXPECT_EQ(std::get<SharedKey>(explicit_endpoint->credential).account, "devstoreaccount1");
}

TEST_F(ResolveAccess, endpoint_of_the_spec_goes_before_the_connection_strings) {
  auto access = resolve({{{"connectionString", "AccountName=acct;AccountKey=" + dev_key}}}, "",
                        "https://acct.privatelink.blob.core.windows.net");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->container.text(), "https://acct.privatelink.blob.core.windows.net/data");
}

TEST_F(ResolveAccess, policy_holds_for_every_source_of_an_endpoint) {
  EXPECT_THAT(failure({{"accountKey", dev_key}}, "acct", "https://evil.example"),
              HasSubstr("EndpointNotAllowed"));
  EXPECT_THAT(failure({{"connectionString",
                        "AccountName=acct;AccountKey=" + dev_key + ";BlobEndpoint=https://evil.example"}}),
              HasSubstr("EndpointNotAllowed"));
  EXPECT_THAT(failure({{"connectionString",
                        "AccountName=acct;AccountKey=" + dev_key + ";EndpointSuffix=evil.example"}}),
              HasSubstr("EndpointNotAllowed"));
  EXPECT_THAT(failure({{"connectionString",
                        "AccountName=acct;AccountKey=" + dev_key + ";DefaultEndpointsProtocol=http"}}),
              HasSubstr("EndpointNotAllowed"));
  policy_ = {};
  EXPECT_THAT(failure({{"connectionString", "UseDevelopmentStorage=true"}}, ""),
              HasSubstr("EndpointNotAllowed"));
}

const std::string tenant = "99999999-8888-7777-6666-555555555555";
const std::string client = "11111111-2222-3333-4444-555555555555";

TEST_F(ResolveAccess, says_which_keys_a_secret_may_have) {
  EXPECT_THAT(failure({}), HasSubstr("InvalidSecret: Secret \"creds\" needs one of the keys accountKey, "
                                     "sasToken, connectionString or clientSecret (with tenantId and "
                                     "clientId), but has no key at all"));
  EXPECT_THAT(failure({{"password", "hunter2"}, {"user", "x"}}), HasSubstr("only password, user"));
  EXPECT_THAT(failure({{"accountKey", dev_key}, {"sasToken", good_sas}}),
              HasSubstr("has both accountKey and sasToken"));
  EXPECT_THAT(failure({{"accountKey", " \n"}}), HasSubstr("is empty"));
}

TEST_F(ResolveAccess, refuses_a_credential_that_is_far_too_long) {
  for (std::string key : {"accountKey", "sasToken", "connectionString", "clientSecret"}) {
    std::string said = failure({{key, std::string(9000, 'A')}, {"tenantId", tenant}, {"clientId", client}});
    EXPECT_THAT(said, HasSubstr("InvalidSecret: " + key + " in Secret \"creds\" is longer than 8192 bytes"));
  }
}

TEST_F(ResolveAccess, takes_a_client_secret_of_the_endpoints_cloud) {
  auto access = resolve({{{"tenantId", tenant + "\n"}, {"clientId", client}, {"clientSecret", " hunter2\n"}}},
                        "acct", "https://acct.blob.core.usgovcloudapi.net");
  ASSERT_TRUE(access) << access.error().message;
  const TokenGrant& grant = *std::get<Bearer>(access->credential).grant;
  EXPECT_EQ(grant.tenant_id, tenant);
  EXPECT_EQ(grant.client_id, client);
  EXPECT_EQ(std::get<ClientSecret>(grant.proof).text.reveal(), "hunter2");
  EXPECT_EQ(grant.cloud, Cloud::UsGovernment);
}

TEST_F(ResolveAccess, refuses_a_client_secret_that_is_not_whole) {
  EXPECT_THAT(failure({{"clientSecret", "hunter2"}, {"clientId", client}}),
              HasSubstr("InvalidSecret: Secret \"creds\" has clientSecret, but no tenantId"));
  EXPECT_THAT(failure({{"clientSecret", "hunter2"}, {"tenantId", tenant}}), HasSubstr("but no clientId"));
  EXPECT_THAT(failure({{"clientId", client}, {"tenantId", tenant}}), HasSubstr("needs one of the keys"));
  EXPECT_THAT(failure({{"clientSecret", "hunter2"}, {"clientId", client}, {"tenantId", "../x"}}),
              HasSubstr("tenantId in Secret \"creds\" must be a tenant's ID"));
  EXPECT_THAT(failure({{"clientSecret", "hunter2"}, {"clientId", "my-app"}, {"tenantId", tenant}}),
              HasSubstr("clientId in Secret \"creds\" must be the application's"));
  EXPECT_THAT(failure({{"clientSecret", " \n"}, {"clientId", client}, {"tenantId", tenant}}),
              HasSubstr("is empty"));
  EXPECT_THAT(failure({{"clientSecret", "hunter2"}, {"accountKey", dev_key}}), HasSubstr("has both"));
}

TEST_F(ResolveAccess, policy_holds_for_bearer_tokens_too) {
  std::map<std::string, std::string> data{
      {"tenantId", tenant}, {"clientId", client}, {"clientSecret", "hunter2"}};
  for (std::string endpoint :
       {"https://evil.example", "http://acct.blob.core.windows.net", "http://127.0.0.1:9999"})
    EXPECT_THAT(failure(data, "acct", endpoint), HasSubstr("EndpointNotAllowed"));
  EXPECT_EQ(failure(data, "acct", "http://127.0.0.1:10000"), "resolved");
}

TEST_F(ResolveAccess, takes_an_identity_where_there_is_no_secret) {
  TokenGrant grant{tenant, client, ServiceAccountToken{"ml", "reader"}};
  auto access = resolve_access({"acct", "data", "", std::nullopt, "", policy_, grant}, now);
  ASSERT_TRUE(access);
  EXPECT_EQ(std::get<ServiceAccountToken>(std::get<Bearer>(access->credential).grant->proof).name, "reader");
  EXPECT_FALSE(
      resolve_access({"acct", "data", "https://evil.example", std::nullopt, "", policy_, grant}, now));
}

TEST_F(ResolveAccess, refuses_values_that_cannot_work) {
  EXPECT_THAT(failure({{"accountKey", "not base64!"}}),
              HasSubstr("InvalidSecret: accountKey in Secret \"creds\" is not base64"));
  EXPECT_THAT(failure({{"connectionString", dev_key}}), HasSubstr("InvalidSecret"));
  EXPECT_THAT(failure({{"connectionString", "AccountName=acct"}}), HasSubstr("neither AccountKey"));
  EXPECT_THAT(failure({{"connectionString", "AccountKey=" + dev_key}}), HasSubstr("neither AccountName"));
  EXPECT_THAT(failure({{"connectionString", "BlobSecondaryEndpoint=https://x;AccountKey=" + dev_key}}),
              HasSubstr("neither AccountName"));
  EXPECT_THAT(failure({{"connectionString", "AccountName=acct;AccountKey=bad!"}}), HasSubstr("not base64"));
  EXPECT_THAT(failure({{"connectionString", "AccountName=acct;AccountName=b;AccountKey=" + dev_key}}),
              HasSubstr("twice"));
  EXPECT_THAT(failure({{"connectionString", "AccountName=other;AccountKey=" + dev_key}}),
              HasSubstr("another account"));
  EXPECT_THAT(failure({{"sasToken", "https://acct.blob.core.windows.net/data?" + good_sas}}),
              HasSubstr("whole URL"));
  EXPECT_THAT(failure({{"sasToken", "sv=1&se=2036-01-01T00:00:00Z&sp=rl&sr=c"}}), HasSubstr("no signature"));
  EXPECT_THAT(failure({{"sasToken", good_sas + "\r\nHost: evil"}}), HasSubstr("InvalidSecret"));
}

TEST_F(ResolveAccess, names_a_sas_that_has_ended_or_cannot_list) {
  auto sas = [](std::string_view parameters) {
    return std::map<std::string, std::string>{
        {"sasToken", std::string(parameters) + "&sv=2021-12-02&sig=hunter2"}};
  };
  EXPECT_THAT(failure(sas("se=2026-11-22T05:29:59Z&sr=c&sp=rl")),
              HasSubstr("SasExpired: sasToken in Secret \"creds\" expired at 2026-11-22T05:29:59Z"));
  EXPECT_THAT(failure(sas("se=2026-11-22&sr=c&sp=rl")), HasSubstr("SasExpired"));
  EXPECT_THAT(failure(sas("se=soon&sr=c&sp=rl")), HasSubstr("InvalidSecret"));
  EXPECT_THAT(failure(sas("se=2036-11-22T00:00Z&sr=c&sp=r")),
              HasSubstr("PermissionDenied: sasToken in Secret \"creds\" allows \"r\" only, but watching a "
                        "container needs list (l)"));
  EXPECT_THAT(failure(sas("se=2036-11-22T00:00Z&sr=c&sp=%FF%00r%0Aw")),
              HasSubstr("allows \"(no permissions)\" only"));
  EXPECT_THAT(failure(sas("se=2036-11-22&sr=b&sp=rl")), HasSubstr("PermissionDenied"));
  EXPECT_THAT(failure(sas("se=2036-11-22&ss=q&srt=co&sp=rl")), HasSubstr("ss lacks b"));
  EXPECT_THAT(failure(sas("se=2036-11-22&ss=b&srt=o&sp=rl")), HasSubstr("srt lacks c"));
  EXPECT_THAT(failure(sas("se=2036-11-22&sr=c")), HasSubstr("no permissions"));
  EXPECT_THAT(
      failure(sas("spr=https&se=2036-11-22&sr=c&sp=rl"), "devstoreaccount1", "http://127.0.0.1:10000"),
      HasSubstr("https only"));
  EXPECT_EQ(failure(sas("se=2036-11-22&ss=bq&srt=sco&sp=rl")), "resolved");
  EXPECT_EQ(failure(sas("sr=c&si=policy")), "resolved");
  EXPECT_EQ(failure(sas("st=2030-01-01&se=2036-11-22&sr=c&sp=rl")), "resolved");
}

// The account is named by spec.storageAccount, so that nothing but the place is judged.
TEST_F(ResolveAccess, a_connection_string_leads_nowhere_an_endpoint_could_not) {
  for (std::string place : {"EndpointSuffix=core.windows.net.evil.example",
                            "EndpointSuffix=evil.example",
                            "EndpointSuffix=evil.example/",
                            "EndpointSuffix=evil.example#",
                            "EndpointSuffix=evil.example?",
                            "EndpointSuffix=core.windows.net@evil.example",
                            "EndpointSuffix=core.windows.net:8443",
                            "EndpointSuffix=core.windows.net.",
                            "EndpointSuffix=core.windows.net\\@evil.example",
                            "EndpointSuffix=core.windows.net%2eevil.example",
                            "EndpointSuffix=core.windows\xE3\x80\x82net",
                            "DefaultEndpointsProtocol=http",
                            "DefaultEndpointsProtocol=file",
                            "DefaultEndpointsProtocol=https://evil.example/x?",
                            "DefaultEndpointsProtocol=HTTP",
                            "BlobEndpoint=http://acct.blob.core.windows.net",
                            "BlobEndpoint=https://acct.blob.core.windows.net@evil.example",
                            "BlobEndpoint=https://acct.blob.core.windows.net.evil.example",
                            "BlobEndpoint=https://169.254.169.254",
                            "BlobEndpoint=https://2852039166/",
                            "BlobEndpoint=https://0xA9.254.169.254",
                            "BlobEndpoint=https://[::ffff:169.254.169.254]",
                            "BlobEndpoint=https://kubernetes.default.svc",
                            "BlobEndpoint=//acct.blob.core.windows.net",
                            "BlobEndpoint=https://acctblob.core.windows.net",
                            "BlobEndpoint=https://xn--acct-blob-core-windows-net-x.example",
                            "BlobEndpoint=https://acct.blob.core.windows.net:443@evil.example"}) {
    auto said = failure({{"connectionString", "AccountName=acct;AccountKey=" + dev_key + ";" + place}});
    EXPECT_THAT(said, testing::AnyOf(testing::StartsWith("EndpointNotAllowed: "),
                                     testing::StartsWith("InvalidSpec: ")))
        << place;
  }
}

TEST_F(ResolveAccess, an_account_name_cannot_carry_a_place) {
  for (std::string name :
       {"evil.example/x", "evil.example#", "evil.example?", "u@evil", "evil.example:443/", "a/../b"}) {
    std::string text = "AccountName=" + name + ";AccountKey=" + dev_key;
    auto said = failure({{"connectionString", text}}, "");
    EXPECT_THAT(said, testing::AnyOf(testing::StartsWith("EndpointNotAllowed: "),
                                     testing::StartsWith("InvalidSpec: ")))
        << name;
  }
}

TEST_F(ResolveAccess, only_a_host_that_is_named_may_lead_anywhere) {
  EXPECT_FALSE(resolve({{{"accountKey", dev_key}}})->any_address);
  EXPECT_TRUE(
      resolve({{{"accountKey", dev_key}}}, "devstoreaccount1", "http://127.0.0.1:10000")->any_address);
}

}  // namespace
}  // namespace abo::azure
