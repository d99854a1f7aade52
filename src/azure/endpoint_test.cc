#include "azure/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/endpoint_policy.h"

namespace abo::azure {
namespace {

using testing::HasSubstr;

std::string url_of(std::string_view account, std::string_view container, std::string_view endpoint) {
  auto url = container_url(account, container, endpoint);
  return url ? url->account + " " + url->text() : std::string(to_string(url.error().reason));
}

TEST(ContainerUrl, is_built_from_account_container_and_endpoint) {
  EXPECT_EQ(url_of("acct", "data", ""), "acct https://acct.blob.core.windows.net/data");
  EXPECT_EQ(url_of("", "data", "https://acct.blob.core.windows.net"),
            "acct https://acct.blob.core.windows.net/data");
  EXPECT_EQ(url_of("", "data", "HTTPS://Acct.Blob.Core.Windows.NET:443/"),
            "acct https://acct.blob.core.windows.net/data");
  EXPECT_EQ(url_of("", "data", "https://acct-secondary.blob.core.windows.net"),
            "acct https://acct-secondary.blob.core.windows.net/data");
  EXPECT_EQ(url_of("", "data", "https://acct.privatelink.blob.core.windows.net"),
            "acct https://acct.privatelink.blob.core.windows.net/data");
  EXPECT_EQ(url_of("", "data", "https://acct.z11.blob.storage.azure.net"),
            "acct https://acct.z11.blob.storage.azure.net/data");
  EXPECT_EQ(url_of("acct", "$web", ""), "acct https://acct.blob.core.windows.net/$web");
  EXPECT_EQ(url_of("acct", "data", "https://files.example.com"), "acct https://files.example.com/data");
}

TEST(ContainerUrl, has_the_account_in_its_path_where_the_host_cannot_hold_it) {
  EXPECT_EQ(url_of("", "data", "http://127.0.0.1:10000/devstoreaccount1"),
            "devstoreaccount1 http://127.0.0.1:10000/devstoreaccount1/data");
  EXPECT_EQ(url_of("devstoreaccount1", "data", "http://127.0.0.1:10000/devstoreaccount1/"),
            "devstoreaccount1 http://127.0.0.1:10000/devstoreaccount1/data");
  EXPECT_EQ(url_of("devstoreaccount1", "data", "http://127.0.0.1:10000"),
            "devstoreaccount1 http://127.0.0.1:10000/devstoreaccount1/data");
  EXPECT_EQ(url_of("devstoreaccount1", "data", "http://azurite:10000"),
            "devstoreaccount1 http://azurite:10000/devstoreaccount1/data");
  EXPECT_EQ(url_of("", "data", "http://azurite.storage.svc:10000/devstoreaccount1"),
            "devstoreaccount1 http://azurite.storage.svc:10000/devstoreaccount1/data");
  EXPECT_EQ(url_of("", "data", "http://[0:0::1]:10000/devstoreaccount1-secondary"),
            "devstoreaccount1 http://[::1]:10000/devstoreaccount1-secondary/data");
  EXPECT_EQ(url_of("", "data", "http://devstoreaccount1.blob.localhost:10000"),
            "devstoreaccount1 http://devstoreaccount1.blob.localhost:10000/data");
}

TEST(ContainerUrl, is_refused_when_the_account_is_unknown_or_contradicted) {
  for (auto [account, endpoint] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"", ""},
           {"", "http://127.0.0.1:10000"},
           {"", "http://localhost:10000/"},
           {"", "https://my-files.example.com"},
           {"other", "https://acct.blob.core.windows.net"},
           {"acct", "https://acct.blob.core.windows.net/data"},
           {"Acct", ""},
           {"ac", ""},
           {"a-cct", ""},
           {"aaaaaaaaaaaaaaaaaaaaaaaaa", ""}}) {
    EXPECT_EQ(url_of(account, "data", endpoint), "InvalidSpec") << account << " " << endpoint;
  }
}

