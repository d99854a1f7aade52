#include "controllers/replay_request.h"

#include <gtest/gtest.h>

#include "checkpoint/replay.h"

namespace abo::controllers {
namespace {

json::object annotated(json::value value) {
  return {{"metadata", {{"annotations", {{replay_annotation, std::move(value)}}}}}};
}

TEST(ReplayRequest, is_one_time_however_it_is_written) {
  auto noon = parse_rfc3339("2026-01-31T12:00:00Z");
  for (const char* text : {"2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31t12:00:00.000z",
                           "2026-01-31 12:00:00Z"})
    EXPECT_EQ(replay_since(text), noon) << text;
}

TEST(ReplayRequest, of_a_fraction_of_a_second_begins_with_the_next_one) {
  auto next = parse_rfc3339("2026-01-31T12:00:01Z");
  for (const char* text : {"2026-01-31T12:00:00.5Z", "2026-01-31T13:00:00.000001+01:00"})
    EXPECT_EQ(replay_since(text), next) << text;
}

TEST(ReplayRequest, that_is_no_time_is_told_and_asks_for_nothing) {
  checkpoint::Checkpoint c;
  for (const std::string& text : std::vector<std::string>{
           "yesterday", "2026-01-31", "2026-01-31T12:00:00", "1769860800", "2026-02-30T00:00:00Z",
           "2026-01-31T12:00:00." + std::string(300, '0') + "Z", " ", "9999-12-31T23:59:59.9999999Z"}) {
    EXPECT_FALSE(replay_due(c, text)) << text;
    EXPECT_NE(replay_warning(c, text).find("RFC 3339"), std::string::npos) << text;
  }
}

TEST(ReplayRequest, of_the_last_second_there_is_leaves_a_checkpoint_that_can_be_read) {
  auto due = replay_due({}, "9999-12-31T23:59:59Z");
  ASSERT_TRUE(due);
  checkpoint::Checkpoint c;
  c.source = "https://acct.blob.core.windows.net/data";
  EXPECT_TRUE(checkpoint::from_json(checkpoint::to_json(*checkpoint::replay(c, *due))));
}

TEST(ReplayRequest, is_due_until_the_checkpoint_remembers_it) {
  checkpoint::Checkpoint c;
  std::string_view text = "2026-01-31T12:00:00Z";
  auto due = replay_due(c, text);
  ASSERT_TRUE(due);
  c = *checkpoint::replay(c, *due);
  EXPECT_FALSE(replay_due(c, text));
  EXPECT_FALSE(replay_due(c, "2026-01-31T13:00:00+01:00"));
  EXPECT_EQ(replay_warning(c, text), "");
  EXPECT_TRUE(replay_due(c, "2026-01-31T12:00:01Z"));
}

TEST(ReplayRequest, for_which_there_is_no_room_is_told) {
  checkpoint::Checkpoint c;
  for (int i = 0; i < 16; ++i)
    c = *checkpoint::replay(c, *parse_rfc3339("2026-01-31T12:00:00Z") + std::chrono::hours{i});
  EXPECT_NE(replay_warning(c, "2027-01-31T12:00:00Z").find("waits"), std::string::npos);
}

TEST(ReplayRequest, is_read_from_the_annotation) {
  EXPECT_EQ(replay_wish(annotated("2026-01-31T12:00:00Z")), "2026-01-31T12:00:00Z");
  EXPECT_EQ(replay_wish(annotated(7)), "");
  EXPECT_EQ(replay_wish({}), "");
  EXPECT_LT(replay_wish(annotated(json::string(100'000, '1'))).size(), 100u) << "each watcher's is kept";
}

}  // namespace
}  // namespace abo::controllers
