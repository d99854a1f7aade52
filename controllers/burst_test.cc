// Many blobs at once, as laws on the whole controller: creations are not held up by anything that may follow, and what
// follows keeps the protocol's order (docs/exactly-once.md).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/fake_world.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;

struct Burst : testing::Test {
  FakeWorld world;

  void begin(int blobs) {
    world.add("alpha", {{"existingBlobs", "Trigger"}, {"maxActive", 0}, {"pollingIntervalSeconds", 3600}});
    for (int i = 0; i < blobs; ++i) world.blobs.upload("alpha", fmt::format("{:04}.csv", i));
    world.start();
    world.run_for(1s);
  }
  std::size_t jobs() const { return world.cluster.below(FakeWorld::jobs()).size(); }
  std::size_t held() const {
    std::size_t n = 0;
    for (const std::string& path : world.cluster.below(FakeWorld::jobs())) {
      if (recording_finalizer_index(*world.cluster.find_object(path))) ++n;
    }
    return n;
  }
  // What was asked of the API server, of this kind, by its place among all requests.
  std::vector<std::size_t> places(std::string_view what) const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < world.cluster.requests.size(); ++i) {
      if (world.cluster.requests[i].what.starts_with(what)) out.push_back(i);
    }
    return out;
  }
  std::vector<std::size_t> creates() const { return places("POST " + FakeWorld::jobs()); }
  std::vector<std::size_t> releases() const { return places("PATCH " + FakeWorld::jobs()); }
  std::vector<std::size_t> status_writes() const { return places("PUT " + FakeWorld::path("alpha")); }
};

TEST_F(Burst, of_a_thousand_is_created_before_any_finalizer_goes) {
  begin(1000);
  ASSERT_EQ(creates().size(), 1000u);
  ASSERT_EQ(releases().size(), 1000u);
  EXPECT_LT(creates().back(), releases().front());
  EXPECT_EQ(jobs(), 1000u);
  EXPECT_EQ(held(), 0u);
}

TEST_F(Burst, is_recorded_before_its_finalizers_go) {
  begin(1000);
  auto writes = status_writes();
  auto recorded = std::ranges::find_if(writes, [&](std::size_t at) { return at > creates().back(); });
  ASSERT_NE(recorded, writes.end());
  EXPECT_LT(*recorded, releases().front());
}

TEST_F(Burst, that_cannot_be_recorded_keeps_its_finalizers) {
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (!what.starts_with("PUT ") || creates().empty()) return std::nullopt;
    return FakeCluster::status(403, "Forbidden");
  };
  begin(100);
  world.run_for(10min);
  EXPECT_EQ(held(), 100u);
  world.cluster.rule = {};
  world.run_for(2h);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(creates().size(), 100u);
}

TEST_F(Burst, never_leaves_more_than_two_batches_unreleased) {
  begin(4000);
  EXPECT_EQ(jobs(), 4000u);
  EXPECT_EQ(held(), 0u);
  std::size_t unreleased = 0, most = 0;
  for (const auto& seen : world.cluster.requests) {
    if (seen.what.starts_with("POST " + FakeWorld::jobs())) most = std::max(most, ++unreleased);
    if (seen.what.starts_with("PATCH " + FakeWorld::jobs())) --unreleased;
  }
  EXPECT_LE(most, 2048u);
}

TEST_F(Burst, on_a_slow_api_server_is_recorded_every_few_seconds) {
  world.cluster.rule = [&](const std::string& what) -> std::optional<FakeCluster::Answer> {
    if (what.starts_with("POST " + FakeWorld::jobs())) world.time.move_to(world.time.mono() + 100ms);
    return std::nullopt;
  };
  begin(300);
  ASSERT_EQ(jobs(), 300u);
  EXPECT_EQ(creates().size(), 300u);
  auto all = creates();
  std::size_t written_between = 0;
  for (std::size_t at : status_writes()) {
    if (at > all.front() && at < all.back()) ++written_between;
  }
  EXPECT_GE(written_between, 4u);
}

}  // namespace
}  // namespace abo::controllers
