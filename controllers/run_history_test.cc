// What the history limits delete and, above all, what they do not: the whole controller on fake services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/fake_world.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Answer = FakeCluster::Answer;

struct RunHistoryTest : testing::Test {
  FakeWorld world;

  static std::string job(const std::string& blob) { return FakeWorld::jobs() + "/alpha-" + blob; }
  std::vector<std::string> jobs() const {
    std::vector<std::string> names;
    for (const std::string& path : world.cluster.below(FakeWorld::jobs()))
      names.push_back(path.substr(path.rfind("alpha-") + 6));
    return names;
  }
  std::size_t deletions() const { return world.cluster.times_of("DELETE ").size(); }
  // A watcher that polls once a day, so that all that happens later is a refresh's doing, and its Jobs.
  void start(json::object limits, std::initializer_list<const char*> blobs) {
    json::object spec{{"pollingIntervalSeconds", 86400}};
    for (auto& [key, value] : limits) spec[key] = value;
    world.add("alpha", std::move(spec));
    for (const char* blob : blobs) world.blobs.upload("alpha", blob);
    world.start();
    world.run_for(1s);
  }
  void finish(const std::string& blob, int second, std::string_view condition = "Complete") {
    json::object object = *world.cluster.find_object(job(blob));
    object["status"] = json::object{
        {"conditions",
         json::array{json::object{{"type", condition},
                                  {"status", "True"},
                                  {"lastTransitionTime", fmt::format("2026-11-22T05:30:{:02}Z", second)}}}}};
    world.cluster.put(job(blob), std::move(object));
  }
  void edit_job(const std::string& blob, auto change) {
    json::object object = *world.cluster.find_object(job(blob));
    change(object);
    world.cluster.put(job(blob), std::move(object));
  }
  std::string message() const {
    return std::string(
        find_string(find(*world.cluster.find_object(FakeWorld::path("alpha")), {"status", "conditions"})
                        ->as_array()
                        .at(0)
                        .as_object(),
                    {"message"}));
  }
  std::int64_t count(std::string_view field) const {
    return find_int(*world.cluster.find_object(FakeWorld::path("alpha")), {"status", field}).value_or(0);
  }
};

TEST_F(RunHistoryTest, keeps_the_newest_of_each_sort_and_all_that_work) {
  start({{"successfulHistoryLimit", 1}, {"failedHistoryLimit", 2}}, {"a", "b", "c", "d", "e", "f", "g"});
  finish("c", 1);
  finish("a", 2);
  finish("b", 0);
  finish("f", 3, "Failed");
  finish("d", 4, "Failed");
  finish("e", 5, "Failed");
  world.run_for(5s);
  EXPECT_THAT(jobs(), ElementsAre("a", "d", "e", "g"));
  EXPECT_EQ(deletions(), 3u);
  EXPECT_EQ(count("succeeded"), 1);
  EXPECT_EQ(count("failed"), 2);
  EXPECT_EQ(count("active"), 1);
  EXPECT_EQ(count("triggered"), 7);
}

TEST_F(RunHistoryTest, keeps_all_without_a_limit_and_none_with_zero) {
  start({{"failedHistoryLimit", 0}}, {"a", "b", "c"});
  finish("a", 0);
  finish("b", 0);
  finish("c", 0, "Failed");
  world.run_for(5s);
  EXPECT_THAT(jobs(), ElementsAre("a", "b"));
}

TEST_F(RunHistoryTest, follows_an_edit_of_the_limits_also_while_suspended) {
  start({}, {"a", "b", "c"});
  for (int i = 0; const char* blob : {"a", "b", "c"}) finish(blob, i++);
  world.run_for(5s);
  EXPECT_THAT(jobs(), SizeIs(3));
  world.edit("alpha", {{"successfulHistoryLimit", 2}});
  world.run_for(1s);
  EXPECT_THAT(jobs(), ElementsAre("b", "c"));
  world.edit("alpha", {{"successfulHistoryLimit", 1}, {"suspend", true}});
  world.run_for(1s);
  EXPECT_THAT(jobs(), ElementsAre("c"));
}

TEST_F(RunHistoryTest, deletes_nothing_before_it_is_recorded) {
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (!what.starts_with("PATCH ")) return std::nullopt;
    return FakeCluster::status(500, "InternalError");
  };
  start({{"successfulHistoryLimit", 0}}, {"a", "b"});
  finish("a", 0);
  finish("b", 1);
  world.run_for(1h);
  EXPECT_EQ(deletions(), 0u) << "the recording finalizer is still on them";
  world.cluster.rule = {};
  world.run_for(6min);
  EXPECT_THAT(jobs(), IsEmpty());
}

