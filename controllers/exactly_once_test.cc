// What an occupied name, a lost answer and a conflict mean: the parts of the exactly-once protocol that speak to the
// API server, each against a scripted one.
#include <gtest/gtest.h>

#include "controllers/finalizer.h"
#include "controllers/resource_creator.h"
#include "controllers/status_document.h"
#include "kube/fake_transport.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

json::object refusal(int code, std::string_view reason) {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "no"}};
}

struct ProtocolTest : testing::Test {
  kube::FakeTransport transport;
  kube::FakeTime time;
  kube::Client client{transport, "https://api", time};

  std::string sent(std::size_t i) const {
    return transport.requests.at(i).method + " " + transport.requests.at(i).url;
  }
};

// ---- creating ----

struct ResourceCreator : ProtocolTest {
  CreateOrder order{
      .resource = kube::resources::jobs(),
      .ns = "ml",
      .rendered = {.object = {{"metadata", {{"name", "job-a"}}}}, .fallback_name = "job-a-01234567"},
      .trigger_key = "key",
      .watcher_uid = "watcher"};

  static json::object holder(std::string_view key, std::string_view watcher) {
    return {{"metadata",
             {{"name", "job-a"},
              {"deletionTimestamp", "2026-11-22T05:30:00Z"},
              {"annotations",
               {{render::trigger_key_annotation, key}, {render::watcher_uid_annotation, watcher}}}}}};
  }
  std::string name_sent(std::size_t i) const {
    return std::string(
        find_string(parse_json(transport.requests.at(i).body)->as_object(), {"metadata", "name"}));
  }
  Creation create() { return kube::run(create_resource(client, order)); }
};

TEST_F(ResourceCreator, creates_under_the_plain_name) {
  transport.then(201, {{"metadata", {{"name", "job-a"}}}});
  EXPECT_EQ(create().kind, Creation::Kind::Created);
  EXPECT_EQ(name_sent(0), "job-a");
}

TEST_F(ResourceCreator, takes_a_holder_of_the_same_version_for_done_even_when_it_is_terminating) {
  transport.then(409, refusal(409, "AlreadyExists"));
  transport.then(200, holder("key", "watcher"));
  EXPECT_EQ(create().kind, Creation::Kind::Existed);
  EXPECT_EQ(transport.requests.size(), 2u);
}

TEST_F(ResourceCreator, begins_again_when_the_holder_vanished_and_creates_nothing) {
  transport.then(409, refusal(409, "AlreadyExists"));
  transport.then(404, refusal(404, "NotFound"));
  EXPECT_EQ(create().kind, Creation::Kind::BeginAgain);
  EXPECT_EQ(transport.requests.size(), 2u);
}

TEST_F(ResourceCreator, leaves_foreign_objects_alone_and_takes_the_other_name) {
  for (auto [key, watcher] : {std::pair{"another", "watcher"}, {"key", "another"}, {"", ""}}) {
    transport.requests.clear();
    transport.then(409, refusal(409, "AlreadyExists"));
    transport.then(200, holder(key, watcher));
    transport.then(201, {{"metadata", {{"name", "job-a-01234567"}}}});
    Creation creation = create();
    EXPECT_EQ(creation.kind, Creation::Kind::Created);
    EXPECT_TRUE(creation.used_fallback);
    EXPECT_EQ(name_sent(2), "job-a-01234567");
  }
}

TEST_F(ResourceCreator, does_not_take_the_other_name_while_an_earlier_request_may_be_on_its_way) {
  order.one_name_only = true;
  transport.then(409, refusal(409, "AlreadyExists"));
  transport.then(200, holder("another", "watcher"));
  Creation creation = create();
  EXPECT_EQ(creation.kind, Creation::Kind::Failed);
  EXPECT_EQ(creation.error.kind, ErrorKind::Throttled);
  EXPECT_EQ(creation.error.reason, Reason::NameConflict);
  EXPECT_EQ(transport.requests.size(), 2u);
}

