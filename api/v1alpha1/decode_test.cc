#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "api/v1alpha1/check.h"
#include "api/v1alpha1/fields.h"

namespace abo::api {
namespace {

json::object minimal() {
  return {{"storageAccount", "acct"},
          {"containerName", "data"},
          {"jobTemplate", {{"kind", "Job"}, {"template", "kind: Job"}}}};
}

json::object with(std::string_view name, json::value value) {
  json::object spec = minimal();
  spec[name] = std::move(value);
  return spec;
}

std::string error_of(const json::value& spec) {
  auto decoded = decode_spec(spec);
  if (decoded) return "";
  EXPECT_EQ(decoded.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(decoded.error().reason, Reason::InvalidSpec);
  return decoded.error().message;
}

TEST(DecodeSpec, gives_what_is_not_written_its_default) {
  Spec expected;  // whose own defaults are thereby those of the table
  expected.storage_account = "acct";
  expected.container_name = "data";
  expected.job_template = {"Job", "kind: Job"};
  EXPECT_EQ(decode_spec(minimal()).value(), expected);
}

TEST(DecodeSpec, reads_every_field) {
  auto spec = decode_spec(json::parse(R"({
    "storageAccount": "acct", "containerName": "$web", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
    "identity": {"type": "WorkloadIdentity", "clientId": "11111111-2222-3333-4444-555555555555", "tenantId": "t.example",
                 "serviceAccountName": "reader"},
    "blobPrefix": "raw/", "blobPattern": "a", "blobExcludePattern": "b", "minSizeBytes": 1, "maxSizeBytes": 9,
    "minAgeSeconds": 2, "pollingIntervalSeconds": 3, "existingBlobs": "Ignore", "suspend": true, "maxActive": 4,
    "maxTriggersPerPoll": 5, "deletionPolicy": "Orphan", "successfulHistoryLimit": 6, "failedHistoryLimit": 7,
    "statusHistoryLimit": 8, "serviceAccountName": "runner", "jobTemplate": {"kind": "Pod", "template": "x"}})"));
  Spec expected{
      .storage_account = "acct",
      .container_name = "$web",
      .endpoint = "http://127.0.0.1:10000/devstoreaccount1",
      .credentials_secret = "",
      .identity = Identity{IdentityType::WorkloadIdentity, "11111111-2222-3333-4444-555555555555",
                           "t.example", "reader"},
      .blob_prefix = "raw/",
      .blob_pattern = "a",
      .blob_exclude_pattern = "b",
      .min_size_bytes = 1,
      .max_size_bytes = 9,
      .min_age_seconds = 2,
      .polling_interval_seconds = 3,
      .existing_blobs = ExistingBlobs::Ignore,
      .suspend = true,
      .max_active = 4,
      .max_triggers_per_poll = 5,
      .deletion_policy = DeletionPolicy::Orphan,
      .successful_history_limit = 6,
      .failed_history_limit = 7,
      .status_history_limit = 8,
      .service_account_name = "runner",
      .job_template = {"Pod", "x"},
  };
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(*spec, expected);
}

TEST(DecodeSpec, names_the_field_and_what_is_legal) {
  EXPECT_EQ(error_of(with("pollingIntervalSeconds", 0)),
            "spec.pollingIntervalSeconds: must be between 1 and 86400, got 0");
  EXPECT_EQ(error_of(with("pollingIntervalSeconds", "60")),
            "spec.pollingIntervalSeconds: must be an integer, got a string");
  EXPECT_EQ(error_of(with("pollingIntervalSeconds", 1.5)),
            "spec.pollingIntervalSeconds: must be an integer that fits into 64 bits");
  EXPECT_EQ(error_of(with("minSizeBytes", -1)),
            "spec.minSizeBytes: must be between 0 and 9223372036854775807, got -1");
  EXPECT_EQ(error_of(with("suspend", "yes")), "spec.suspend: must be true or false, got a string");
  EXPECT_EQ(error_of(with("existingBlobs", "trigger")),
            "spec.existingBlobs: must be Trigger or Ignore; did you mean Trigger?");
  EXPECT_EQ(error_of(with("storageAccount", "My_Account")),
            "spec.storageAccount: must be 3 to 24 lower-case letters and digits");
  EXPECT_EQ(error_of(with("containerName", "ab")),
            "spec.containerName: must be between 3 and 63 characters long, got 2");
  EXPECT_EQ(error_of(with("credentialsSecret", "")), "spec.credentialsSecret: must not be empty");
  EXPECT_EQ(error_of(with("jobTemplate", json::object{{"kind", "Job"}})),
            "spec.jobTemplate.template: is required");
}

TEST(DecodeSpec, reads_sizes_of_64_bits_to_the_last_bit) {
  auto spec = [](std::string_view size) {
    json::object whole = minimal();
    whole["maxSizeBytes"] = parse_json(size).value();
    return parse_json(json::serialize(whole)).value();  // as it is kept between two polls
  };
  for (std::int64_t size : {9007199254740993, 9223372036854775807}) {
    EXPECT_EQ(decode_spec(spec(std::to_string(size))).value().max_size_bytes, size);
  }
  for (const char* beyond : {"9223372036854775808", "18446744073709551615", "1e19", "1.5"}) {
    EXPECT_EQ(error_of(spec(beyond)), "spec.maxSizeBytes: must be an integer that fits into 64 bits")
        << beyond;
  }
}

TEST(DecodeSpec, takes_a_managed_identity_but_not_for_a_service_account) {
  json::object managed = {{"type", "ManagedIdentity"}};
  EXPECT_EQ(decode_spec(with("identity", managed)).value().identity->type, IdentityType::ManagedIdentity);
  managed["serviceAccountName"] = "reader";
  EXPECT_EQ(error_of(with("identity", managed)),
            "spec.identity.serviceAccountName: is for type WorkloadIdentity only: a managed identity belongs "
            "to the "
            "node");
}

TEST(DecodeSpec, names_the_nearest_field_for_an_unknown_one) {
  EXPECT_EQ(error_of(with("pollingInterval", 5)),
            "spec.pollingInterval: unknown field; did you mean pollingIntervalSeconds?");
  EXPECT_EQ(error_of(with("zzzzzzzz", 5)), "spec.zzzzzzzz: unknown field");
  EXPECT_EQ(error_of(with(std::string(500, 'x'), 5)), "spec." + std::string(64, 'x') + ": unknown field");
}

TEST(DecodeSpec, wants_an_account_from_somewhere) {
  json::object spec = minimal();
  spec.erase("storageAccount");
  EXPECT_THAT(error_of(spec), testing::StartsWith("spec.storageAccount: is required unless"));
  for (auto [name, value] : {std::pair{"endpoint", "https://acct.blob.core.windows.net"},
                             std::pair{"credentialsSecret", "with-connection-string"}}) {
    json::object other = spec;
    other[name] = value;
    EXPECT_EQ(error_of(other), "") << name;
  }
}

TEST(DecodeSpec, refuses_two_credentials_and_crossed_sizes) {
  json::object spec = with("credentialsSecret", "creds");
  spec["identity"] = {{"type", "WorkloadIdentity"}};
  EXPECT_EQ(error_of(spec),
            "spec.identity: credentialsSecret and identity exclude each other: remove one of them");
  spec = with("minSizeBytes", 2);
  spec["maxSizeBytes"] = 1;
  EXPECT_EQ(error_of(spec), "spec.maxSizeBytes: must not be less than minSizeBytes");
}

TEST(DecodeSpec, refuses_credentials_in_the_endpoint_without_repeating_them) {
  for (const char* endpoint : {"https://a.blob.core.windows.net/?sig=s3cret", "https://u:s3cret@a.example",
                               "https://a.example/c#s3cret", "ftp://a.example/s3cret"}) {
    auto message = error_of(with("endpoint", endpoint));
    EXPECT_THAT(message, testing::StartsWith("spec.endpoint: must be an http or https URL")) << endpoint;
    EXPECT_THAT(message, testing::Not(testing::HasSubstr("s3cret")));
  }
}

TEST(DecodeSpec, takes_the_containers_azure_allows) {
  for (const char* name : {"$root", "$web", "$logs", "a-b", "abc", "a1-b2-c3", "123"}) {
    EXPECT_EQ(error_of(with("containerName", name)), "") << name;
  }
  for (const char* name : {"$else", "-ab", "ab-", "a--b", "Abc", "a_b", "a/b", "abc\n"}) {
    EXPECT_NE(error_of(with("containerName", name)), "") << name;
  }
}

TEST(DecodeSpec, counts_characters_not_bytes) {
  std::string umlauts;
  for (int i = 0; i < 1024; ++i) umlauts += "\xC3\xBC";
  EXPECT_EQ(error_of(with("blobPrefix", json::string(umlauts))), "");
  EXPECT_NE(error_of(with("blobPrefix", json::string(umlauts + "x"))), "");
}

TEST(DecodeSpec, reads_null_as_absent_as_the_api_server_does) {
  for (const Field* field : children("spec")) {
    json::object without = minimal();
    without.erase(field->name());
    auto absent = decode_spec(without), null = decode_spec(with(field->name(), nullptr));
    ASSERT_EQ(absent.has_value(), null.has_value()) << field->path;
    if (null) EXPECT_EQ(*null, *absent) << field->path;
    if (!null) EXPECT_EQ(null.error().message, absent.error().message);
  }
}

// Any JSON at all, a few levels deep, often with the names of real fields.
rc::Gen<json::value> any_json(int depth) {
  auto leaf = rc::gen::map(rc::gen::inRange(0, 8), [](int which) -> json::value {
    switch (which) {
      case 0:
        return nullptr;
      case 1:
        return true;
      case 2:
        return -1;
      case 3:
        return 1e300;
      case 4:
        return std::uint64_t{18446744073709551615U};
      case 5:
        return "";
      case 6:
        return "Trigger";
      default:
        return "text";
    }
  });
  if (depth == 0) return leaf;
  auto name = rc::gen::map(rc::gen::inRange<std::size_t>(0, fields().size()),
                           [](std::size_t i) { return std::string(fields()[i].name()); });
  auto child = rc::gen::lazy([depth] { return any_json(depth - 1); });
  auto object = rc::gen::map(
      rc::gen::container<std::vector<std::pair<std::string, json::value>>>(rc::gen::pair(name, child)),
      [](const auto& members) -> json::value {
        json::object made;
        for (const auto& [key, value] : members) made[key] = value;
        return made;
      });
  auto list =
      rc::gen::map(rc::gen::container<std::vector<json::value>>(child),
                   [](const auto& items) -> json::value { return json::array(items.begin(), items.end()); });
  return rc::gen::oneOf(leaf, object, list);
}

RC_GTEST_PROP(DecodeSpec, never_throws_whatever_is_stored, ()) {
  auto value = *rc::gen::withSize([](int size) { return rc::gen::resize(size / 3, any_json(3)); });
  auto decoded = decode_spec(value);
  RC_ASSERT(decoded.has_value() == check_spec(value).empty());
  (void)check(value, "status");
}

TEST(CheckStatus, names_the_place_in_a_list) {
  auto problems = check(json::parse(R"({"conditions": [{"type": "Ready", "status": "True"}, {"type": 1}, "x"],
                                        "lastPollTime": "yesterday", "checkpoint": {"anything": [1]}})"),
                        "status");
  EXPECT_THAT(problems, testing::ElementsAre(
                            Problem{"status.conditions[1].type", "must be a string, got a number"},
                            Problem{"status.conditions[1].status", "is required"},
                            Problem{"status.conditions[2]", "must be an object, got a string"},
                            Problem{"status.lastPollTime", "must be a time such as 2026-11-22T05:30:00Z"}));
}

}  // namespace
}  // namespace abo::api
