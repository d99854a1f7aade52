#include "kube/events.h"

#include <set>

#include "kube/fake_transport.h"

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

Event about(std::string name, std::string message, std::string reason = "BlobTriggered") {
  return {{"mlops.example.com/v1alpha1", "AzureBlobWatcher", "ml", std::move(name), "uid-1"},
          EventType::Warning,
          std::move(reason),
          std::move(message)};
}

struct LedgerTest : testing::Test {
  FakeTime time;
  EventLedger ledger{"0badcafe"};

  bool note(Event event) { return ledger.note(std::move(event), time.wall(), time.mono()); }
  std::optional<EventWrite> next() { return ledger.next(time.mono()); }
};

TEST_F(LedgerTest, an_event_says_who_what_when_and_how_often) {
  note(about("w", "it works"));
  auto write = next();
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->create);
  EXPECT_EQ(write->ns, "ml");
  EXPECT_EQ(write->name, "w.0badcafe1");
  EXPECT_EQ(find_string(write->body, {"involvedObject", "uid"}), "uid-1");
  EXPECT_EQ(find_string(write->body, {"involvedObject", "apiVersion"}), "mlops.example.com/v1alpha1");
  EXPECT_EQ(find_string(write->body, {"type"}), "Warning");
  EXPECT_EQ(find_string(write->body, {"reason"}), "BlobTriggered");
  EXPECT_EQ(find_string(write->body, {"message"}), "it works");
  EXPECT_EQ(find_string(write->body, {"firstTimestamp"}), "2026-11-22T05:30:00Z");
  EXPECT_EQ(find_string(write->body, {"source", "component"}), "azure-blob-operator");
  EXPECT_EQ(find_int(write->body, {"count"}), 1);
  EXPECT_FALSE(next());
}

TEST_F(LedgerTest, the_same_fact_raises_a_count_at_most_once_a_minute) {
  note(about("w", "no"));
  std::string name = next()->name;
  for (int i = 0; i < 5; ++i) {
    time.advance(10s);
    note(about("w", "no"));
    EXPECT_FALSE(next());
  }
  EXPECT_EQ(ledger.next_due(), time.mono() + 10s);
  time.advance(10s);
  auto write = next();
  ASSERT_TRUE(write);
  EXPECT_FALSE(write->create);
  EXPECT_EQ(write->name, name);
  EXPECT_EQ(find_int(write->body, {"count"}), 6);
  EXPECT_EQ(find_string(write->body, {"lastTimestamp"}), "2026-11-22T05:30:50Z");
  EXPECT_FALSE(ledger.next_due());
}

TEST_F(LedgerTest, after_ten_quiet_minutes_a_fact_is_a_new_event) {
  note(about("w", "no"));
  std::string name = next()->name;
  time.advance(10min);
  note(about("w", "no"));
  auto write = next();
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->create);
  EXPECT_NE(write->name, name);
}

TEST_F(LedgerTest, a_thousand_different_messages_are_eleven_events) {
  std::set<std::string> names;
  int writes = 0;
  for (int i = 0; i < 1000; ++i) {
    note(about("w", "blob " + std::to_string(i)));
    while (auto write = next()) {
      ++writes;
      names.insert(write->name);
    }
  }
  EXPECT_EQ(names.size(), 11U);
  EXPECT_EQ(writes, 11);
  time.advance(1min);
  auto last = next();
  ASSERT_TRUE(last);
  EXPECT_EQ(find_int(last->body, {"count"}), 990);
  EXPECT_EQ(find_string(last->body, {"message"}), "(combined from similar events): blob 999");
}

TEST_F(LedgerTest, an_event_that_is_gone_is_created_anew) {
  note(about("w", "no"));
  (void)next();
  time.advance(1min);
  note(about("w", "no"));
  auto patch = next();
  ASSERT_TRUE(patch && !patch->create);
  ledger.written(patch->key, true, time.mono());
  auto again = next();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->create);
  EXPECT_NE(again->name, patch->name);
  EXPECT_EQ(find_int(again->body, {"count"}), 2);
}

TEST_F(LedgerTest, what_nobody_writes_is_bounded_and_the_rest_is_dropped) {
  int taken = 0;
  for (int i = 0; i < 5000; ++i)
    taken += note(about("w" + std::to_string(i), "no", "R" + std::to_string(i))) ? 1 : 0;
  EXPECT_EQ(taken, 512);
  EXPECT_TRUE(note(about("w0", "no", "R0"))) << "what waits already only counts";
}

TEST_F(LedgerTest, an_endless_message_and_name_fit_the_apis_limits) {
  note(about(std::string(253, 'n'), std::string(5000, 'm')));
  auto write = next();
  EXPECT_LE(write->name.size(), 253U);
  EXPECT_LE(find_string(write->body, {"message"}).size(), 1024U);
}

struct RecorderTest : testing::Test {
  FakeTransport transport;
  FakeTime time;
  Client client{transport, "https://api", time};
  std::vector<std::string> failures;
  int dropped = 0;
  EventRecorder recorder{
      client,
      time,
      "0badcafe",
      {[this](const Error& error) { failures.push_back(error.message); }, [this] { ++dropped; }}};
};

TEST_F(RecorderTest, writes_what_was_noted_and_ends_when_closed) {
  transport.then(201, json::object{});
  transport.then(201, json::object{});
  recorder.record(about("a", "x"));
  recorder.record(about("b", "y"));
  recorder.close();
  run(recorder.run());
  EXPECT_EQ(transport.requests.size(), 2U);
  EXPECT_NE(transport.requests[0].url.find("/api/v1/namespaces/ml/events?"), std::string::npos);
}

TEST_F(RecorderTest, a_refused_event_is_told_and_the_next_one_is_written) {
  transport.then(403, json::object{{"message", "events is forbidden"}});
  transport.then(201, json::object{});
  recorder.record(about("a", "x"));
  recorder.record(about("b", "y"));
  recorder.close();
  run(recorder.run());
  EXPECT_EQ(failures, std::vector<std::string>{"events is forbidden"});
  EXPECT_EQ(transport.requests.size(), 2U);
}

TEST_F(RecorderTest, a_namespace_that_ends_is_no_failure) {
  transport.then(
      403, json::object{
               {"message", "unable to create new content in namespace ml because it is being terminated"}});
  transport.then(404, json::object{{"message", "namespaces \"ml\" not found"},
                                   {"details", json::object{{"kind", "namespaces"}}}});
  recorder.record(about("a", "x"));
  recorder.record(about("b", "y"));
  recorder.close();
  run(recorder.run());
  EXPECT_TRUE(failures.empty());
}

}  // namespace
}  // namespace abo::kube
