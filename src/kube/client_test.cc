#include "kube/client.h"

#include <algorithm>

#include "kube/discovery.h"
#include "kube/fake_transport.h"
#include "kube/list.h"
#include "kube/resource.h"

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

struct ClientTest : testing::Test {
  FakeTransport transport;
  FakeTime time;
  std::vector<std::string> observed;
  Client client{transport, "https://api:6443", time, [this](std::string_view verb, int status) {
                  observed.push_back(std::string{verb} + " " + std::to_string(status));
                }};
};

json::object refusal(int code, std::string_view reason) {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "no"}};
}

TEST_F(ClientTest, a_create_is_one_post_with_the_field_manager) {
  transport.then(201, json::object{{"kind", "Job"}});
  auto made = run(client.create(resources::jobs().path("ml"), {{"kind", "Job"}}));
  ASSERT_TRUE(made);
  const net::Request& sent = transport.requests.at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "https://api:6443/apis/batch/v1/namespaces/ml/jobs?fieldManager=azure-blob-operator");
  EXPECT_EQ(header_of(sent, "Content-Type"), "application/json");
  EXPECT_EQ(header_of(sent, "Impersonate-User"), "");
  EXPECT_EQ(observed, std::vector<std::string>{"create 201"});
}

TEST_F(ClientTest, half_a_cpu_is_sent_as_kubectl_sends_it) {
  transport.then(201, json::object{});
  (void)run(client.create("/p", {{"requests", {{"cpu", 0.5}}}}));
  EXPECT_EQ(transport.requests.at(0).body, R"({"requests":{"cpu":0.5}})");
}

TEST_F(ClientTest, a_dry_run_says_so_in_the_query) {
  transport.then(201, json::object{});
  (void)run(client.create("/api/v1/namespaces/a/pods", {}, {.dry_run = true}));
  EXPECT_NE(transport.requests.at(0).url.find("dryRun=All"), std::string::npos);
}

// The right to name a group is one for the whole cluster, system:masters included; nobody should have to give it.
TEST_F(ClientTest, impersonation_names_the_service_account_and_no_group) {
  transport.then(201, json::object{});
  WriteOptions options;
  options.impersonate = ServiceAccount{"ml", "runner"};
  (void)run(client.create("/p", {}, options));
  const auto& headers = transport.requests.at(0).headers;
  EXPECT_EQ(header_of(transport.requests[0], "Impersonate-User"), "system:serviceaccount:ml:runner");
  EXPECT_TRUE(
      std::ranges::none_of(headers, [](const auto& each) { return each.first == "Impersonate-Group"; }));
}

TEST_F(ClientTest, a_write_that_may_not_be_sent_is_not_sent) {
  WriteOptions options;
  options.may_send = [] { return false; };
  auto made = run(client.create("/p", {}, options));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::Canceled);
  EXPECT_TRUE(transport.requests.empty());
}

