// What the API server or a policy refuses of one blob must be that blob's trouble alone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/fake_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::IsEmpty;
using testing::SizeIs;

struct RefusedBlobs : testing::Test {
  FakeWorld world;

  // A Job for each blob, whose memory the name says.
  static json::object by_memory() {
    return {{"pollingIntervalSeconds", 10},
            {"maxActive", 0},
            {"blobPattern", "^(?P<memory>[^-]+)-"},
            {"jobTemplate",
             {{"kind", "Job"},
              {"template",
               "apiVersion: batch/v1\nkind: Job\nmetadata: {name: 'job-${BLOB_NAME}'}\n"
               "spec: {memory: '${MATCH_memory}'}"}}}};
  }

  // Names for which this is true are refused.
  void refuse(int code, std::string_view reason, std::string message,
              std::function<bool(const json::object& job)> refused) {
    world.cluster.rule = [=, this](const std::string& what) -> std::optional<FakeCluster::Answer> {
      if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
      json::object job = world.cluster.last_body();
      if (!refused(job)) return std::nullopt;
      return FakeCluster::status(code, reason, {}, message);
    };
  }
  void deny(std::function<bool(std::string_view name)> denied) {
    refuse(403, "Forbidden", "admission webhook \"names\" denied the request: not this name",
           [=](const json::object& job) { return denied(find_string(job, {"metadata", "name"})); });
  }
  static bool is_bad(std::string_view name) { return name.find("bad") != name.npos; }
  static bool has_no_memory(const json::object& job) {
    std::string_view memory = find_string(job, {"spec", "memory"});
    return memory.empty() || memory.front() < '0' || memory.front() > '9';
  }

  std::vector<std::string> jobs() const { return world.cluster.below(FakeWorld::jobs()); }
  json::object status() const {
    return world.cluster.find_object(FakeWorld::path("alpha"))->at("status").as_object();
  }
};

TEST_F(RefusedBlobs, of_which_a_policy_denies_more_than_can_be_postponed_hold_up_no_younger_one) {
  for (int i = 0; i < 300; ++i) world.blobs.upload("alpha", fmt::format("bad-{:03}", i));
  deny(is_bad);
  world.add("alpha", {{"pollingIntervalSeconds", 10}, {"maxActive", 0}});
  world.start();
  world.run_for(1min);
  EXPECT_THAT(jobs(), IsEmpty());
  for (int i = 0; i < 20; ++i) world.blobs.upload("alpha", fmt::format("good-{:02}", i));
  world.run_for(30s);
  EXPECT_THAT(jobs(), SizeIs(20));
  EXPECT_EQ(world.reason("alpha"), "AdmissionDenied");
  EXPECT_EQ(status().at("setAside"), 0);

  deny([](std::string_view) { return false; });
  world.run_for(10min);
  EXPECT_THAT(jobs(), SizeIs(320)) << "none was lost";
}

TEST_F(RefusedBlobs, of_which_a_policy_denies_thousands_are_not_tried_without_a_pause) {
  world.blobs.upload("alpha", "a-good");
  for (int i = 0; i < 5000; ++i) world.blobs.upload("alpha", fmt::format("bad-{:04}", i));
  deny(is_bad);
  world.add("alpha", {{"pollingIntervalSeconds", 10}, {"maxActive", 0}, {"existingBlobs", "Trigger"}});
  world.start();
  world.run_for(10min);
  EXPECT_THAT(jobs(), SizeIs(1));
  EXPECT_LE(world.blobs.listings.size(), 70U);
  EXPECT_LE(world.cluster.times_of("POST " + FakeWorld::jobs()).size(), 70U * 560U);
}

TEST_F(RefusedBlobs, that_a_policy_denies_all_of_are_not_all_tried) {
  for (int i = 0; i < 300; ++i) world.blobs.upload("alpha", fmt::format("a-{:03}", i));
  deny([](std::string_view) { return true; });
  world.add("alpha", {{"pollingIntervalSeconds", 10}, {"maxActive", 0}});
  world.start();
  world.run_for(500ms);  // one poll
  EXPECT_LT(world.cluster.times_of("POST " + FakeWorld::jobs()).size(), 60U);
}

TEST_F(RefusedBlobs, whose_name_makes_no_number_are_set_aside_when_others_were_taken) {
  world.blobs.upload("alpha", "1Gi-a");
  world.add("alpha", by_memory());
  refuse(422, "Invalid", "spec.memory: Invalid value", has_no_memory);
  world.start();
  world.run_for(20s);
  ASSERT_THAT(jobs(), SizeIs(1));
  world.blobs.upload("alpha", "oops-b");
  world.run_for(20s);
  world.blobs.upload("alpha", "2Gi-c");
  world.run_for(20s);
  EXPECT_THAT(jobs(), SizeIs(2));
  EXPECT_EQ(status().at("setAside"), 1);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(RefusedBlobs, stall_the_watcher_where_the_template_makes_nothing_that_is_taken) {
  for (const char* name : {"1Gi-a", "2Gi-b"}) world.blobs.upload("alpha", name);
  world.add("alpha", by_memory());
  refuse(422, "Invalid", "spec.selector: Required value", [](const json::object&) { return true; });
  world.start();
  world.run_for(20s);
  EXPECT_EQ(world.reason("alpha"), "InvalidTemplate");
  EXPECT_THAT(jobs(), IsEmpty());
  EXPECT_EQ(status().at("setAside"), 0);
}

// The template was good until the API server changed its mind: what it took before is asked again, not remembered.
TEST_F(RefusedBlobs, are_not_set_aside_when_what_was_taken_before_is_refused_now) {
  world.blobs.upload("alpha", "1Gi-a");
  world.add("alpha", by_memory());
  world.start();
  world.run_for(20s);
  ASSERT_THAT(jobs(), SizeIs(1));
  refuse(422, "Invalid", "spec.selector: Required value", [](const json::object&) { return true; });
  world.blobs.upload("alpha", "2Gi-b");
  world.run_for(20s);
  EXPECT_EQ(world.reason("alpha"), "InvalidTemplate");
  EXPECT_EQ(status().at("setAside"), 0);
  world.cluster.rule = {};
  world.run_for(2min);
  EXPECT_THAT(jobs(), SizeIs(2));
}

}  // namespace
}  // namespace abo::controllers
