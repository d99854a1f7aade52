// What `preview` says must be what a poll would do: the survey against the parts that a poll asks.
#include "cli/preview_survey.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <sstream>

#include "checkpoint/advance.h"
#include "cli/preview_report.h"

namespace abo::cli {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string url = "https://acct.blob.core.windows.net/data";
const std::string uid = "w-1";

ServiceTime at(int second) {
  return ServiceTime{seconds{1'700'000'000 + second}};
}

listing::BlobItem blob(std::string name, int second, std::int64_t size = 10, std::string etag = "0x1") {
  return {.name = std::move(name), .etag = std::move(etag), .last_modified = at(second), .size = size};
}

controllers::PassPlan plan(json::object more = {}) {
  json::object spec{
      {"storageAccount", "acct"},
      {"containerName", "data"},
      {"jobTemplate",
       {{"kind", "Job"},
        {"template", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: 'p-${BLOB_NAME}'}\nspec: {}\n"}}}};
  for (auto& [key, value] : more) spec[key] = value;
  return controllers::PassPlan::make(json::serialize(spec), "ml", controllers::KindPolicy::defaults())
      .value();
}

Survey survey(json::object more = {}, std::optional<checkpoint::Checkpoint> known = {},
              SurveyLimits limits = {}, std::string replay_wish = {}) {
  auto made = plan(std::move(more));
  auto source =
      controllers::source_of(made.spec, azure::container_url("acct", "data", "").value(), {"ml", "w", uid});
  return Survey::make({std::move(made), std::move(source), std::move(known), std::move(replay_wish)}, limits)
      .value();
}

void show(Survey& survey, const std::vector<listing::BlobItem>& page, int date = 1000) {
  for (const auto& one : page) survey.offer(listing::view(one));
  survey.page_done(at(date));
}

std::vector<std::string> lines(Survey survey) {
  std::vector<std::string> out;
  for (const SurveyRow& row : std::move(survey).finish().rows)
    out.push_back(fmt::format("{} {} {}", row.blob.name, to_string(row.outlook), row.name));
  return out;
}

TEST(Survey, names_the_filter_that_rejects_and_what_would_be_created) {
  auto seen = survey(
      {{"blobPattern", "csv$"}, {"blobExcludePattern", "tmp"}, {"minSizeBytes", 5}, {"maxSizeBytes", 50}});
  show(seen, {blob("raw/A b.csv", 1), blob("x.txt", 2), blob("tmp.csv", 3), blob("s.csv", 4, 1),
              blob("l.csv", 5, 51)});
  EXPECT_EQ(seen.listed(), 5);
  EXPECT_EQ(seen.matched(), 1);
  EXPECT_THAT(lines(std::move(seen)),
              ElementsAre("l.csv TooLarge ", "s.csv TooSmall ", "tmp.csv Excluded ",
                          "x.txt PatternDoesNotMatch ", "raw/A b.csv WouldTrigger p-raw-a-b.csv"));
}

TEST(Survey, a_young_blob_waits_by_the_services_clock) {
  auto seen = survey({{"minAgeSeconds", 60}});
  show(seen, {blob("old", 940), blob("young", 941)});
  EXPECT_THAT(lines(std::move(seen)), ElementsAre("young TooYoung ", "old WouldTrigger p-old"));
}

TEST(Survey, a_stored_watchers_checkpoint_says_what_is_done) {
  auto known = checkpoint::begin_with_all(url);
  known.move_cursor(checkpoint::end_of(at(10)));
  known.recent.insert(TriggerKey::of(uid, url, "recent", "0x1").bits(), at(20));
  known.postponed.push_back(
      {.blob = blob("waits", 5), .reason = Reason::QuotaExceeded, .message = "no room"});
  auto seen = survey({}, known);
  show(seen, {blob("before", 10), blob("recent", 20), blob("recent", 20, 10, "0x2"), blob("new", 30),
              blob("waits", 5)});
  EXPECT_EQ(seen.count(Outlook::Handled), 2);
  EXPECT_EQ(seen.count(Outlook::Triggers), 2);
  auto shown = std::move(seen).finish();
  EXPECT_EQ(shown.rows.back().outlook, Outlook::Postponed);
  EXPECT_EQ(shown.rows.back().message, "QuotaExceeded: no room");
}

TEST(Survey, a_checkpoint_of_another_container_says_nothing_about_this_one) {
  auto elsewhere = checkpoint::begin_with_all("https://acct.blob.core.windows.net/other");
  elsewhere.move_cursor(checkpoint::end_of(at(100)));
  auto seen = survey({}, elsewhere);
  show(seen, {blob("a", 1)});
  EXPECT_EQ(seen.count(Outlook::Triggers), 1);
}

TEST(Survey, a_container_that_was_left_is_taken_up_again) {
  auto here = checkpoint::begin_with_all(url);
  here.move_cursor(checkpoint::end_of(at(10)));
  auto elsewhere =
      checkpoint::move_to(here, checkpoint::begin_with_all("https://acct.blob.core.windows.net/other"))
          .value();
  auto seen = survey({}, elsewhere);
  show(seen, {blob("a", 1), blob("b", 11)});
  EXPECT_THAT(lines(std::move(seen)), ElementsAre("b WouldTrigger p-b", "a AlreadyHandled "));
}

TEST(Survey, existing_blobs_are_ignored_when_a_new_watcher_says_so) {
  auto seen = survey({{"existingBlobs", "Ignore"}});
  show(seen, {blob("a", 1)});
  EXPECT_THAT(lines(std::move(seen)), ElementsAre("a Ignored "));
}

TEST(Survey, a_replay_that_was_asked_for_triggers_anew_what_is_that_young) {
  auto known = checkpoint::begin_with_all(url);
  known.move_cursor(checkpoint::end_of(at(100)));
  auto seen = survey({}, known, {}, format_rfc3339(at(10)));
  show(seen, {blob("a", 9), blob("b", 10)});
  EXPECT_EQ(seen.replays_since(), at(10));
  EXPECT_THAT(lines(std::move(seen)), ElementsAre("b WouldTrigger p-b", "a AlreadyHandled "));
  auto ignores = survey({{"existingBlobs", "Ignore"}}, {}, {}, format_rfc3339(at(10)));
  show(ignores, {blob("a", 9), blob("b", 10)});
  EXPECT_THAT(lines(std::move(ignores)), ElementsAre("b WouldTrigger p-b", "a Ignored "));
}

TEST(Survey, more_than_a_thousand_matches_hold_until_somebody_chooses) {
  auto filled = [](json::object more, int count) {
    auto seen = survey(std::move(more));
    std::vector<listing::BlobItem> page;
    for (int i = 0; i < count; ++i) page.push_back(blob(fmt::format("b{}", i), i));
    show(seen, page);
    return seen.holds();
  };
  EXPECT_FALSE(filled({}, 1000));
  EXPECT_TRUE(filled({}, 1001));
  EXPECT_FALSE(filled({{"existingBlobs", "Trigger"}}, 1001));
  EXPECT_FALSE(filled({{"blobPattern", "0$"}}, 1001));
}

TEST(Survey, a_blob_that_cannot_be_rendered_is_set_aside_with_its_reason) {
  auto seen =
      survey({{"jobTemplate",
               {{"kind", "Workflow"},
                {"template",
                 "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: 'p-${BLOB_HASH}'}\n"
                 "spec: {x: '${BLOB_NAME}'}\n"}}}});
  show(seen, {blob("{{=1+1}}", 1)});
  auto shown = std::move(seen).finish();
  ASSERT_EQ(shown.rows.size(), 1u);
  EXPECT_EQ(shown.rows[0].outlook, Outlook::SetAside);
  EXPECT_THAT(shown.rows[0].message, HasSubstr("UnsafeName: "));
}

TEST(Survey, of_two_blobs_with_one_name_the_later_ones_gets_the_hash) {
  auto seen = survey();
  show(seen, {blob("A.csv", 2), blob("a.csv", 1)});
  auto shown = std::move(seen).finish();
  EXPECT_EQ(shown.rows[1].name, "p-a.csv");
  EXPECT_EQ(shown.rows[0].name, "p-a.csv-" + TriggerKey::of(uid, url, "A.csv", "0x1").short_hex());
}

TEST(Survey, a_page_that_failed_halfway_and_came_again_counts_once) {
  auto seen = survey();
  seen.offer(listing::view(blob("a", 1)));
  seen.page_failed();
  show(seen, {blob("a", 1), blob("b", 2)});
  EXPECT_EQ(seen.listed(), 2);
  EXPECT_EQ(std::move(seen).finish().rows.size(), 2u);
}

TEST(Survey, holds_no_more_rows_than_are_shown_and_these_are_the_newest) {
  auto seen = survey({{"blobPattern", "csv$"}}, {}, {.rows = 2, .only = Only::Triggering});
  show(seen, {blob("b.csv", 2), blob("d.csv", 4), blob("e.txt", 5)});
  show(seen, {blob("a.csv", 1), blob("c.csv", 3)});
  auto shown = std::move(seen).finish();
  ASSERT_EQ(shown.rows.size(), 2u);
  EXPECT_EQ(shown.rows[0].blob.name + shown.rows[1].blob.name, "d.csvc.csv");
  EXPECT_EQ(shown.left_out, 2);
}

// The law of this command: it calls a blob triggering when and only when the checkpoint's own selector would take it.
RC_GTEST_PROP(Survey, says_of_every_blob_what_a_pass_would_do, ()) {
  auto some_blob =
      rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 6), rc::gen::inRange(0, 12), rc::gen::inRange(0, 2)),
                   [](const auto& t) {
                     auto [name, second, etag] = t;
                     return blob(fmt::format("b{}", name), second, 10, fmt::format("0x{}-{}", second, etag));
                   });
  auto page = *rc::gen::container<std::vector<listing::BlobItem>>(some_blob);
  auto known = checkpoint::begin_with_all(url);
  known.move_cursor(checkpoint::end_of(at(*rc::gen::inRange(0, 8))));
  for (const auto& done : *rc::gen::container<std::vector<listing::BlobItem>>(some_blob))
    known.mark_done(TriggerKey::of(uid, url, done.name, done.etag), listing::view(done));
  for (const auto& late : *rc::gen::resize(2, rc::gen::container<std::vector<listing::BlobItem>>(some_blob)))
    known.postponed.push_back({.blob = late, .message = "later"});
  int min_age = *rc::gen::inRange(0, 6);

  std::set<std::pair<std::string, std::string>> expected, told;
  checkpoint::CandidateSelector selector(known, {uid, url}, {});
  for (const auto& one : page) selector.offer(listing::view(one));
  checkpoint::Horizon horizon{.service_date = at(12), .min_age = seconds{min_age}};
  for (const auto& candidate : std::move(selector).finish().candidates) {
    if (candidate.blob.last_modified <= horizon.newest_takeable())
      expected.insert({candidate.blob.name, candidate.blob.etag});
  }
  auto seen = survey({{"minAgeSeconds", min_age}}, known, {.rows = 0, .only = Only::Triggering});
  show(seen, page, 12);
  for (const auto& row : std::move(seen).finish().rows) told.insert({row.blob.name, row.blob.etag});
  RC_ASSERT(told == expected);
}

// ---- the report ----

PreviewReport report(int pages = 1) {
  PreviewReport made{.ns = "ml", .name = "w", .credential = "AZURE_STORAGE_KEY", .complete = true};
  made.listing.pages = pages;
  return made;
}

std::string printed(const PreviewReport& report, Survey seen, OutputFormat format = OutputFormat::Table) {
  std::ostringstream out;
  print(report, std::move(seen), format, out);
  return out.str();
}

TEST(PreviewReport, a_month_of_polls_is_calls_times_polls) {
  EXPECT_EQ(calls_per_month(1, seconds{60}), 43'200);
  EXPECT_EQ(calls_per_month(3, seconds{1}), 7'776'000);
}

TEST(PreviewReport, reads_as_a_table_and_a_summary) {
  auto seen = survey({{"blobPattern", "csv$"}});
  show(seen, {blob("raw/a.csv", 0, 5), blob("b.txt", 1, 12345)});
  auto said = report(2);
  said.price_per_10k = 0.5;
  EXPECT_EQ(printed(said, std::move(seen)),
            "BLOB        SIZE  MODIFIED              VERDICT\n"
            "b.txt      12345  2023-11-14T22:13:21Z  rejected: blobPattern\n"
            "raw/a.csv      5  2023-11-14T22:13:20Z  would trigger -> p-raw-a.csv\n"
            "\n"
            "watcher                ml/w, from a file, as if it were new\n"
            "container              https://acct.blob.core.windows.net/data\n"
            "credential             AZURE_STORAGE_KEY\n"
            "listed                 2\n"
            "matched                1\n"
            "would trigger          1\n"
            "rejected: blobPattern  1\n"
            "polling                2 list calls a poll, a poll every 60 s: 86,400 list calls in 30 days, "
            "4.32 at 0.5 "
            "per 10,000\n");
}

TEST(PreviewReport, a_blobs_name_cannot_speak_to_the_terminal) {
  auto seen = survey();
  show(seen, {blob("a\x1b[2J\nb", 1)});
  EXPECT_THAT(printed(report(), std::move(seen)), testing::Not(HasSubstr("\x1b")));
}

TEST(PreviewReport, says_what_the_figures_alone_do_not) {
  auto seen = survey({{"suspend", true}, {"maxActive", 1}, {"maxTriggersPerPoll", 1}});
  show(seen, {blob("a", 1), blob("b", 2)});
  auto said = report(12);
  said.complete = false;
  said.listing.hierarchical = true;
  std::string text = printed(said, std::move(seen));
  for (const char* note : {"suspended", "maxActive", "maxTriggersPerPoll", "in parts",
                           "hierarchical namespace", "not read to its end", "at least 12"})
    EXPECT_THAT(text, HasSubstr(note));
}

TEST(PreviewReport, programs_get_every_verdict_and_the_resource) {
  auto seen = survey({{"blobPattern", "csv$"}}, {}, {.rows = 1});
  show(seen, {blob("a.csv", 2), blob("b.txt", 1)});
  auto object = parse_json(printed(report(), std::move(seen), OutputFormat::Json)).value().as_object();
  EXPECT_EQ(object.at("notShown"), 1);
  EXPECT_EQ(*find(object, {"summary", "verdicts", "PatternDoesNotMatch"}), 1);
  EXPECT_EQ(*find(object, {"polling", "listCallsPerMonth"}), 43'200);
  EXPECT_EQ(object.at("blobs").as_array()[0].at("resource").at("name"), "p-a.csv");
}

}  // namespace
}  // namespace abo::cli
