#include "kube/reflector.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "kube/fake_transport.h"

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

// What a handler that marks and sweeps would hold, and the calls it saw.
struct Picture final : ReflectorHandler {
  std::map<std::string, std::string> held;  // name → resourceVersion
  std::set<std::string> marked;
  std::vector<std::string> calls;

  void on_list_begin() override { marked.clear(); }
  void on_object(json::object&& object, Change change) override {
    std::string name{find_string(object, {"metadata", "name"})};
    marked.insert(name);
    if (change == Change::Deleted) {
      held.erase(name);
    } else {
      held[name] = find_string(object, {"metadata", "resourceVersion"});
    }
  }
  void on_list_end() override {
    std::erase_if(held, [this](const auto& entry) { return !marked.contains(entry.first); });
    calls.emplace_back("list");
  }
  void on_error(const Error& error) override {
    calls.emplace_back("error " + std::to_string(static_cast<int>(error.kind)));
  }
};

json::object object(std::string_view name, std::string_view version) {
  return {{"metadata", json::object{{"name", name}, {"resourceVersion", version}}}};
}

json::object list_of(std::string_view version, json::array items) {
  return {{"metadata", json::object{{"resourceVersion", version}}}, {"items", std::move(items)}};
}

std::string event(std::string_view type, json::object object) {
  return json::serialize(json::object{{"type", type}, {"object", std::move(object)}}) + "\n";
}

struct ReflectorTest : testing::Test {
  FakeTransport transport;
  FakeTime time;
  Client client{transport, "https://api", time};
  Picture picture;
  int restarts = 0;
  Reflector reflector{client,
                      picture,
                      {.path = "/apis/x/v1/ys", .label_selector = "a=b", .on_restart = [this] { ++restarts; }},
                      time,
                      time,
                      [] { return 0.5; }};

  // A watch that says `chunks`, lives for `lived` and ends politely, or with the error.
  void then_watch(std::vector<std::string> chunks, std::chrono::milliseconds lived = 300s,
                  std::optional<Error> error = {}) {
    FakeTransport::Step step;
    step.chunks = std::move(chunks);
    step.error = std::move(error);
    step.before = [this, lived](const net::Request&) { time.advance(lived); };
    transport.script.push_back(std::move(step));
  }

  // Runs until the script is over.
  void play() {
    transport.over = Error{ErrorKind::Canceled, Reason::Canceled, "the script is over", {}};
    run(reflector.run());
  }

  const std::string& url(std::size_t i) { return transport.requests.at(i).url; }
};

TEST_F(ReflectorTest, the_watch_goes_on_where_the_list_ended_and_then_where_the_last_event_or_bookmark_was) {
  transport.then(200, list_of("10", {object("a", "3"), object("b", "9")}));
  then_watch({event("ADDED", object("c", "11")), event("DELETED", object("a", "12"))});
  then_watch({event("MODIFIED", object("b", "13")), event("BOOKMARK", object("", "20"))});
  play();
  EXPECT_EQ(picture.held, (std::map<std::string, std::string>{{"b", "13"}, {"c", "11"}}));
  EXPECT_NE(url(1).find(
                "watch=1&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=450&labelSelector=a%3Db"),
            std::string::npos)
      << url(1);
  EXPECT_NE(url(2).find("resourceVersion=12"), std::string::npos);
  EXPECT_NE(url(3).find("resourceVersion=20"), std::string::npos);
  EXPECT_EQ(picture.calls.at(0), "list");
  EXPECT_TRUE(time.slept.empty()) << "a polite end is no reason to wait";
  EXPECT_EQ(restarts, 2);
}

TEST_F(ReflectorTest, a_watch_has_no_longer_silence_than_its_own_time_and_some_slack) {
  transport.then(200, list_of("10", {}));
  then_watch({});
  play();
  EXPECT_EQ(transport.requests.at(1).idle_timeout, 480s);
  EXPECT_EQ(transport.requests.at(1).total_timeout, 480s);
}

TEST_F(ReflectorTest, gone_by_event_or_by_status_lists_again_at_once_and_sweeps_what_vanished) {
  transport.then(200, list_of("10", {object("a", "1"), object("b", "2")}));
  then_watch({event("ERROR", {{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}})});
  transport.then(200, list_of("50", {object("b", "40")}));
  transport.then(410, json::object{{"kind", "Status"}, {"code", 410}});
  transport.then(200, list_of("60", {object("c", "55")}));
  play();
  EXPECT_EQ(picture.held, (std::map<std::string, std::string>{{"c", "55"}}));
  EXPECT_NE(url(5).find("resourceVersion=60"), std::string::npos);
  EXPECT_EQ(time.slept, (std::vector<std::chrono::milliseconds>{500ms})) << "the first at once, the next not";
}

