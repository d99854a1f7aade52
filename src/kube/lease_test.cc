#include "kube/lease.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "kube/fake_transport.h"

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

MonoTime at(std::chrono::milliseconds t) {
  return MonoTime{std::chrono::hours{1}} + t;
}

LeaseRecord record(std::string holder, std::string version, std::chrono::seconds duration = 12s) {
  return {std::move(holder), duration, "a", "r", 0, std::move(version)};
}

TEST(LeaseState, a_silent_holder_is_replaced_after_the_duration_counted_from_when_we_first_saw_it) {
  LeaseState me("me", {});
  EXPECT_EQ(me.observe(record("other", "1"), at(0s)), LeaseState::Next::Wait);
  EXPECT_EQ(me.observe(record("other", "1"), at(11'999ms)), LeaseState::Next::Wait);
  EXPECT_EQ(me.observe(record("other", "2"), at(12s)), LeaseState::Next::Wait) << "it renewed";
  EXPECT_EQ(me.observe(record("other", "2"), at(23'999ms)), LeaseState::Next::Wait);
  EXPECT_EQ(me.observe(record("other", "2"), at(24s)), LeaseState::Next::Take);
}

TEST(LeaseState, a_holders_longer_duration_is_respected_and_a_shorter_one_is_not_used) {
  LeaseState me("me", {});
  EXPECT_EQ(me.observe(record("other", "1", 60s), at(0s)), LeaseState::Next::Wait);
  EXPECT_EQ(me.observe(record("other", "1", 60s), at(59s)), LeaseState::Next::Wait);
  LeaseState too("too", {});
  EXPECT_EQ(too.observe(record("other", "1", 1s), at(0s)), LeaseState::Next::Wait);
  EXPECT_EQ(too.observe(record("other", "1", 1s), at(11s)), LeaseState::Next::Wait);
}

TEST(LeaseState, a_released_lease_is_taken_at_once_and_a_missing_one_created) {
  LeaseState me("me", {});
  EXPECT_EQ(me.observe(std::nullopt, at(0s)), LeaseState::Next::Create);
  EXPECT_EQ(me.observe(record("", "1"), at(0s)), LeaseState::Next::Take);
}

TEST(LeaseState, holding_is_counted_from_the_beginning_of_the_write) {
  LeaseState me("me", {});
  EXPECT_FALSE(me.held_safely(at(0s)));
  (void)me.observe(std::nullopt, at(0s));
  me.wrote(record("me", "1"), at(0s), at(5s));
  EXPECT_TRUE(me.held_safely(at(9'999ms)));
  EXPECT_FALSE(me.held_safely(at(10s)));
}

TEST(LeaseState, the_record_tells_when_and_how_often_the_holder_changed) {
  LeaseState me("me", {});
  (void)me.observe(record("other", "1"), at(0s));
  WallTime now{std::chrono::milliseconds{1'795'325'400'000}};
  json::object taken = me.to_write(now, false);
  EXPECT_EQ(taken.at("leaseTransitions"), 1);
  EXPECT_EQ(taken.at("acquireTime"), "2026-11-22T05:30:00.000000Z");
  (void)me.observe(record("me", "2"), at(0s));
  EXPECT_EQ(me.to_write(now, false).at("leaseTransitions"), 0);
  EXPECT_EQ(me.to_write(now, false).at("acquireTime"), "a");
  EXPECT_EQ(me.to_write(now, true).at("holderIdentity"), "");
}

// One candidate of the simulation: reads, writes what it read about some time ago, and stands still at random.
struct Candidate {
  std::string name;
  LeaseState state{name, {}};
  LeaseState::Next next = LeaseState::Next::Wait;
  bool writing = false;
  std::string based_on{};
  MonoTime began{};
  std::optional<LeaseRecord> answer{};  // on its way to us
  std::chrono::milliseconds asleep_until{0};
};

// Law: whatever stops, is slow or loses answers, no two candidates believe at once that they hold the lease safely.
RC_GTEST_PROP(LeaseState, no_two_candidates_hold_it_safely_at_once, ()) {
  std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
  auto one_in = [&random](unsigned n) { return random() % n == 0; };
  std::vector<Candidate> all;
  for (const char* name : {"a", "b", "c"}) all.push_back({.name = name});
  std::optional<LeaseRecord> stored;
  int version = 0;
  bool anybody = false;
  for (std::chrono::milliseconds now{0}; now < 120s; now += 250ms) {
    for (Candidate& one : all) {
      if (now < one.asleep_until) continue;
      if (one_in(60)) {
        one.asleep_until = now + std::chrono::milliseconds{random() % 40'000};
        continue;
      }
      if (one.answer) {
        one.state.wrote(*std::exchange(one.answer, {}), one.began, at(now));
        continue;
      }
      if (!one.writing) {
        one.next = one.state.observe(stored, at(now));
        one.based_on = stored ? stored->resource_version : "";
        one.writing = one.next != LeaseState::Next::Wait;
        one.began = at(now);
        continue;
      }
      one.writing = false;
      if (one.based_on != (stored ? stored->resource_version : "")) continue;  // Conflict
      stored = LeaseRecord{one.name, 12s, "", "", 0, std::to_string(++version)};
      if (!one_in(10)) one.answer = stored;  // else it is lost
    }
    auto holders =
        std::ranges::count_if(all, [&](const Candidate& one) { return one.state.held_safely(at(now)); });
    RC_ASSERT(holders <= 1);
    anybody |= holders == 1;
  }
  RC_ASSERT(anybody);
}

// A Lease behind the fake transport's seam, with optimistic locking, as the API server keeps it.
struct LeaseServer final : net::Transport {
  json::object lease;
  int version = 0;
  int failing = 0;  // requests to refuse

  Task<Result<net::Response>> send(net::Request request, net::BodySink) override {
    co_await boost::asio::post(boost::asio::use_awaitable);
    if (failing > 0) {
      --failing;
      co_return fail(ErrorKind::Unavailable, Reason::EndpointUnreachable, "refused");
    }
    if (request.method == "GET") {
      if (lease.empty()) co_return net::Response{404, {}, "{}"};
      co_return net::Response{200, {}, json::serialize(lease)};
    }
    json::object sent = parse_json(request.body)->get_object();
    bool create = request.method == "POST";
    if (create && !lease.empty()) co_return net::Response{409, {}, R"({"reason":"AlreadyExists"})"};
    if (!create && lease.empty()) co_return net::Response{404, {}, "{}"};
    if (!create && find_string(sent, {"metadata", "resourceVersion"}) !=
                       find_string(lease, {"metadata", "resourceVersion"})) {
      co_return net::Response{409, {}, R"({"reason":"Conflict"})"};
    }
    lease = std::move(sent);
    lease["metadata"].as_object()["resourceVersion"] = std::to_string(++version);
    co_return net::Response{200, {}, json::serialize(lease)};
  }
};

struct ElectionTest : testing::Test {
  LeaseServer server;
  FakeTime time;
  Client client{server, "https://api", time};
  int led = 0;
  std::function<void()> on_turn = [] {};

  // Calls on_turn whenever the election sleeps.
  struct Turns final : Sleeper {
    ElectionTest& test;
    explicit Turns(ElectionTest& t) : test(t) {}
    Task<void> sleep(std::chrono::milliseconds duration) override {
      co_await test.time.sleep(duration);
      test.on_turn();
    }
  } turns{*this};

  void somebody_takes_over() {
    server.lease["spec"].as_object()["holderIdentity"] = "other";
    server.lease["metadata"].as_object()["resourceVersion"] = "y";
  }

  LeaderElection election{
      client, {.ns = "ops", .identity = "me", .on_leading = [this] { ++led; }}, time, turns, [] {
        return 0.5;
      }};
};

Task<void> release(LeaderElection& election) {
  co_await election.release();
}

TEST_F(ElectionTest, the_only_candidate_leads_renews_and_releases) {
  int turns_left = 5;
  on_turn = [&] {
    EXPECT_TRUE(election.held_safely());
    EXPECT_EQ(find_string(server.lease, {"spec", "holderIdentity"}), "me");
    if (--turns_left == 0) somebody_takes_over();
  };
  run(election.run());
  EXPECT_EQ(led, 1);
  EXPECT_EQ(turns_left, 0);
}

TEST_F(ElectionTest, an_outage_in_which_nobody_took_over_ends_no_leadership) {
  int turn = 0, safe = 0;
  on_turn = [&] {
    ++turn;
    if (turn == 1) server.failing = 100;  // two seconds each
    if (election.held_safely()) ++safe;
    if (turn == 60) EXPECT_FALSE(election.held_safely()) << "nothing may be sent while a renewal is overdue";
    if (turn == 60) server.failing = 0;
    if (turn == 62) EXPECT_TRUE(election.held_safely());
    if (turn == 62) somebody_takes_over();
  };
  run(election.run());
  EXPECT_EQ(led, 1);
  EXPECT_EQ(turn, 62);
  EXPECT_LT(safe, 10);
}

TEST_F(ElectionTest, a_clean_exit_gives_the_lease_back) {
  boost::asio::io_context loop;
  bool asked = false;
  on_turn = [&] {
    if (!std::exchange(asked, true)) boost::asio::co_spawn(loop, release(election), boost::asio::detached);
  };
  boost::asio::co_spawn(loop, election.run(), boost::asio::detached);
  loop.run();
  EXPECT_EQ(led, 1);
  EXPECT_FALSE(election.held_safely());
  EXPECT_EQ(find_string(server.lease, {"spec", "holderIdentity"}), "");
}

TEST_F(ElectionTest, a_dead_holder_is_replaced_within_fifteen_seconds) {
  server.lease = {{"metadata", json::object{{"resourceVersion", "x"}}},
                  {"spec", json::object{{"holderIdentity", "other"}, {"leaseDurationSeconds", 12}}}};
  MonoTime began = time.mono();
  on_turn = [&] {
    if (election.is_leader())
      somebody_takes_over();
    else
      EXPECT_LT(time.mono() - began, 14s) << "and it may have died up to a second before this first look";
  };
  run(election.run());
  EXPECT_EQ(led, 1);
}

TEST_F(ElectionTest, a_leader_that_was_replaced_stops_leading) {
  on_turn = [&] { somebody_takes_over(); };
  run(election.run());
  EXPECT_EQ(led, 1);
  EXPECT_FALSE(election.held_safely());
  EXPECT_EQ(find_string(server.lease, {"spec", "holderIdentity"}), "other");
}

// The successor may have led, worked and gone while this process stood still: what was begun under the lost lease knows
// nothing of that, so it must not go on under a new one.
TEST_F(ElectionTest, a_leader_that_was_replaced_does_not_lead_again_even_if_the_lease_is_free) {
  int turns_left = 3;
  on_turn = [&] {
    server.lease["spec"].as_object()["holderIdentity"] = "";
    server.lease["metadata"].as_object()["resourceVersion"] = "y";
    if (--turns_left == 0) somebody_takes_over();
  };
  run(election.run());
  EXPECT_EQ(turns_left, 2) << "run() ended at once";
  EXPECT_FALSE(election.held_safely());
}

TEST_F(ElectionTest, a_leader_whose_lease_was_deleted_does_not_lead_again) {
  int turns_left = 3;
  on_turn = [&] {
    server.lease.clear();
    if (--turns_left == 0) somebody_takes_over();
  };
  run(election.run());
  EXPECT_EQ(turns_left, 2) << "run() ended at once";
  EXPECT_FALSE(election.held_safely());
}

}  // namespace
}  // namespace abo::kube