TEST_F(ResourceCreator, gives_up_when_both_names_are_somebody_elses) {
  for (int i = 0; i < 2; ++i) {
    transport.then(409, refusal(409, "AlreadyExists"));
    transport.then(200, holder("another", "another"));
  }
  Creation creation = create();
  EXPECT_EQ(creation.kind, Creation::Kind::Failed);
  EXPECT_EQ(creation.error.reason, Reason::NameConflict);
}

TEST_F(ResourceCreator, does_not_repeat_a_request_whose_answer_was_lost_but_says_under_which_name) {
  transport.then(409, refusal(409, "AlreadyExists"));
  transport.then(200, holder("another", "another"));
  transport.then_lost();
  Creation creation = create();
  EXPECT_EQ(creation.kind, Creation::Kind::Failed);
  EXPECT_EQ(creation.error.kind, ErrorKind::UnknownOutcome);
  EXPECT_TRUE(creation.used_fallback);
}

TEST_F(ResourceCreator, asks_for_the_name_of_the_unknown_try_first) {
  order.fallback_first = true;
  transport.then(409, refusal(409, "AlreadyExists"));
  transport.then(200, holder("key", "watcher"));
  EXPECT_EQ(create().kind, Creation::Kind::Existed);
  EXPECT_EQ(name_sent(0), "job-a-01234567");
}

TEST_F(ResourceCreator, sends_nothing_when_the_lease_is_not_ours) {
  order.may_send = [] { return false; };
  EXPECT_EQ(create().error.kind, ErrorKind::Canceled);
  EXPECT_TRUE(transport.requests.empty());
}

// ---- the finalizer ----

struct Finalizer : ProtocolTest {
  HeldRun run{.watch = 0, .ns = "ml", .name = "job-a", .uid = "u1", .trigger_key = "key", .blob = {}};
  Result<void> remove() {
    struct Wrap {
      static Task<bool> call(kube::Client& client, HeldRun run) {
        auto removed =
            co_await remove_recording_finalizer(client, kube::resources::jobs(), run, 0, [] { return true; });
        co_return removed.has_value();
      }
    };
    if (kube::run(Wrap::call(client, run))) return {};
    return fail(ErrorKind::Internal, Reason::Internal, "");
  }
  static json::object object(std::string_view uid, json::array finalizers) {
    return {{"metadata", {{"uid", uid}, {"finalizers", std::move(finalizers)}}}};
  }
};

TEST_F(Finalizer, goes_by_a_patch_that_tests_the_object_and_the_entry) {
  transport.then(200, json::object{});
  EXPECT_TRUE(remove());
  auto patch = parse_json(transport.requests[0].body)->as_array();
  ASSERT_EQ(patch.size(), 3u);
  EXPECT_EQ(patch[0].at("op"), "test");
  EXPECT_EQ(patch[0].at("value"), "u1");
  EXPECT_EQ(patch[1].at("op"), "test");
  EXPECT_EQ(patch[2].at("op"), "remove");
  EXPECT_EQ(patch[1].at("path"), patch[2].at("path"));
}

TEST_F(Finalizer, of_an_object_that_is_gone_is_gone) {
  transport.then(404, refusal(404, "NotFound"));
  EXPECT_TRUE(remove());
}

TEST_F(Finalizer, is_found_again_when_somebody_moved_it) {
  transport.then(422, refusal(422, "Invalid"));
  transport.then(200, object("u1", {"other", render::recording_finalizer}));
  transport.then(200, json::object{});
  EXPECT_TRUE(remove());
  EXPECT_NE(transport.requests[2].body.find("/metadata/finalizers/1"), std::string::npos);
}

TEST_F(Finalizer, of_a_successor_of_the_same_name_is_not_touched) {
  transport.then(422, refusal(422, "Invalid"));
  transport.then(200, object("u2", {render::recording_finalizer}));
  EXPECT_TRUE(remove());
  EXPECT_EQ(transport.requests.size(), 2u);
}