TEST_F(ClientTest, an_answer_that_is_no_object_is_not_quoted) {
  transport.then(200, "accountKey: hunter2");
  auto read = run(client.get("/api/v1/namespaces/ml/secrets/creds"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, Reason::InvalidResponse);
  EXPECT_EQ(read.error().message.find("hunter2"), std::string::npos);
}

TEST_F(ClientTest, a_lost_write_is_never_repeated) {
  transport.then_lost();
  auto made = run(client.create("/p", {}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::UnknownOutcome);
  EXPECT_EQ(transport.requests.size(), 1U);
}

TEST_F(ClientTest, a_lost_read_is_asked_once_more) {
  transport.then_lost();
  transport.then(200, json::object{{"a", 1}});
  EXPECT_TRUE(run(client.get("/p")));
  transport.then_lost();
  transport.then_lost();
  EXPECT_FALSE(run(client.get("/p")));
  EXPECT_EQ(transport.requests.size(), 4U);
  EXPECT_EQ(observed, (std::vector<std::string>{"get 0", "get 200", "get 0", "get 0"}));
}

TEST_F(ClientTest, a_write_answered_with_rubbish_may_have_happened) {
  transport.then(201, "<html>");
  auto made = run(client.create("/p", {}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::UnknownOutcome);
}

TEST_F(ClientTest, patches_name_their_type) {
  transport.then(200, json::object{});
  transport.then(200, json::object{});
  transport.then(200, json::object{});
  (void)run(client.json_patch("/p", json::array{json::object{{"op", "remove"}, {"path", "/x"}}}));
  (void)run(client.merge_patch("/p", {{"a", nullptr}}));
  (void)run(client.replace("/p", {{"a", 1}}));
  EXPECT_EQ(header_of(transport.requests[0], "Content-Type"), "application/json-patch+json");
  EXPECT_EQ(transport.requests[0].body, R"([{"op":"remove","path":"/x"}])");
  EXPECT_EQ(header_of(transport.requests[1], "Content-Type"), "application/merge-patch+json");
  EXPECT_EQ(transport.requests[1].body, R"({"a":null})");
  EXPECT_EQ(transport.requests[2].method, "PUT");
  EXPECT_EQ(observed, (std::vector<std::string>{"patch 200", "patch 200", "update 200"}));
}

TEST_F(ClientTest, a_test_that_fails_in_a_patch_is_a_conflict_and_an_invalid_result_is_not) {
  transport.then(422,
                 json::object{{"reason", "Invalid"},
                              {"message", "the server rejected our request due to an error in our request"}});
  transport.then(422, json::object{{"reason", "Invalid"}, {"message", "Job.batch \"a\" is invalid: spec"}});
  EXPECT_EQ(run(client.json_patch("/p", {})).error().kind, ErrorKind::Conflict);
  EXPECT_EQ(run(client.json_patch("/p", {})).error().kind, ErrorKind::Invalid);
}

TEST_F(ClientTest, metadata_alone_is_asked_for_in_the_form_of_the_verb) {
  net::BodySink sink = [](std::string_view) -> Result<void> { return {}; };
  transport.then(200, "");
  transport.then(200, "");
  (void)run(client.stream("/p", sink, {.verb = "list", .metadata_only = true}));
  (void)run(client.stream("/p", sink, {.verb = "watch", .metadata_only = true}));
  EXPECT_EQ(header_of(transport.requests[0], "Accept"),
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(header_of(transport.requests[1], "Accept"),
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
}

TEST_F(ClientTest, a_delete_says_how_dependents_go_and_which_object_is_meant) {
  transport.then(200, json::object{});
  EXPECT_TRUE(run(client.remove("/p", {.propagation = Propagation::Orphan, .uid = "u-1"})));
  auto body = parse_json(transport.requests.at(0).body);
  ASSERT_TRUE(body);
  EXPECT_EQ(find_string(body->get_object(), {"propagationPolicy"}), "Orphan");
  EXPECT_EQ(find_string(body->get_object(), {"preconditions", "uid"}), "u-1");
  EXPECT_EQ(transport.requests[0].method, "DELETE");
}

TEST_F(ClientTest, names_cannot_leave_their_place_in_a_path) {
  EXPECT_EQ(resources::secrets().path("a/../b", "x?y"), "/api/v1/namespaces/a%2F..%2Fb/secrets/x%3Fy");
  EXPECT_EQ(resources::watchers().status_path("ml", "w"),
            "/apis/mlops.example.com/v1alpha1/namespaces/ml/azureblobwatchers/w/status");
  EXPECT_EQ(resources::jobs().path(""), "/apis/batch/v1/jobs");
  EXPECT_EQ(with_query("/p?a=b", {{"c", "d e"}, {"f", ""}}), "/p?a=b&c=d%20e");
}

struct ListTest : ClientTest {
  std::vector<std::string> names;
  OnItem collect = [this](json::object&& item) -> Result<void> {
    names.emplace_back(find_string(item, {"metadata", "name"}));
    return {};
  };
};

TEST_F(ListTest, a_list_reads_every_page_and_returns_the_version_to_watch_from) {
  transport.then(
      200,
      R"({"metadata":{"resourceVersion":"10","continue":"t=1"},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]})");
  transport.then(200, R"({"items":[{"metadata":{"name":"c"}}],"metadata":{"resourceVersion":"10"}})");
  auto version = run(list(client, "/apis/x/v1/y", {.label_selector = "a=b"}, collect));
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, "10");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(transport.requests[0].url, "https://api:6443/apis/x/v1/y?limit=500&labelSelector=a%3Db");
  EXPECT_EQ(transport.requests[1].url,
            "https://api:6443/apis/x/v1/y?limit=500&labelSelector=a%3Db&continue=t%3D1");
  EXPECT_EQ(observed, (std::vector<std::string>{"list 200", "list 200"}));
}

TEST_F(ListTest, an_expired_token_is_gone_and_a_repeated_one_ends_the_list) {
  transport.then(200, R"({"metadata":{"continue":"t"},"items":[]})");
  transport.then(410, refusal(410, "Expired"));
  EXPECT_EQ(run(list(client, "/p", {}, collect)).error().kind, ErrorKind::Gone);
  transport.then(200, R"({"metadata":{"continue":"t"},"items":[]})");
  transport.then(200, R"({"metadata":{"continue":"t"},"items":[]})");
  EXPECT_EQ(run(list(client, "/p", {}, collect)).error().reason, Reason::InvalidResponse);
}

TEST_F(ListTest, a_body_that_breaks_off_is_no_list) {
  transport.then(200, R"({"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}},)");
  auto version = run(list(client, "/p", {}, collect));
  ASSERT_FALSE(version);
  EXPECT_EQ(disposition(version.error()), Disposition::Retry);
}

struct DiscoveryTest : ClientTest {
  Discovery discovery{client, time};
  json::object batch{
      {"resources", json::array{json::object{{"name", "jobs"}, {"kind", "Job"}, {"namespaced", true}},
                                json::object{{"name", "jobs/status"}, {"kind", "Job"}, {"namespaced", true}},
                                json::object{{"name", "things"}, {"kind", "Thing"}, {"namespaced", false}}}}};
};

TEST_F(DiscoveryTest, a_kind_is_found_once_per_ten_minutes) {
  transport.then(200, batch);
  for (int i = 0; i < 3; ++i) {
    auto job = run(discovery.find("batch/v1", "Job"));
    ASSERT_TRUE(job);
    EXPECT_EQ(*job, resources::jobs());
    EXPECT_TRUE(job->has_status);
  }
  EXPECT_FALSE(run(discovery.find("batch/v1", "Thing"))->namespaced);
  EXPECT_FALSE(run(discovery.find("batch/v1", "Thing"))->has_status);
  EXPECT_EQ(transport.requests.size(), 1U);
  EXPECT_EQ(transport.requests[0].url, "https://api:6443/apis/batch/v1");
  time.advance(10min);
  transport.then(200, batch);
  EXPECT_TRUE(run(discovery.find("batch/v1", "Job")));
  EXPECT_EQ(transport.requests.size(), 2U);
}

TEST_F(DiscoveryTest, an_unknown_kind_is_asked_for_again_after_ten_seconds_and_not_before) {
  transport.then(404, "404 page not found");
  for (int i = 0; i < 3; ++i) {
    auto found = run(discovery.find("argoproj.io/v1alpha1", "Workflow"));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::NotFound);
    EXPECT_EQ(found.error().reason, Reason::KindNotFound);
  }
  EXPECT_EQ(transport.requests.size(), 1U);
  time.advance(10s);
  transport.then(
      200,
      json::object{{"resources", json::array{json::object{
                                     {"name", "workflows"}, {"kind", "Workflow"}, {"namespaced", true}}}}});
  EXPECT_EQ(run(discovery.find("argoproj.io/v1alpha1", "Workflow"))->plural, "workflows");
}

TEST_F(DiscoveryTest, an_outage_is_no_proof_that_a_kind_is_missing) {
  transport.then_refused();
  EXPECT_EQ(run(discovery.find("batch/v1", "Job")).error().kind, ErrorKind::Unavailable);
  transport.then(200, batch);
  EXPECT_TRUE(run(discovery.find("batch/v1", "Job")));
}

TEST_F(DiscoveryTest, an_empty_api_version_is_the_templates_fault) {
  for (const char* text : {"", "/v1", "batch/"}) {
    EXPECT_EQ(run(discovery.find(text, "Job")).error().kind, ErrorKind::Invalid) << text;
  }
}

}  // namespace
}  // namespace abo::kube
