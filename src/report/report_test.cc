#include <gtest/gtest.h>

#include "report/conditions.h"
#include "report/status.h"

namespace abo::report {
namespace {

WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

TEST(Status, survives_being_written_and_read) {
  Status s;
  set_conditions(s, {Health::Stalled, Reason::SecretNotFound, "create it"}, 3, at(100));
  s.last_poll = LastPoll{5, 4, 3, 2};
  s.last_poll_time = "2026-11-22T05:30:00Z";
  s.triggered = 7;
  s.checkpoint = json::object{{"version", 1}, {"future", "kept"}};
  remember(s, TriggeredJob{"batch/v1", "Job", "j", "raw/a", "0x1", "t", "t", "Running", ""}, 20);
  remember(s, SetAsideBlob{"b", "0x2", "UnsafeName", "no"});
  EXPECT_EQ(to_json(status_from_json(to_json(s))), to_json(s));
}

TEST(Status, of_the_wrong_shape_reads_as_empty) {
  for (const char* text :
       {"null", "3", "[]", R"({"conditions":"x","lastPoll":[],"triggeredJobs":{"a":1},"active":"many"})",
        R"({"conditions":[1,null]})"}) {
    EXPECT_EQ(to_json(status_from_json(*parse_json(text))), to_json(Status{})) << text;
  }
}

TEST(Status, says_the_same_when_only_times_moved) {
  Status a;
  a.last_poll = LastPoll{5, 4, 0, 20};
  a.last_poll_time = "2026-11-22T05:30:00Z";
  Status b = a;
  b.last_poll_time = b.next_poll_time = "2026-11-22T05:31:00Z";
  b.last_poll->duration_milliseconds = 3;
  EXPECT_TRUE(says_the_same(a, b));
  b.last_poll->listed = 6;
  EXPECT_FALSE(says_the_same(a, b));
}

TEST(Status, keeps_the_newest_jobs_and_each_once) {
  Status s;
  for (int i = 0; i < 30; ++i)
    remember(s, TriggeredJob{"batch/v1", "Job", std::to_string(i), "b", "", "", "", "", ""}, 3);
  remember(s, TriggeredJob{"batch/v1", "Job", "29", "b", "", "", "", "Running", ""}, 3);
  ASSERT_EQ(s.triggered_jobs.size(), 3u);
  EXPECT_EQ(s.triggered_jobs[0].name, "29");
  EXPECT_EQ(s.triggered_jobs[0].phase, "Running");
  EXPECT_EQ(s.triggered_jobs[2].name, "27");
  remember(s, TriggeredJob{}, 0);
  EXPECT_TRUE(s.triggered_jobs.empty());
}

TEST(Status, keeps_the_newest_set_aside_blobs_and_each_once) {
  Status s;
  for (int i = 0; i < 30; ++i) remember(s, SetAsideBlob{std::to_string(i), "0x1", "UnsafeName", "no"});
  remember(s, SetAsideBlob{"28", "0x1", "Rejected", "after a replay"});
  ASSERT_EQ(s.set_aside_blobs.size(), max_set_aside_blobs);
  EXPECT_EQ(s.set_aside_blobs[0].reason, "Rejected");
  EXPECT_EQ(s.set_aside_blobs[1].name, "29");
  EXPECT_EQ(s.set_aside_blobs[2].name, "27");
}

TEST(Conditions, tell_ready_retrying_and_stalled_apart) {
  Status s;
  auto value = [&](std::string_view type) {
    for (auto& c : s.conditions) {
      if (c.type == type) return c.status;
    }
    return std::string("absent");
  };
  set_conditions(s, verdict_of({ErrorKind::NotFound, Reason::SecretNotFound, "m"}), 1, at(1));
  EXPECT_EQ(value("Ready") + value("Reconciling") + value("Stalled"), "FalseFalseTrue");
  set_conditions(s, verdict_of({ErrorKind::Throttled, Reason::Throttled, "m"}), 1, at(1));
  EXPECT_EQ(value("Ready") + value("Reconciling") + value("Stalled"), "FalseTrueFalse");
  set_conditions(s, {Health::Ready, Reason::PollSucceeded, "m"}, 1, at(1));
  EXPECT_EQ(value("Ready") + value("Reconciling") + value("Stalled"), "TrueFalseFalse");
  set_conditions(s, {Health::Suspended, Reason::Suspended, "m"}, 1, at(1));
  EXPECT_EQ(value("Ready") + value("Reconciling") + value("Stalled"), "FalseFalseFalse");
}

TEST(Conditions, change_their_transition_time_only_with_their_status) {
  Status s;
  set_conditions(s, {Health::Stalled, Reason::SecretNotFound, "m"}, 1, at(100));
  Status before = s;
  set_conditions(s, {Health::Stalled, Reason::InvalidSecret, "n"}, 2, at(200));
  EXPECT_EQ(ready(s)->last_transition_time, ready(before)->last_transition_time);
  EXPECT_TRUE(turned(before, s)) << "another reason is news";
  set_conditions(s, {Health::Ready, Reason::PollSucceeded, ""}, 2, at(300));
  EXPECT_EQ(ready(s)->last_transition_time, "1970-01-01T00:05:00Z");
}

TEST(Conditions, cut_a_long_message_between_characters) {
  Status s;
  std::string text;
  while (text.size() < 2000) text += "\xC3\xBC";
  set_conditions(s, {Health::Stalled, Reason::InvalidTemplate, text}, 1, at(1));
  EXPECT_LE(ready(s)->message.size(), 1024u);
  EXPECT_EQ(ready(s)->message.substr(ready(s)->message.size() - 5), "\xC3\xBC...");
}

}  // namespace
}  // namespace abo::report
