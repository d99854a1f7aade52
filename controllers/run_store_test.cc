#include "controllers/run_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "render/object_names.h"

namespace abo::controllers {
namespace {

json::object job(std::string_view name, std::string_view watcher, std::string_view condition,
                 bool held = false) {
  json::object object{{"metadata",
                       {{"namespace", "ml"},
                        {"name", name},
                        {"uid", std::string("uid-") + std::string(name)},
                        {"annotations",
                         {{render::watcher_uid_annotation, watcher},
                          {render::trigger_key_annotation, "k"},
                          {render::blob_name_annotation, "raw/a.csv"},
                          {render::blob_etag_annotation, "0x1"},
                          {render::blob_last_modified_annotation, "2026-11-22T05:30:00Z"}}}}},
                      {"status", json::object{}}};
  if (held) object["metadata"].as_object()["finalizers"] = json::array{"other", render::recording_finalizer};
  if (!condition.empty()) {
    object["status"].as_object()["conditions"] = json::array{json::object{
        {"type", condition}, {"status", "True"}, {"lastTransitionTime", "2026-11-22T05:31:00Z"}}};
  }
  return object;
}

TEST(RunStore, counts_each_resource_once_in_the_phase_it_is_in) {
  RunStore store;
  store.upsert(0, job("a", "w", ""), MonoTime{});
  store.upsert(0, job("a", "w", ""), MonoTime{});
  store.upsert(0, job("b", "w", "Complete"), MonoTime{});
  store.upsert(0, job("c", "w", "Failed"), MonoTime{});
  store.upsert(0, job("d", "other", ""), MonoTime{});
  EXPECT_EQ(store.counts("ml/w").active, 1);
  EXPECT_EQ(store.counts("ml/w").succeeded, 1);
  EXPECT_EQ(store.counts("ml/w").failed, 1);
  store.upsert(0, job("a", "w", "Complete"), MonoTime{});
  EXPECT_EQ(store.counts("ml/w").active, 0);
  EXPECT_EQ(store.counts("ml/w").succeeded, 2);
  store.erase(0, "ml", "a");
  EXPECT_EQ(store.counts("ml/w").succeeded, 1);
  EXPECT_EQ(store.counts("ml/nobody").active, 0);
}

TEST(RunStore, forgets_what_a_complete_list_does_not_show) {
  RunStore store;
  store.upsert(0, job("a", "w", ""), MonoTime{});
  store.upsert(0, job("b", "w", ""), MonoTime{});
  store.upsert(1, job("c", "w", ""), MonoTime{});
  store.begin_list(0);
  store.upsert(0, job("b", "w", ""), MonoTime{});
  store.begin_list(0);  // the first list broke off
  store.upsert(0, job("a", "w", ""), MonoTime{});
  store.end_list(0);
  EXPECT_TRUE(store.outcome(0, "ml", "a"));
  EXPECT_FALSE(store.outcome(0, "ml", "b"));
  EXPECT_TRUE(store.outcome(1, "ml", "c")) << "another watch's list says nothing of it";
}

TEST(RunStore, leaves_out_objects_that_are_not_ours) {
  RunStore store;
  json::object foreign = job("a", "", "");
  store.upsert(0, foreign, MonoTime{});
  EXPECT_EQ(store.size(), 0u);
}

TEST(RunStore, tells_what_is_held_by_our_finalizer_until_it_is_recorded) {
  RunStore store;
  store.upsert(0, job("a", "w", "", true), MonoTime{});
  store.upsert(0, job("b", "w", ""), MonoTime{});
  ASSERT_EQ(store.held("ml/w").size(), 1u);
  EXPECT_EQ(store.held("ml/w")[0].name, "a");
  EXPECT_EQ(store.held("ml/w")[0].blob.name, "raw/a.csv");
  EXPECT_EQ(format_rfc3339(store.held("ml/w")[0].blob.last_modified), "2026-11-22T05:30:00Z");
  EXPECT_EQ(store.owners_with_held(), std::vector<std::string>{"ml/w"});
  store.recorded(0, "ml", "a", "another-uid");
  EXPECT_EQ(store.held("ml/w").size(), 1u) << "a successor of that name is another object";
  store.recorded(0, "ml", "a", "uid-a");
  EXPECT_TRUE(store.held("ml/w").empty());
}

TEST(RunStore, keeps_what_is_held_though_the_watch_tells_of_it_no_more_until_it_is_recorded) {
  RunStore store;
  std::vector<std::string> told;
  store.on_change([&](const std::string& uid) { told.push_back(uid); });
  store.upsert(0, job("a", "w", "", true), MonoTime{});
  store.erase(0, "ml", "a");
  EXPECT_EQ(told.size(), 2u) << "so that it is looked after";
  store.begin_list(0);
  store.end_list(0);
  EXPECT_EQ(store.held("ml/w").size(), 1u);
  store.recorded(0, "ml", "a", "uid-a");
  EXPECT_EQ(store.size(), 0u);
  store.upsert(0, job("a", "w", "", true), MonoTime{});
  store.erase(0, "ml", "a");
  store.upsert(0, job("a", "w", "", true), MonoTime{});
  store.recorded(0, "ml", "a", "uid-a");
  EXPECT_EQ(store.size(), 1u) << "its label is back, and the watch tells of it again";
}

TEST(RunStore, tells_its_listener_of_phases_and_ends_but_not_of_noise) {
  RunStore store;
  std::vector<std::string> told;
  store.on_change([&](const std::string& uid) { told.push_back(uid); });
  store.upsert(0, job("a", "w", ""), MonoTime{});
  store.upsert(0, job("a", "w", ""), MonoTime{});
  EXPECT_EQ(told.size(), 1u);
  store.upsert(0, job("a", "w", "Complete"), MonoTime{});
  store.erase(0, "ml", "a");
  store.erase(0, "ml", "a");
  EXPECT_EQ(told, (std::vector<std::string>{"ml/w", "ml/w", "ml/w"}));
}

TEST(RunStore, moves_a_name_to_the_watcher_that_owns_it_now) {
  RunStore store;
  store.upsert(0, job("a", "old", "", true), MonoTime{});
  store.upsert(0, job("a", "new", ""), MonoTime{});
  EXPECT_EQ(store.counts("ml/old").active, 0);
  EXPECT_TRUE(store.held("ml/old").empty());
  EXPECT_EQ(store.counts("ml/new").active, 1);
}

TEST(RunStore, keeps_nothing_of_owners_whose_resources_are_gone) {
  RunStore store;
  auto come_and_go = [&] {
    for (int i = 0; i < 10'000; ++i) {
      store.upsert(0, job("a", fmt::format("watcher-with-a-long-uid-{}", i), "", true), MonoTime{});
      store.erase(0, "ml", "a");
      store.recorded(0, "ml", "a", "uid-a");
    }
  };
  come_and_go();
  auto before = mallinfo2().uordblks;
  come_and_go();
  EXPECT_LT(mallinfo2().uordblks, before + 10'000);
  EXPECT_EQ(store.counts("ml/watcher-with-a-long-uid-1").active, 0);
}

TEST(RunStore, finds_its_owners_again_after_others_have_left) {
  RunStore store;
  store.upsert(0, job("a", "first", ""), MonoTime{});
  store.upsert(0, job("b", "second", "", true), MonoTime{});
  store.erase(0, "ml", "a");
  store.upsert(0, job("c", "third", ""), MonoTime{});
  store.upsert(0, job("b", "third", "", true), MonoTime{});
  EXPECT_EQ(store.counts("ml/first").active, 0);
  EXPECT_EQ(store.counts("ml/second").active, 0);
  EXPECT_EQ(store.counts("ml/third").active, 2);
  EXPECT_EQ(store.owners_with_held(), std::vector<std::string>{"ml/third"});
}

std::vector<std::string> surplus(const RunStore& store, HistoryLimits limits, std::size_t most = 100) {
  std::vector<std::string> names;
  for (const SurplusRun& run : store.surplus("ml/w", limits, most)) names.push_back(run.name);
  return names;
}
json::object ended(std::string_view name, std::string_view condition, std::string_view at,
                   bool held = false) {
  json::object object = job(name, "w", condition, held);
  object["status"].as_object()["conditions"].at(0).as_object()["lastTransitionTime"] = at;
  return object;
}
using Names = std::vector<std::string>;

TEST(RunStore, tells_what_is_more_than_a_watcher_keeps_the_oldest_end_first_then_by_name) {
  RunStore store;
  store.upsert(0, ended("d", "Complete", "2026-11-22T05:30:00Z"), MonoTime{});
  store.upsert(0, ended("a", "Complete", "2026-11-22T05:30:02Z"), MonoTime{});
  store.upsert(1, ended("c", "Complete", "2026-11-22T05:30:01Z"), MonoTime{});
  store.upsert(0, ended("b", "Complete", "2026-11-22T05:30:01Z"), MonoTime{});
  store.upsert(0, ended("e", "Failed", "2026-11-22T05:29:00Z"), MonoTime{});
  store.upsert(0, job("f", "w", ""), MonoTime{});
  store.upsert(0, job("g", "other", "Complete"), MonoTime{});
  EXPECT_EQ(surplus(store, {}), Names{}) << "no limit keeps all";
  EXPECT_EQ(surplus(store, {.succeeded = 4, .failed = 1}), Names{});
  EXPECT_EQ(surplus(store, {.succeeded = 1}), (Names{"d", "b", "c"}));
  EXPECT_EQ(surplus(store, {.succeeded = 1}, 2), (Names{"d", "b"}));
  EXPECT_EQ(surplus(store, {.succeeded = 0, .failed = 0}), (Names{"e", "d", "b", "c", "a"}));
  auto first = store.surplus("ml/w", {.succeeded = 2}, 100).at(1);
  EXPECT_EQ(std::tuple(first.watch, first.ns, first.name, format_rfc3339(first.ended)),
            std::tuple(WatchId{0}, "ml", "b", "2026-11-22T05:30:01Z"));
}

TEST(RunStore, never_offers_what_is_not_recorded_and_nothing_younger_in_its_place) {
  RunStore store;
  store.upsert(0, ended("a", "Complete", "2026-11-22T05:30:00Z", true), MonoTime{});
  store.upsert(0, ended("b", "Complete", "2026-11-22T05:30:01Z"), MonoTime{});
  EXPECT_EQ(surplus(store, {.succeeded = 1}), Names{});
  EXPECT_EQ(surplus(store, {.succeeded = 0}), Names{"b"});
  store.recorded(0, "ml", "a", "uid-a");
  EXPECT_EQ(surplus(store, {.succeeded = 1}), Names{"a"});
}

TEST(RunStore, offers_nothing_that_goes_already_and_counts_it_no_more) {
  RunStore store;
  store.upsert(0, ended("a", "Complete", "2026-11-22T05:30:00Z"), MonoTime{});
  store.upsert(0, ended("b", "Complete", "2026-11-22T05:30:01Z"), MonoTime{});
  store.leaving(store.surplus("ml/w", {.succeeded = 1}, 1).at(0));
  EXPECT_EQ(store.counts("ml/w").succeeded, 1);
  EXPECT_EQ(surplus(store, {.succeeded = 0}), Names{"b"});
  json::object going = ended("b", "Complete", "2026-11-22T05:30:01Z");
  going["metadata"].as_object()["deletionTimestamp"] = "2026-11-22T05:31:00Z";
  store.upsert(0, going, MonoTime{});
  EXPECT_EQ(store.counts("ml/w").succeeded, 0);
  EXPECT_EQ(surplus(store, {.succeeded = 0}), Names{});
  store.erase(0, "ml", "a");
  store.erase(0, "ml", "b");
  EXPECT_EQ(store.counts("ml/w").succeeded, 0);
}

TEST(RunStore, counts_what_terminates_at_work_for_as_long_as_it_exists) {
  RunStore store;
  json::object going = job("a", "w", "");
  going["metadata"].as_object()["deletionTimestamp"] = "2026-11-22T05:31:00Z";
  store.upsert(0, going, MonoTime{});
  EXPECT_EQ(store.counts("ml/w").active, 1);
}

TEST(RunStore, takes_kinds_without_a_status_for_done_and_leaves_them) {
  RunStore store;
  store.kind_tells(1, report::Telling::Nothing);
  for (std::string_view name : {"a", "b"}) store.upsert(1, job(name, "w", ""), MonoTime{});
  store.upsert(0, job("c", "w", ""), MonoTime{});
  EXPECT_EQ(store.counts("ml/w").succeeded, 2);
  EXPECT_EQ(store.counts("ml/w").active, 1) << "how another watch's objects tell is another matter";
  EXPECT_EQ(surplus(store, {.succeeded = 0}), Names{});
}

TEST(RunStore, orders_what_has_no_end_time_by_its_creation) {
  RunStore store;
  store.kind_tells(0, report::Telling::Phase);
  for (auto [name, made] : {std::pair("a", "2026-11-22T05:30:01Z"), {"b", "2026-11-22T05:30:00Z"}}) {
    json::object pod = job(name, "w", "");
    pod["metadata"].as_object()["creationTimestamp"] = made;
    pod["status"] = {{"phase", "Succeeded"}};
    store.upsert(0, pod, MonoTime{});
  }
  EXPECT_EQ(surplus(store, {.succeeded = 0}), (Names{"b", "a"}));
  EXPECT_FALSE(store.outcome(0, "ml", "a")->finished_at) << "nobody said when it finished";
}

// As often as an outage of a day makes a list break off: a counter of eight bits came round.
TEST(RunStore, forgets_what_is_gone_however_many_lists_broke_off_before) {
  RunStore store;
  store.upsert(0, job("ghost", "w", ""), MonoTime{});
  for (int broken = 0; broken < 256; ++broken) store.begin_list(0);
  store.end_list(0);
  EXPECT_FALSE(store.outcome(0, "ml", "ghost"));
}

TEST(RunStore, knows_when_a_resource_finished) {
  RunStore store;
  store.upsert(0, job("a", "w", "Complete"), MonoTime{});
  auto outcome = store.outcome(0, "ml", "a");
  ASSERT_TRUE(outcome && outcome->finished_at);
  EXPECT_EQ(format_rfc3339(*outcome->finished_at), "2026-11-22T05:31:00Z");
}

TEST(RunStore, knows_why_a_resource_failed_and_forgets_it_when_it_runs_again) {
  RunStore store;
  store.kind_tells(0, report::Telling::Phase);
  json::object flow = job("a", "w", "");
  flow["status"] = {{"phase", "Failed"}, {"message", "Max duration limit exceeded"}};
  store.upsert(0, flow, MonoTime{});
  EXPECT_EQ(store.outcome(0, "ml", "a")->failure, "Max duration limit exceeded");
  flow["status"] = {{"phase", "Running"}, {"message", "retried"}};
  store.upsert(0, flow, MonoTime{});
  EXPECT_EQ(store.outcome(0, "ml", "a")->failure, "");
}

}  // namespace
}  // namespace abo::controllers