TEST_F(Finalizer, that_could_not_be_removed_is_an_error) {
  transport.then(503, refusal(503, "ServiceUnavailable"));
  EXPECT_FALSE(remove());
}

// ---- the checkpoint's write ----

struct Document : ProtocolTest {
  StatusDocument document{client, "ml", "w", "uid"};

  static json::object watcher(int version, json::value checkpoint, std::string_view uid = "uid") {
    return {{"metadata", {{"uid", uid}, {"name", "w"}, {"resourceVersion", std::to_string(version)}}},
            {"spec", json::object{}},
            {"status", {{"checkpoint", std::move(checkpoint)}}}};
  }
  std::optional<Error> write(json::value checkpoint) {
    struct Wrap {
      static Task<std::optional<Error>> call(StatusDocument& document, json::value checkpoint) {
        if (!document.loaded()) {
          auto loaded = co_await document.load();
          if (!loaded) co_return loaded.error();
        }
        report::Status next = document.stored();
        next.checkpoint = std::move(checkpoint);
        auto written = co_await document.write(std::move(next));
        if (written) co_return std::nullopt;
        co_return written.error();
      }
    };
    return kube::run(Wrap::call(document, std::move(checkpoint)));
  }
};

TEST_F(Document, is_written_under_the_version_it_was_read_at) {
  transport.then(200, watcher(7, "old"));
  transport.then(200, watcher(8, "new"));
  EXPECT_FALSE(write("new"));
  EXPECT_NE(transport.requests[1].body.find(R"("resourceVersion":"7")"), std::string::npos);
  EXPECT_NE(sent(1).find(
                "PUT https://api/apis/mlops.example.com/v1alpha1/namespaces/ml/azureblobwatchers/w/status"),
            std::string::npos);
}

TEST_F(Document, is_written_again_when_somebody_only_edited_the_spec) {
  transport.then(200, watcher(7, "old"));
  transport.then(409, refusal(409, "Conflict"));
  transport.then(200, watcher(9, "old"));
  transport.then(200, watcher(10, "new"));
  EXPECT_FALSE(write("new"));
  EXPECT_NE(transport.requests[3].body.find(R"("resourceVersion":"9")"), std::string::npos);
}

TEST_F(Document, is_not_overwritten_when_another_checkpoint_is_stored) {
  transport.then(200, watcher(7, "old"));
  transport.then(409, refusal(409, "Conflict"));
  transport.then(200, watcher(9, "a successor's"));
  EXPECT_EQ(write("new")->kind, ErrorKind::Conflict);
  EXPECT_EQ(transport.requests.size(), 3u);
}

TEST_F(Document, whose_answer_was_lost_is_written_exactly_if_our_checkpoint_is_found) {
  transport.then(200, watcher(7, "old"));
  transport.then_lost();
  transport.then(200, watcher(8, "new"));
  EXPECT_FALSE(write("new"));
  EXPECT_EQ(transport.requests.size(), 3u);

  transport.requests.clear();
  transport.then_lost();
  transport.then(200, watcher(8, "new"));  // the write did not arrive: "newer" is not there
  transport.then(200, watcher(9, "newer"));
  EXPECT_FALSE(write("newer"));
  EXPECT_EQ(transport.requests.size(), 3u);
}

TEST_F(Document, of_a_watcher_that_was_deleted_meanwhile_is_nobodys) {
  transport.then(200, watcher(7, "old"));
  transport.then(404, refusal(404, "NotFound"));
  EXPECT_EQ(write("new")->kind, ErrorKind::Canceled);
}

TEST_F(Document, of_a_watcher_that_was_created_anew_is_nobodys) {
  transport.then(200, watcher(7, "old"));
  transport.then(409, refusal(409, "Conflict"));
  transport.then(200, watcher(9, nullptr, "another uid"));
  EXPECT_EQ(write("new")->kind, ErrorKind::Canceled);
}

}  // namespace
}  // namespace abo::controllers