TEST(Endpoint, in_any_unusual_form_is_refused) {
  for (std::string_view text : {"",
                                "acct.blob.core.windows.net",
                                "ftp://acct.blob.core.windows.net",
                                "https://",
                                "https:///x",
                                "https://user@host.example",
                                "https://user:pw@host.example",
                                "https://host.example?sv=1",
                                "https://host.example/?sig=x",
                                "https://host.example#f",
                                "https://host.example:0",
                                "https://host.example:65536",
                                "https://host.example:http",
                                "https://host.example:",
                                "https://ho st.example",
                                "https://host.example.",
                                "https://host..example",
                                "https://.example",
                                "https://host.example\\@evil",
                                "https://h%6Fst.example",
                                "https://h\xC3\xB6st.example",
                                "https://2130706433",
                                "https://0x7f000001",
                                "https://0x7f.1",
                                "https://127.1",
                                "https://0177.0.0.1",
                                "https://127.0.0.1.",
                                "https://127.0.0.256",
                                "https://1.2.3.4.5",
                                "https://host.0x1",
                                "https://[::ffff:127.0.0.1]",
                                "https://[::127.0.0.1]",
                                "https://[64:ff9b::7f00:1]",
                                "https://[::1%25eth0]",
                                "https://[::1",
                                "https://[::1]x",
                                "https://host.example/a/../b",
                                "https://host.example//a",
                                "https://host.example/a b",
                                "https://host.example/a%2Fb",
                                "https://acct.blob.core.windows.net\t",
                                " https://acct.blob.core.windows.net",
                                "https://acct.blob.core.windows.net%00.evil.example",
                                "https://acct.blob.core.windows.net\\.evil.example",
                                "https:\\\\acct.blob.core.windows.net",
                                "https:/acct.blob.core.windows.net",
                                "//acct.blob.core.windows.net",
                                "javascript://acct.blob.core.windows.net",
                                "https+unix://acct.blob.core.windows.net",
                                "https://acct.blob.core.windows.net;evil.example",
                                "https://acct.blob.core.windows.net,evil.example",
                                "https://acct.blob.core.windows.net:443:443",
                                "https://acct.blob.core.windows.net:+443",
                                "https://acct.blob.core.windows.net: 443",
                                "https://acct.blob.core.windows.net:4\n43",
                                "https://%61cct.blob.core.windows.net",
                                "https://acct.blob.core.windows\xE3\x80\x82net",
                                "https://acct.bl\xD0\xBE"
                                "b.core.windows.net",
                                "https://[fe80::1%25eth0]",
                                "https://[0:0:0:0:0:ffff:7f00:1]",
                                "https://[v1.x]",
                                "https://127.0.0.1.0",
                                "https://00000177.0.0.01",
                                "https://127.0.1",
                                "https://0",
                                "https://*.example"}) {
    auto endpoint = parse_endpoint(text, "endpoint");
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().kind, ErrorKind::Invalid);
    EXPECT_EQ(endpoint.error().reason, Reason::InvalidSpec);
    EXPECT_THAT(endpoint.error().message, HasSubstr("must look like"));
  }
}

TEST(Endpoint, error_does_not_repeat_a_sas) {
  auto endpoint = parse_endpoint("https://acct.blob.core.windows.net/data?sv=1&sig=hunter2", "endpoint");
  ASSERT_FALSE(endpoint);
  EXPECT_THAT(endpoint.error().message, testing::Not(HasSubstr("hunter2")));
}

TEST(ContainerName, follows_the_rules_of_the_service) {
  for (std::string_view name : {"abc", "my-data-1", "0ab", "$root", "$logs", "$web"})
    EXPECT_TRUE(check_container_name(name)) << name;
  for (std::string_view name : {"", "ab", "Abc", "a--b", "-abc", "abc-", "a_b", "a/b", "$other", "a.b"}) {
    EXPECT_FALSE(check_container_name(name)) << name;
  }
  EXPECT_FALSE(check_container_name(std::string(64, 'a')));
  EXPECT_TRUE(check_container_name(std::string(63, 'a')));
}

bool allowed(const EndpointPolicy& policy, std::string_view text) {
  auto endpoint = parse_endpoint(text, "endpoint");
  if (!endpoint) return false;
  auto verdict = policy.check(*endpoint);
  if (!verdict) {
    EXPECT_EQ(verdict.error().kind, ErrorKind::Forbidden);
    EXPECT_EQ(verdict.error().reason, Reason::EndpointNotAllowed);
    EXPECT_THAT(verdict.error().message, HasSubstr("--allowed-endpoint " + endpoint->origin()));
  }
  return verdict.has_value();
}

