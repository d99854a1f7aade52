#include <gtest/gtest.h>

#include "azure/endpoint_policy.h"

namespace abo::azure {
namespace {

TEST(ReachableAddress, public_and_private_ones_may_be_asked) {
  for (std::string_view address :
       {"20.60.1.1",       "10.0.0.4",          "172.16.0.1",      "172.31.255.255", "192.168.1.1",
        "100.64.0.1",      "1.0.0.0",           "126.1.2.3",       "128.0.0.1",      "169.253.255.255",
        "169.255.0.0",     "223.255.255.255",   "168.63.129.15",   "168.63.129.17",  "100.100.100.199",
        "192.0.1.1",       "2603:1030::1",      "fd12:3456::7",    "fc00::1",        "fe00::1",
        "::ffff:10.0.0.4", "64:ff9b::1401:101", "2002:1401:101::1"}) {
    EXPECT_TRUE(may_reach(address)) << address;
  }
}

TEST(ReachableAddress, the_machine_its_link_and_metadata_services_may_not) {
  for (std::string_view address : {"127.0.0.1",
                                   "127.255.255.255",
                                   "0.0.0.0",
                                   "0.1.2.3",
                                   "169.254.169.254",
                                   "169.254.0.0",
                                   "169.254.255.255",
                                   "224.0.0.1",
                                   "239.1.2.3",
                                   "240.0.0.1",
                                   "255.255.255.255",
                                   "168.63.129.16",
                                   "100.100.100.200",
                                   "192.0.0.192",
                                   "::1",
                                   "::",
                                   "fe80::1",
                                   "febf::1",
                                   "fec0::1",
                                   "ff02::1",
                                   "fd00:ec2::254",
                                   "fd20:ce::254"}) {
    EXPECT_FALSE(may_reach(address)) << address;
  }
}

TEST(ReachableAddress, an_ipv4_address_does_not_hide_in_another_form) {
  for (std::string_view address :
       {"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::169.254.169.254", "2002:7f00:1::", "2002:a9fe:a9fe::1"}) {
    EXPECT_FALSE(may_reach(address)) << address;
  }
}

TEST(ReachableAddress, what_is_no_address_may_not_be_asked) {
  for (std::string_view address :
       {"", "localhost", "127.1", "10.0.0.4:443", "fe80::1%eth0", "[::1]", "10.0.0.4 "}) {
    EXPECT_FALSE(may_reach(address)) << address;
  }
}

TEST(ReachableAddress, is_asked_about_unless_the_flag_names_the_very_host) {
  auto policy = EndpointPolicy::parse({"https://acct.blob.core.windows.net",
                                       "https://*.blob.example.internal", "http://*.blob.localhost:10000"});
  ASSERT_TRUE(policy);
  auto named = [&](std::string_view text) { return policy->names(*parse_endpoint(text, "endpoint")); };
  EXPECT_TRUE(named("https://ACCT.blob.core.windows.net:443/"));
  EXPECT_FALSE(named("https://other.blob.core.windows.net"));
  EXPECT_FALSE(named("https://acct.blob.example.internal"));
  EXPECT_FALSE(named("http://acct.blob.core.windows.net"));
  EXPECT_TRUE(named("http://acct.blob.localhost:10000"));
  EXPECT_FALSE(named("http://acct.blob.localhost"));
}

}  // namespace
}  // namespace abo::azure
