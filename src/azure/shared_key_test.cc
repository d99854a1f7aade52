// The vectors were accepted by Azurite and equal those of Microsoft's own SDK.
#include "azure/shared_key.h"

#include <gtest/gtest.h>

namespace abo::azure {
namespace {

SharedKey dev_key(std::string_view account) {
  return *parse_shared_key(
      account,
      Secret("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
      "accountKey");
}

const std::pair<std::string, std::string> date{"x-ms-date", "Sun, 22 Nov 2026 05:30:00 GMT"};
const std::pair<std::string, std::string> version{"x-ms-version", "2021-12-02"};

TEST(SharedKey, signs_a_path_style_listing_as_the_service_does) {
  SignedParts parts{"GET",
                    "/devstoreaccount1/mycontainer",
                    {{"restype", "container"},
                     {"comp", "list"},
                     {"include", "metadata,tags"},
                     {"maxresults", "2"},
                     {"prefix", "in/a b+&"}},
                    {version, date, {"x-ms-client-request-id", "11111111-2222-3333-4444-555555555555"}}};
  EXPECT_EQ(string_to_sign("devstoreaccount1", parts),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-client-request-id:11111111-2222-3333-4444-555555555555\n"
            "x-ms-date:Sun, 22 Nov 2026 05:30:00 "
            "GMT\nx-ms-version:2021-12-02\n/devstoreaccount1/devstoreaccount1/mycontainer\n"
            "comp:list\ninclude:metadata,tags\nmaxresults:2\nprefix:in/a b+&\nrestype:container");
  EXPECT_EQ(authorization(dev_key("devstoreaccount1"), parts),
            "SharedKey devstoreaccount1:Zx6UqLe+nprQsfu+EVGDjH/r5j0uSgJQx5xA0JHNRWI=");
}

TEST(SharedKey, signs_an_upload_as_the_service_does) {
  SignedParts parts{"PUT",
                    "/devstoreaccount1/mycontainer/dir/a%20b%2B%C3%BC.txt",
                    {},
                    {{"Content-Length", "5"},
                     {"Content-Type", "text/plain"},
                     {"If-None-Match", "*"},
                     {"x-ms-blob-type", "BlockBlob"},
                     {"x-ms-meta-Owner", "me"},
                     date,
                     version}};
  EXPECT_EQ(sign(dev_key("devstoreaccount1").key, string_to_sign("devstoreaccount1", parts)),
            "QP67yzuynfKRwD960aNgCgH5771lyFJpLmJBwYXBgrk=");
}

TEST(SharedKey, signs_a_host_style_listing_as_the_service_does) {
  SignedParts parts{"GET", "/mycontainer", {{"restype", "container"}, {"comp", "list"}}, {date, version}};
  EXPECT_EQ(authorization(dev_key("myaccount"), parts),
            "SharedKey myaccount:haBw/u41rF8T0P/aDbZYScY4+U3421t8V7x/gSe0Dwg=");
}

TEST(SharedKey, leaves_out_a_length_of_zero) {
  SignedParts without{"PUT", "/c", {}, {date, version}};
  SignedParts zero{"PUT", "/c", {}, {{"Content-Length", "0"}, date, version}};
  EXPECT_EQ(string_to_sign("a", without), string_to_sign("a", zero));
}

TEST(Sas, signatures_are_made_with_the_same_function) {
  Secret key = dev_key("devstoreaccount1").key;
  EXPECT_EQ(sign(key,
                 "devstoreaccount1\nrl\nbq\nsco\n2026-11-22T00:00:00Z\n2036-11-22T00:00:00Z\n\nhttps,"
                 "http\n2021-12-02\n\n"),
            "PRMr+Kf5L/3GIgXzdBuZiMBRxs4RkjvJYEt913LiwWw=");
  EXPECT_EQ(sign(key,
                 "rl\n2026-11-22T00:00:00Z\n2036-11-22T00:00:00Z\n/blob/devstoreaccount1/"
                 "mycontainer\n\n\n\n2021-12-02\nc\n\n\n\n\n\n\n"),
            "3ln6pjTMS1UhOTk2I5ifOqs+X5RjpNoVEnNyOF3fpVU=");
}

}  // namespace
}  // namespace abo::azure