TEST_F(ReflectorTest, gone_at_the_end_of_an_outage_lists_at_once) {
  transport.then(200, list_of("10", {}));
  for (int i = 0; i < 5; ++i) transport.then_refused();
  transport.then(410, json::object{{"kind", "Status"}, {"code", 410}});
  transport.then(200, list_of("50", {}));
  play();
  EXPECT_EQ(time.slept.size(), 5U);
  EXPECT_EQ(picture.calls.back(), "list");
  EXPECT_EQ(std::count(picture.calls.begin(), picture.calls.end(), "list"), 2);
}

TEST_F(ReflectorTest, a_lost_watch_resumes_without_a_list) {
  transport.then(200, list_of("10", {}));
  then_watch({event("ADDED", object("a", "11"))}, 20s,
             Error{ErrorKind::UnknownOutcome, Reason::EndpointUnreachable, "lost", {}});
  then_watch({});
  play();
  EXPECT_NE(url(2).find("resourceVersion=11"), std::string::npos);
  EXPECT_EQ(time.slept, (std::vector<std::chrono::milliseconds>{500ms}));
}

TEST_F(ReflectorTest, a_list_that_broke_off_sweeps_nothing) {
  transport.then(200, list_of("10", {object("a", "1")}));
  then_watch({event("ERROR", {{"kind", "Status"}, {"code", 410}})});
  transport.then(200, R"({"metadata":{"continue":"t"},"items":[]})");
  transport.then(500, "");
  play();
  EXPECT_EQ(picture.held.size(), 1U);
}

TEST_F(ReflectorTest, rubbish_in_a_watch_backs_off_and_resumes_from_what_was_understood) {
  transport.then(200, list_of("10", {}));
  then_watch({event("ADDED", object("a", "11")), "rubbish\n"}, 0s);
  play();
  EXPECT_NE(url(2).find("resourceVersion=11"), std::string::npos);
  EXPECT_EQ(time.slept.at(0), 500ms);
}

TEST_F(ReflectorTest, a_deletion_that_a_proxy_swallowed_is_noticed_within_the_hour) {
  transport.then(200, list_of("10", {object("ghost", "1")}));
  for (int i = 0; i < 6; ++i) then_watch({event("BOOKMARK", object("", "20"))}, 300s);
  transport.then(200, list_of("50", {}));
  then_watch({});
  play();
  EXPECT_TRUE(picture.held.empty());
  EXPECT_NE(url(8).find("resourceVersion=50"), std::string::npos);
}

TEST_F(ReflectorTest, an_outage_of_minutes_is_asked_about_seldom_and_its_end_is_seen_soon) {
  transport.then(200, list_of("10", {}));
  for (int i = 0; i < 40; ++i) transport.then_refused();
  MonoTime began = time.mono();
  play();
  auto lasted = std::chrono::duration_cast<std::chrono::seconds>(time.mono() - began);
  EXPECT_GE(lasted, 200s) << "40 attempts";
  for (auto wait : time.slept) EXPECT_LE(wait, 7500ms);
}

// Law: whatever the server does, requests do not come in a hot loop, and no wait is longer than promised.
RC_GTEST_PROP(WatchPlan, is_never_a_hot_loop_and_never_falls_asleep, ()) {
  WatchPlan plan;
  std::chrono::milliseconds now{};
  int requests = 0;
  const int steps = 200;
  for (int i = 0; i < steps; ++i) {
    ++requests;
    double jitter = static_cast<double>(*rc::gen::inRange(0, 100)) / 100.0;
    Error error{*rc::gen::element(ErrorKind::Gone, ErrorKind::Unavailable, ErrorKind::Forbidden),
                Reason::Internal,
                "",
                {}};
    bool ok = *rc::gen::arbitrary<bool>();
    std::chrono::milliseconds wait{};
    if (plan.step() == WatchPlan::Step::List) {
      wait = plan.list_ended(ok ? Result<std::string>{"1"} : Result<std::string>{std::unexpected(error)},
                             jitter);
    } else {
      plan.watch_begins();
      if (*rc::gen::arbitrary<bool>()) plan.advance("2");
      std::chrono::milliseconds lived{*rc::gen::element(0, 999, 1000, 5000)};
      now += lived;
      wait = plan.watch_ended(ok ? Result<void>{} : Result<void>{std::unexpected(error)}, lived, jitter);
    }
    RC_ASSERT(wait <= 7500ms);
    now += wait;
  }
  // A list and a watch that lived a second may take two requests; everything else waits.
  RC_ASSERT(now.count() >= (requests / 2 - 2) * 375);
}

TEST(WatchPlan, the_servers_wish_is_honoured_within_reason) {
  WatchPlan plan;
  Error error{ErrorKind::Throttled, Reason::Throttled, "", 20s};
  EXPECT_EQ(plan.list_ended(std::unexpected(error), 0.5), 20s);
  error.retry_after = 1h;
  EXPECT_EQ(plan.list_ended(std::unexpected(error), 0.5), 30s);
  error.retry_after = 1ms;
  EXPECT_EQ(plan.list_ended(std::unexpected(error), 0.5), 2s);
}

}  // namespace
}  // namespace abo::kube
