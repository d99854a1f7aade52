// Which poll runs when, as laws on the whole controller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/scheduled_world.h"

namespace abo::controllers {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

using Answer = FakeCluster::Answer;

struct Schedule : ScheduledWorld {};

// ---- intervals, backoff and Retry-After ----

TEST_F(Schedule, a_watcher_is_polled_once_an_interval) {
  world.add("alpha");
  world.start();
  world.run_for(10min);
  EXPECT_THAT(world.blobs.times_of("alpha"), SizeIs(AllOf(Ge(10u), Le(12u))));
  auto waits = gaps(world.blobs.times_of("alpha"));
  waits.erase(waits.begin());  // a new watcher's first poll lists twice
  EXPECT_THAT(waits, Each(AllOf(Ge(57s), Le(63s))));
}

TEST_F(Schedule, a_poll_that_fails_backs_off_from_a_second_to_five_minutes) {
  world.random = 1.0 - 1e-9;
  world.blobs.rule = [](const std::string&) -> Result<net::Response> {
    return fail(ErrorKind::Internal, Reason::Internal, "not now");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.start();
  world.run_for(1h);
  expect_backoff(gaps(world.blobs.times_of("alpha")));
}

TEST_F(Schedule, a_failing_poll_is_never_further_away_than_the_interval) {
  world.blobs.rule = [](const std::string&) -> Result<net::Response> {
    return fail(ErrorKind::Internal, Reason::Internal, "not now");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 10}});
  world.start();
  world.run_for(30min);
  EXPECT_GE(polls("alpha"), 170u);
  EXPECT_THAT(gaps(world.blobs.times_of("alpha")), Each(Le(10'510ms)));
}

TEST_F(Schedule, azures_retry_after_is_honoured_beyond_the_interval) {
  world.blobs.rule = [](const std::string&) { return FakeBlobs::failure(503, {{"retry-after", "90"}}); };
  world.add("alpha", {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(10min);
  EXPECT_GE(polls("alpha"), 6u);
  EXPECT_THAT(gaps(world.blobs.times_of("alpha")), Each(Ge(90s)));
  EXPECT_EQ(world.reason("alpha"), "Throttled");
}

TEST_F(Schedule, the_status_says_when_the_next_poll_really_is) {
  world.random = 0.9;  // 4 % later than the interval
  world.blobs.rule = [](const std::string& account) -> std::optional<Result<net::Response>> {
    if (account == "alpha") return std::nullopt;
    return FakeBlobs::failure(account == "patient" ? 503 : 403, {{"retry-after", "90"}});
  };
  world.blobs.upload("alpha", "a.csv");
  WallTime begin = world.time.wall();
  MonoTime began = world.time.mono();
  std::map<std::string, std::string> said{{"alpha", ""}, {"patient", ""}, {"refused", ""}};
  for (const auto& [name, text] : said) world.add(name, {{"pollingIntervalSeconds", 3600}});
  world.start();
  world.run_for(100ms);
  for (auto& [name, text] : said) text = world.status_text(name, "nextPollTime");
  world.run_for(2h);
  for (const auto& [name, text] : said) {
    auto times = world.blobs.times_of(name);
    auto next = std::ranges::find_if(times, [&](MonoTime at) { return at > began + 1s; });
    ASSERT_NE(next, times.end());
    WallTime then = begin + std::chrono::duration_cast<milliseconds>(*next - began);
    EXPECT_EQ(text, format_rfc3339(std::chrono::ceil<std::chrono::seconds>(then))) << name;
  }
}

TEST_F(Schedule, the_status_says_when_a_postponed_blob_is_due) {
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
    return FakeCluster::status(403, "Forbidden", {}, "exceeded quota: jobs");
  };
  world.blobs.upload("alpha", "a.csv");
  world.add("alpha", {{"pollingIntervalSeconds", 3600}});
  world.start();
  world.run_for(20s);
  auto next = parse_rfc3339(world.status_text("alpha", "nextPollTime"));
  ASSERT_TRUE(next);
  EXPECT_GE(*next, std::chrono::floor<std::chrono::seconds>(world.time.wall()));
  EXPECT_LE(*next, world.time.wall() + 20s);
}

TEST_F(Schedule, the_api_servers_retry_after_is_honoured) {
  std::string question = "GET " + FakeWorld::path("alpha");
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != question) return std::nullopt;
    return FakeCluster::status(429, "TooManyRequests", {{"retry-after", "40"}});
  };
  world.add("alpha", {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(10min);
  EXPECT_GE(world.cluster.times_of(question).size(), 13u);
  EXPECT_THAT(gaps(world.cluster.times_of(question)), Each(Ge(40s)));
  world.cluster.rule = {};
  world.run_for(1min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

// ---- single blobs ----

TEST_F(Schedule, a_blob_whose_creation_fails_is_tried_ever_more_slowly_and_blocks_nobody) {
  std::vector<MonoTime> refused;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
    refused.push_back(world.time.mono());
    return FakeCluster::status(403, "Forbidden", {}, "exceeded quota: jobs");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 3600}, {"maxActive", 0}});
  world.blobs.upload("alpha", "first.csv");
  world.start();
  world.run_for(40min);
  EXPECT_EQ(world.reason("alpha"), "QuotaExceeded");
  auto waits = gaps(refused);
  ASSERT_GE(waits.size(), 12u);
  for (std::size_t i = 1; i < waits.size(); ++i) {
    milliseconds whole = std::min<milliseconds>(1s * (1 << std::min<std::size_t>(i, 20)), 5min);
    EXPECT_GE(waits[i], whole) << i;
    EXPECT_LE(waits[i], whole + 1s) << i;
  }
  world.cluster.rule = {};
  world.blobs.upload("alpha", "second.csv");
  world.edit("alpha", {{"blobPrefix", ""}});
  world.run_for(1s);
  EXPECT_THAT(world.cluster.below(FakeWorld::jobs()),
              testing::ElementsAre(FakeWorld::jobs() + "/alpha-second.csv"));
  world.run_for(6min);
  EXPECT_EQ(jobs(), 2u);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(Schedule, a_creations_retry_after_is_honoured) {
  std::vector<MonoTime> refused;
  world.cluster.rule = [&](const std::string& what) -> std::optional<Answer> {
    if (what != "POST " + FakeWorld::jobs()) return std::nullopt;
    refused.push_back(world.time.mono());
    return FakeCluster::status(429, "TooManyRequests", {{"retry-after", "40"}});
  };
  world.add("alpha", {{"pollingIntervalSeconds", 1}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(10min);
  EXPECT_GE(refused.size(), 13u);
  EXPECT_THAT(gaps(refused), Each(AllOf(Ge(40s), Le(42s))));
}

// ---- outages ----

TEST_F(Schedule, during_an_outage_all_rows_together_make_about_one_attempt_a_second) {
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back(fmt::format("acct{}", i));
  for (const std::string& name : names) world.add(name, {{"pollingIntervalSeconds", 5}});
  world.start();
  world.run_for(1min);
  for (const std::string& name : names) world.blobs.upload(name, "a.csv");
  world.cluster.go_away();
  std::size_t before = world.cluster.requests.size();
  world.run_for(20min);
  // What was in flight fails once; then there is one question a second, and each watch tries every few seconds.
  EXPECT_LE(world.cluster.requests.size() - before, 1200u * 3 / 2 + 150);
  EXPECT_EQ(jobs(), 0u);
  EXPECT_THAT(world.log_lines_with("the API server is away"), SizeIs(1));

  world.cluster.come_back();
  MonoTime back = world.time.mono();
  world.run_for(10s);
  EXPECT_GE(jobs(), names.size()) << "every blob that waited";
  world.run_for(1min);
  EXPECT_EQ(jobs(), names.size());
  EXPECT_EQ(held(), 0u);
  for (const std::string& name : names) {
    auto times = world.blobs.times_of(name);
    EXPECT_TRUE(std::ranges::any_of(times, [&](MonoTime at) { return at > back && at <= back + 10s; }));
  }
}

TEST_F(Schedule, while_the_lease_is_in_doubt_azure_is_not_asked) {
  bool ours = false;
  world.services.may_act = [&ours] { return ours; };
  world.add("alpha", {{"pollingIntervalSeconds", 10}});
  world.blobs.upload("alpha", "a.csv");
  world.start();
  world.run_for(1min);
  EXPECT_EQ(polls("alpha"), 0u);
  ours = true;
  world.run_for(11s);
  EXPECT_EQ(jobs(), 1u);
}

TEST_F(Schedule, one_watchers_trouble_with_the_api_server_delays_nobody_else) {
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (what != "GET " + FakeWorld::path("alpha")) return std::nullopt;
    return FakeCluster::status(500, "InternalError");
  };
  world.add("alpha", {{"pollingIntervalSeconds", 1}});
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(1min);
  EXPECT_GE(polls("beta"), 58u);
  EXPECT_THAT(world.log_lines_with("the API server is away"), IsEmpty());
}

TEST_F(Schedule, an_account_that_hangs_delays_its_own_watchers_alone) {
  for (int i = 0; i < 8; ++i) world.add(fmt::format("w{}", i), {{"storageAccount", "hangs"}});
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.blobs.hold = [](const std::string& account) { return account == "hangs"; };
  world.start();
  world.run_for(4s);
  EXPECT_EQ(polls("hangs"), 4u);
  world.run_for(56s);
  EXPECT_GE(polls("beta"), 58u);
  world.blobs.let_go();
  world.run_for(1s);
  EXPECT_GE(polls("hangs"), 8u);
}

// Containers of the account "shared", of which those that begin with "hangs" do.
struct SlowContainers : ScheduledWorld {
  std::string_view hung = "/hangs";
  SlowContainers() {
    world.blobs.hold_url = [this](const std::string& url) { return url.contains(hung); };
  }
  void add(const std::string& name, const std::string& account, const std::string& container,
           std::int64_t interval = 1) {
    world.add(
        name,
        {{"storageAccount", account}, {"containerName", container}, {"pollingIntervalSeconds", interval}});
  }
  std::vector<MonoTime> polls_of(const std::string& part) const {
    std::vector<MonoTime> out;
    for (const auto& seen : world.blobs.listings) {
      if (seen.url.contains(part)) out.push_back(seen.at);
    }
    return out;
  }
};

void expect_healthy_cadence(SlowContainers& containers, int hanging) {
  containers.add("healthy", "shared", "works");
  containers.world.start();
  containers.world.run_for(2s);
  for (int i = 0; i < hanging; ++i)
    containers.add(fmt::format("w{}", i), "shared", fmt::format("hangs{}", i));
  containers.world.run_for(8min);
  auto polls = containers.polls_of("/works");
  EXPECT_GE(polls.size(), 450u);
  EXPECT_THAT(gaps(polls), Each(Le(3s)));
  for (int i = 0; i < hanging; ++i)
    EXPECT_GE(containers.polls_of(fmt::format("/hangs{}?", i)).size(), 1u) << i;
}

TEST_F(SlowContainers, four_of_an_account_let_its_healthy_one_keep_its_cadence) {
  expect_healthy_cadence(*this, 4);
}

TEST_F(SlowContainers, forty_of_an_account_let_its_healthy_one_keep_its_cadence) {
  expect_healthy_cadence(*this, 40);
}

TEST_F(SlowContainers, of_sixteen_accounts_let_another_account_poll) {
  add("healthy", "other", "works");
  for (int account = 0; account < 16; ++account) {
    for (int i = 0; i < 12; ++i)
      add(fmt::format("w{}-{}", account, i), fmt::format("shared{}", account), fmt::format("hangs{}", i));
  }
  world.start();
  world.run_for(8min);
  EXPECT_GE(polls_of("/works").size(), 450u);
  EXPECT_THAT(gaps(polls_of("/works")), Each(Le(10s)));
}

TEST_F(SlowContainers, are_eight_of_an_account_at_once_and_the_others_wait) {
  for (int i = 0; i < 40; ++i) add(fmt::format("w{}", i), "shared", fmt::format("hangs{}", i));
  world.start();
  world.run_for(2min);
  EXPECT_EQ(world.blobs.held(), 8u);
  world.blobs.let_go();
  world.run_for(10s);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(world.reason(fmt::format("w{}", i)), "PollSucceeded") << i;
}

// What comes before a listing, its Secret for one, takes time too: it was hardly five seconds that the listing had.
TEST_F(SlowContainers, that_were_crowded_out_wait_among_the_slow_whatever_came_before_their_listing) {
  world.cluster.latency = 10ms;
  for (int i = 0; i < 40; ++i) add(fmt::format("w{}", i), "shared", fmt::format("hangs{}", i));
  world.start();
  world.run_for(4min);
  EXPECT_EQ(world.blobs.held(), 8u);
  EXPECT_EQ(polls_of("/hangs").size(), 40u) << "each was begun once";
}

TEST_F(SlowContainers, that_were_slow_once_and_are_quick_again_are_no_longer_held_back) {
  add("mended", "shared", "hangs-once");
  world.start();
  world.run_for(1min);
  ASSERT_EQ(polls_of("/hangs-once").size(), 1u);
  hung = "/hangs-still";
  world.blobs.changed();
  world.run_for(10s);
  for (int i = 0; i < 40; ++i) add(fmt::format("w{}", i), "shared", fmt::format("hangs-still{}", i));
  world.run_for(1min);
  EXPECT_GE(polls_of("/hangs-once").size(), 50u);
}

TEST_F(SlowContainers, do_not_wait_among_the_slow_once_their_spec_is_corrected) {
  for (int i = 0; i < 40; ++i) add(fmt::format("w{}", i), "shared", fmt::format("hangs{}", i), 3600);
  world.start();
  world.run_for(2min);
  world.blobs.hold_url = [](const std::string& url) {
    return url.contains("/hangs") && !url.contains("prefix=good");
  };
  for (int i = 0; i < 40; ++i) world.edit(fmt::format("w{}", i), {{"blobPrefix", "good"}});
  world.run_for(2s);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(world.reason(fmt::format("w{}", i)), "PollSucceeded") << i;
}

TEST_F(Schedule, a_listing_that_does_not_end_is_given_up_after_ten_minutes_and_said_so) {
  world.blobs.hold = [](const std::string&) { return true; };
  world.add("alpha");
  world.start();
  world.run_for(9min);
  EXPECT_EQ(world.reason("alpha"), "");
  world.run_for(2min);
  EXPECT_EQ(world.reason("alpha"), "ServiceUnavailable");
  world.blobs.let_go();
  world.run_for(2min);
  EXPECT_EQ(world.reason("alpha"), "PollSucceeded");
}

TEST_F(Schedule, a_listing_that_takes_long_says_every_half_minute_how_far_it_is) {
  world.blobs.hold = [](const std::string&) { return true; };
  world.add("alpha");
  world.start();
  world.run_for(100s);
  EXPECT_EQ(world.log_lines_with("listing goes on").size(), 3u);
  world.blobs.let_go();
  world.run_for(10min);
  EXPECT_EQ(world.log_lines_with("listing goes on").size(), 3u);
}

TEST_F(Schedule, a_kind_whose_server_is_broken_is_named_in_the_status_of_those_who_need_it) {
  world.settings.kinds = KindPolicy({{"batch", "v1", "Job"}, {"example.com", "v1", "Run"}});
  world.cluster.served.push_back({"/apis/example.com/v1", "runs", "Run"});
  world.cluster.rule = [](const std::string& what) -> std::optional<Answer> {
    if (!what.ends_with("/runs")) return std::nullopt;
    return FakeCluster::status(503, "ServiceUnavailable");
  };
  world.cluster.put(FakeWorld::path("alpha"), FakeWorld::watcher("alpha", {}, "Run"));
  world.add("beta", {{"pollingIntervalSeconds", 1}});
  world.start();
  world.run_for(1min);
  EXPECT_EQ(world.reason("alpha"), "ApiServerUnavailable");
  EXPECT_GE(polls("beta"), 58u);
}

}  // namespace
}  // namespace abo::controllers