TEST(EndpointPolicy, allows_azures_own_hosts_by_https) {
  EndpointPolicy policy;
  for (std::string_view text :
       {"https://acct.blob.core.windows.net", "https://acct-secondary.blob.core.windows.net",
        "https://ACCT.BLOB.core.windows.net", "https://acct.privatelink.blob.core.windows.net",
        "https://acct.blob.core.usgovcloudapi.net", "https://acct.blob.core.chinacloudapi.cn",
        "https://acct.z7.blob.storage.azure.net", "https://acct.z42.blob.storage.azure.net",
        "https://acct.z42.privatelink.blob.storage.azure.net"}) {
    EXPECT_TRUE(allowed(policy, text)) << text;
  }
}

TEST(EndpointPolicy, refuses_everything_else_until_it_is_named) {
  EndpointPolicy policy;
  for (std::string_view text : {"http://acct.blob.core.windows.net",
                                "https://acct.blob.core.windows.net:8443",
                                "https://blob.core.windows.net",
                                "https://acct.blob.core.windows.net.evil.com",
                                "https://evilblob.core.windows.net",
                                "https://acct.queue.core.windows.net",
                                "https://acct.blob.storage.azure.net",
                                "https://acct.zz1.blob.storage.azure.net",
                                "https://z11.blob.storage.azure.net",
                                "https://a.b.z11.blob.storage.azure.net",
                                "https://acct.z123.blob.storage.azure.net",
                                "https://127.0.0.1",
                                "https://169.254.169.254",
                                "https://[::1]",
                                "https://kubernetes.default.svc",
                                "https://acct.blob.core.windows.net.",
                                "https://acct.blob.core.windows.net@evil.com",
                                "https://2130706433",
                                "https://localhost",
                                "https://xn--acct-blob-core-windows-net-x.example",
                                "https://acct.xn--blob-x.core.windows.net",
                                "https://acct.blob.core.windows.net.localhost",
                                "https://acct.blob.core.windows.net:80",
                                "https://acct-blob.core.windows.net",
                                "https://acct.blob-core.windows.net",
                                "https://acct.blob.core.windows.org",
                                "https://acct.blob.core.cloudapi.de.evil.example",
                                "https://acct.dfs.core.windows.net",
                                "https://acct.z1.blob.storage.azure.net.evil.example",
                                "https://login.microsoftonline.com"}) {
    EXPECT_FALSE(allowed(policy, text)) << text;
  }
}

TEST(EndpointPolicy, allows_the_origins_of_the_flag_and_nothing_near_them) {
  auto policy = EndpointPolicy::parse(
      {"http://127.0.0.1:10000", "https://*.Blob.example.internal", "http://azurite", "https://[::1]:10"});
  ASSERT_TRUE(policy);
  for (std::string_view text :
       {"http://127.0.0.1:10000/devstoreaccount1", "https://acct.blob.example.internal",
        "https://a.b.blob.example.internal:443", "http://azurite:80/a", "https://[0::1]:10"}) {
    EXPECT_TRUE(allowed(*policy, text)) << text;
  }
  for (std::string_view text :
       {"https://127.0.0.1:10000", "http://127.0.0.1:10001", "http://127.0.0.1", "http://127.0.0.2:10000",
        "https://blob.example.internal", "http://acct.blob.example.internal",
        "https://acct.blob.example.internal:8443", "https://evilblob.example.internal",
        "https://acct.blob.example.internal.evil.com", "http://azurite:10000", "https://azurite"}) {
    EXPECT_FALSE(allowed(*policy, text)) << text;
  }
}

TEST(EndpointPolicy, says_what_is_wrong_with_an_origin) {
  for (std::string text : {"127.0.0.1:10000", "http://127.0.0.1:10000/devstoreaccount1", "https://*", "*",
                           "https://*.", "https://*.1.2.3.4", "https://a.*.example", "https://*.*.example",
                           "https://user@host", "https://host:99999", ""}) {
    auto policy = EndpointPolicy::parse({text});
    ASSERT_FALSE(policy) << text;
    EXPECT_EQ(policy.error().reason, Reason::InvalidSpec);
    EXPECT_THAT(policy.error().message, HasSubstr("--allowed-endpoint"));
  }
}

}  // namespace
}  // namespace abo::azure