// The watch is silent: what it told last is that the Job has finished and is recorded.
TEST_F(RunHistoryTest, believes_the_api_server_and_not_the_watch) {
  start({}, {"a", "b", "c", "d", "e"});
  for (const char* blob : {"a", "b", "c", "d", "e"}) finish(blob, 0);
  world.run_for(5s);
  world.cluster.silent = [](const std::string& path) { return path.starts_with(FakeWorld::jobs()); };
  edit_job("a", [](json::object& object) {
    object["metadata"].as_object()["finalizers"] = json::array{render::recording_finalizer};
  });
  edit_job("b", [](json::object& object) { object["status"] = {{"active", 1}}; });
  edit_job("c", [](json::object& object) {
    object["metadata"].as_object()["labels"].as_object().erase(render::managed_by_label);
  });
  edit_job("d", [](json::object& object) {
    object["metadata"].as_object()["annotations"].as_object()[render::watcher_uid_annotation] = "another";
  });
  world.edit("alpha", {{"successfulHistoryLimit", 0}});
  world.run_for(1min);
  EXPECT_THAT(jobs(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(deletions(), 1u);
}

// Between the look and the deletion somebody changed it.
TEST_F(RunHistoryTest, deletes_only_the_very_object_that_it_looked_at) {
  start({{"successfulHistoryLimit", 0}}, {"a"});
  int looks = 0;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what == "DELETE " + job("a") && looks++ == 0)
      edit_job("a", [](json::object& object) { object["status"] = {{"active", 1}}; });
    return std::nullopt;
  };
  finish("a", 0);
  world.run_for(1min);
  EXPECT_THAT(jobs(), ElementsAre("a")) << "it works again";
  EXPECT_EQ(looks, 1);
  finish("a", 1);
  world.run_for(1min);
  EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(RunHistoryTest, says_what_to_grant_when_it_may_not_delete_and_goes_on_polling) {
  bool granted = false;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (granted || !what.starts_with("DELETE ")) return std::nullopt;
    return FakeCluster::status(403, "Forbidden", {}, "jobs.batch is forbidden");
  };
  world.random = 1.0 - 1e-9;
  world.settings.default_service_account = "runner";
  start({{"successfulHistoryLimit", 0}}, {"a", "b", "c", "d", "e", "f"});
  for (const char* blob : {"a", "b", "c", "d", "e", "f"}) finish(blob, 0);
  world.run_for(5s);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
  EXPECT_THAT(message(), HasSubstr("Let ServiceAccount runner delete jobs in namespace ml"));
  world.run_for(1h);
  EXPECT_LE(deletions(), 25u * 4) << "ever more slowly, and not each of them";
  EXPECT_THAT(world.log_lines_with("not deleted yet"), SizeIs(1));
  world.edit("alpha", {{"pollingIntervalSeconds", 10}});
  std::size_t before = world.blobs.times_of("alpha").size();
  world.blobs.upload("alpha", "new");
  world.run_for(1min);
  EXPECT_GE(world.blobs.times_of("alpha").size() - before, 5u);
  EXPECT_THAT(jobs(), testing::Contains("new"));
  granted = true;
  world.run_for(6min);
  EXPECT_THAT(jobs(), ElementsAre("new"));
  EXPECT_THAT(message(), Not(HasSubstr("Warning")));
}

TEST_F(RunHistoryTest, frees_no_name_while_a_creation_may_still_be_under_way) {
  start({{"pollingIntervalSeconds", 5}, {"successfulHistoryLimit", 0}}, {"a"});
  world.cluster.lose = [&](const std::string& what) { return what == "POST " + FakeWorld::jobs(); };
  world.blobs.upload("alpha", "b");
  world.run_for(6s);
  world.cluster.lose = {};
  finish("a", 0);
  finish("b", 0);
  world.run_for(1min);
  EXPECT_EQ(deletions(), 0u);
  world.run_for(30s);
  EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(RunHistoryTest, waits_for_a_first_poll_after_a_start) {
  world.blobs.rule = [](const std::string&) { return FakeBlobs::failure(503); };
  start({{"successfulHistoryLimit", 0}}, {});
  world.cluster.put(
      job("a"),
      {{"metadata",
        {{"namespace", "ml"},
         {"name", "alpha-a"},
         {"labels", {{render::managed_by_label, render::managed_by_value}, {render::watcher_label, "alpha"}}},
         {"annotations",
          {{render::watcher_uid_annotation, "w-alpha"}, {render::trigger_key_annotation, "00"}}}}},
       {"status", {{"conditions", json::array{json::object{{"type", "Complete"}, {"status", "True"}}}}}}});
  world.run_for(1h);
  EXPECT_EQ(deletions(), 0u);
  world.blobs.rule = {};
  world.run_for(6min);
  EXPECT_THAT(jobs(), IsEmpty());
}

TEST_F(RunHistoryTest, does_nothing_without_the_lease) {
  bool leads = true;
  world.services.may_act = [&] { return leads; };
  start({{"successfulHistoryLimit", 0}}, {"a"});
  leads = false;
  finish("a", 0);
  world.run_for(1min);
  EXPECT_EQ(deletions(), 0u);
}

TEST_F(RunHistoryTest, deletes_what_is_on_its_way_out_once) {
  start({{"successfulHistoryLimit", 0}}, {"a"});
  edit_job("a", [](json::object& object) {
    object["metadata"].as_object()["finalizers"] = json::array{"somebody.else/holds-it"};
  });
  finish("a", 0);
  world.run_for(1h);
  EXPECT_THAT(jobs(), ElementsAre("a"));
  EXPECT_EQ(deletions(), 1u);
  EXPECT_EQ(count("succeeded"), 0);
}

TEST_F(RunHistoryTest, works_off_thousands_a_few_at_a_time) {
  world.add("alpha", {{"pollingIntervalSeconds", 86400}, {"maxActive", 0}, {"existingBlobs", "Trigger"}});
  for (int i = 0; i < 1200; ++i) world.blobs.upload("alpha", fmt::format("{:04}", i));
  world.start();
  world.run_for(10s);
  ASSERT_THAT(jobs(), SizeIs(1200));
  for (const std::string& blob : jobs()) finish(blob, 0);
  world.run_for(5s);
  world.edit("alpha", {{"successfulHistoryLimit", 100}});
  world.run_for(500ms);
  EXPECT_EQ(deletions(), 500u);
  world.run_for(5s);
  EXPECT_EQ(deletions(), 1100u);
}

}  // namespace
}  // namespace abo::controllers
