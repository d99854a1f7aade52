// Large listings in parts, against a transport that answers List Blobs of a container held in memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <optional>
#include <set>

#include "azure/blob_client.h"
#include "base/percent_encoding.h"

namespace abo::azure {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;

struct FakeClock : Clock {
  WallTime wall() const override { return *parse_rfc3339("2026-11-22T05:30:00Z") + elapsed; }
  MonoTime mono() const override { return MonoTime{elapsed}; }
  milliseconds elapsed{0};
};

struct Query {
  std::string prefix, delimiter, marker;
  friend bool operator==(const Query&, const Query&) = default;
};

std::string parameter(const std::string& url, std::string_view name) {
  std::string key = fmt::format("&{}=", name);
  std::size_t at = url.find(key);
  if (at == url.npos) return {};
  at += key.size();
  return *percent_decode(std::string_view(url).substr(at, url.find('&', at) - at));
}

// Lists what it holds, a few rows a page. Each answer's Date is a second later than the one before.
struct FakeContainer : net::Transport {
  std::set<std::string> names;
  std::size_t page_size = 10;
  std::vector<Query> asked;
  std::vector<std::size_t> buffers;
  std::optional<Query> broken;  // answered with a 403
  std::optional<Query> circle;  // answered with its own marker
  bool hangs = false;
  bool short_pages = false;  // all but the first
  std::size_t in_flight = 0, most_in_flight = 0;
  std::function<void(const Query&)> before;  // what happens in the container meanwhile

  std::string page(const Query& query) const {
    std::string rows, last_folder;
    std::size_t count = 0;
    std::string marker;
    for (auto at = names.lower_bound(query.prefix); at != names.end() && at->starts_with(query.prefix);
         ++at) {
      std::size_t cut = query.delimiter.empty() ? at->npos : at->find(query.delimiter, query.prefix.size());
      std::string folder = cut == at->npos ? "" : at->substr(0, cut + 1);
      const std::string& row = folder.empty() ? *at : folder;
      if (row < query.marker || (!folder.empty() && folder == last_folder)) continue;
      if (count++ == (short_pages && !query.marker.empty() ? page_size / 2 : page_size)) {
        marker = row;
        break;
      }
      last_folder = folder;
      if (!folder.empty()) {
        rows += fmt::format("<BlobPrefix><Name>{}</Name></BlobPrefix>", folder);
      } else {
        rows += fmt::format(
            "<Blob><Name>{}</Name><Properties><Last-Modified>Sun, 22 Nov 2026 05:00:00 GMT</Last-Modified>"
            "<Etag>0x1</Etag><Content-Length>1</Content-Length></Properties></Blob>",
            row);
      }
    }
    if (circle == query) marker = query.marker;
    return fmt::format(
        "<EnumerationResults><Blobs>{}</Blobs><NextMarker>{}</NextMarker></EnumerationResults>", rows,
        marker);
  }

  Task<Result<net::Response>> send(net::Request request, net::BodySink sink) override {
    Query query{parameter(request.url, "prefix"), parameter(request.url, "delimiter"),
                parameter(request.url, "marker")};
    asked.push_back(query);
    buffers.push_back(request.receive_buffer);
    most_in_flight = std::max(most_in_flight, ++in_flight);
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, hangs ? 1h : 100us);
    boost::system::error_code problem;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, problem));
    --in_flight;
    if (problem) co_return fail(ErrorKind::Canceled, Reason::Canceled, "given up");
    if (before) before(query);
    auto date = *parse_rfc3339("2026-11-22T05:30:00Z") + std::chrono::seconds{asked.size()};
    net::Response response{
        200, {{"date", format_rfc1123(std::chrono::floor<std::chrono::seconds>(date))}}, {}};
    if (broken == query) {
      response.status = 403;
      response.body = "<Error><Code>AuthorizationFailure</Code></Error>";
      co_return response;
    }
    if (auto taken = sink(page(query)); !taken) co_return pass(taken);
    co_return response;
  }
};

class SplitListing : public testing::Test {
 protected:
  SplitListing() {
    options.page_size = 10;
    options.sleep = [](milliseconds) -> Task<void> { co_return; };
  }

  void fill(int folders, int each) {
    for (int folder = 0; folder < folders; ++folder) {
      for (int i = 0; i < each; ++i)
        container.names.insert(fmt::format("raw/day-{:02}/{:03}.csv", folder, i));
    }
  }

  static Access access() {
    EndpointPolicy policy;
    SecretData data{{"accountKey", Secret("a2V5")}};
    return *resolve_access({"acct", "data", "", data, "creds", policy}, WallTime{});
  }

  // As the controller lists: anew, as often as it is told to.
  Result<Listing> list(const std::string& prefix = "") {
    container.most_in_flight = 0;
    calls = 0;
    for (begun = 1;; ++begun) {
      auto listed = list_once(prefix);
      calls += container.asked.size();
      if (!listed || !listed->begin_again) return listed;
    }
  }

  Result<Listing> list_once(std::string prefix = "") {
    BlobClient client(container, clock, options);
    boost::asio::io_context io;
    std::optional<Result<Listing>> result;
    container.asked.clear();
    container.buffers.clear();
    seen.clear();
    auto sink = [this](const listing::BlobView& blob) { ++seen[std::string(blob.name)]; };
    boost::asio::co_spawn(io, client.list(access(), std::move(prefix), sink, &shape),
                          [&](std::exception_ptr problem, Result<Listing> value) {
                            if (!problem) result = std::move(value);
                          });
    io.run();
    return result.value();
  }

  void expect_each_once() const {
    EXPECT_EQ(seen.size(), container.names.size());
    for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
  }

  FakeClock clock;
  FakeContainer container;
  BlobClientOptions options;
  ContainerShape shape;
  std::map<std::string, int> seen;
  int begun = 0;          // how often list() began
  std::size_t calls = 0;  // what all of it cost
};

TEST_F(SplitListing, begins_as_soon_as_a_container_turns_out_large) {
  fill(20, 50);
  auto first = list();
  ASSERT_TRUE(first);
  EXPECT_EQ(begun, 2);
  EXPECT_EQ(first->listed, 1000);
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, lists_in_flight);
  EXPECT_LE(calls,
            ContainerShape::large_pages + 2U + 100U + 32U);  // read in vain, looked into, pages, parts' ends
}

TEST_F(SplitListing, of_a_container_that_is_known_costs_at_most_a_quarter_more) {
  fill(20, 50);
  ASSERT_TRUE(list());
  auto second = list();
  ASSERT_TRUE(second);
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(second->listed, 1000);
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, lists_in_flight);
  EXPECT_LE(second->requests, 125);
}

TEST_F(SplitListing, looks_for_folders_as_deep_as_they_lie) {
  for (int i = 0; i < 1000; ++i)
    container.names.insert(fmt::format("lake/raw/{}/part-{}/{:03}.csv", i % 2, i % 10, i));
  auto listed = list();
  ASSERT_TRUE(listed);
  EXPECT_EQ(begun, 2);
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, lists_in_flight);
}

TEST_F(SplitListing, goes_on_in_one_where_there_are_no_folders) {
  for (int i = 0; i < 1000; ++i) container.names.insert(fmt::format("{:04}.csv", i));
  container.names.insert("0500/a.csv");  // one that says nothing
  auto listed = list();
  ASSERT_TRUE(listed);
  EXPECT_EQ(begun, 1);
  EXPECT_EQ(listed->listed, 1001);
  expect_each_once();
  EXPECT_EQ(calls, 101U + 1U);
  EXPECT_EQ(container.most_in_flight, 1U);
}

TEST_F(SplitListing, looks_into_few_folders_however_they_are_nested) {
  std::string deep;
  for (int i = 0; i < 60; ++i) deep += "d/";
  for (int i = 0; i < 200; ++i) container.names.insert(fmt::format("{}{:03}.csv", deep, i));
  ASSERT_TRUE(list());
  EXPECT_EQ(begun, 1);
  expect_each_once();
  EXPECT_LE(calls, 20U + 16U);
}

TEST_F(SplitListing, of_a_smaller_container_is_not_thought_of) {
  fill(11, 10);
  ASSERT_TRUE(list());
  EXPECT_EQ(calls, 11U);
  EXPECT_EQ(container.most_in_flight, 1U);
}

// By what they hold, not by their number: else it would begin anew at each poll.
TEST_F(SplitListing, of_many_short_pages_is_not_thought_of) {
  fill(20, 5);
  container.short_pages = true;
  ASSERT_TRUE(list());
  EXPECT_EQ(begun, 1);
  EXPECT_GT(calls, 12U);
  EXPECT_FALSE(shape.is_large());
}

TEST_F(SplitListing, fails_when_the_folders_cannot_be_looked_into) {
  fill(20, 50);
  container.broken = Query{"raw/", "/", ""};
  auto failed = list();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, Reason::AuthenticationFailed);
  EXPECT_FALSE(shape.is_new());
}

TEST_F(SplitListing, takes_the_date_of_the_very_first_answer) {
  fill(20, 50);
  ASSERT_TRUE(list());
  auto second = list();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->service_date, *parse_rfc3339("2026-11-22T05:30:01Z"));
  EXPECT_EQ(container.asked.front(), (Query{"", "/", ""}));
}

TEST_F(SplitListing, shows_what_was_there_at_its_date_whatever_is_written_meanwhile) {
  fill(20, 50);
  ASSERT_TRUE(list());
  auto there = container.names;
  int written = 0;
  container.before = [&](const Query&) {
    if (written == 0) there = container.names;  // the first answer, whose Date counts, is made now
    ++written;
    container.names.insert(fmt::format("raw/day-{:02}/new-{}.csv", written % 20, written));
    container.names.insert(fmt::format("raw/new-{}/x.csv", written));
    container.names.insert(fmt::format("new-{}.csv", written));
  };
  ASSERT_TRUE(list());
  for (const std::string& name : there) EXPECT_TRUE(seen.contains(name)) << name;
}

TEST_F(SplitListing, finds_folders_that_no_earlier_listing_knew) {
  fill(20, 50);
  ASSERT_TRUE(list());
  container.names.insert({"a.csv", "raw/z.csv", "raw/day-07x/1.csv", "other/deep/er/1.csv", "zzz/1.csv"});
  ASSERT_TRUE(list());
  expect_each_once();
}

TEST_F(SplitListing, of_a_flat_container_costs_not_one_call_more) {
  for (int i = 0; i < 1000; ++i) container.names.insert(fmt::format("raw/2026/{:04}.csv", i));
  ASSERT_TRUE(list());
  EXPECT_EQ(calls, 100U + 3U);  // at first: are there folders in the root, in raw/, in raw/2026/?
  for (int i = 0; i < 3; ++i) EXPECT_EQ(list()->requests, 100);
}

TEST_F(SplitListing, that_does_not_pay_begins_anew_in_one_and_is_not_tried_again) {
  fill(20, 50);
  ASSERT_TRUE(list());
  // The folders that the samples know are few, but now there are thousands, with long names.
  for (int i = 0; i < 3000; ++i) container.names.insert(fmt::format("{:0>200}/x.csv", i));
  ASSERT_TRUE(list());
  EXPECT_EQ(begun, 2);
  expect_each_once();
  ASSERT_TRUE(list());
  EXPECT_EQ(begun, 1);
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, 1U);
}

TEST_F(SplitListing, fails_as_a_whole_when_one_part_does) {
  fill(20, 50);
  ASSERT_TRUE(list());
  ASSERT_TRUE(list());
  Query last = container.asked.back();
  container.broken = last;
  auto failed = list();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, Reason::AuthenticationFailed);
  container.broken.reset();
  ASSERT_TRUE(list());
  expect_each_once();
}

TEST_F(SplitListing, ends_when_one_part_runs_in_a_circle) {
  fill(20, 50);
  ASSERT_TRUE(list());
  ASSERT_TRUE(list());
  auto later =
      std::ranges::find_if(container.asked, [](const Query& query) { return !query.marker.empty(); });
  ASSERT_NE(later, container.asked.end());
  container.circle = *later;
  auto failed = list();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("circle"));
}

TEST_F(SplitListing, begins_also_where_the_service_gives_smaller_pages_than_it_is_asked_for) {
  fill(20, 50);
  options.page_size = 5000;
  ASSERT_TRUE(list());
  ASSERT_TRUE(list());
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, lists_in_flight);
}

TEST_F(SplitListing, keeps_to_the_watchers_prefix) {
  fill(20, 50);
  container.names.insert({"a.csv", "sec/ret.csv", "raw/day-19x.csv"});
  ASSERT_TRUE(list("raw/day-1"));
  ASSERT_EQ(seen.size(), 501U);
  ASSERT_TRUE(list("raw/day-1"));
  EXPECT_EQ(seen.size(), 501U);
  EXPECT_GT(container.most_in_flight, 1U);
  std::vector<std::string> prefixes;
  for (const Query& query : container.asked) prefixes.push_back(query.prefix);
  EXPECT_THAT(prefixes, Each(testing::StartsWith("raw/day-1")));
}

TEST_F(SplitListing, shares_one_large_buffer_s_memory_among_its_parts) {
  fill(20, 50);
  ASSERT_TRUE(list_once());
  std::size_t alone = container.buffers.front();
  ASSERT_TRUE(list());
  EXPECT_LE(lists_in_flight * *std::ranges::max_element(container.buffers), 2 * alone);
}

TEST_F(SplitListing, goes_on_in_one_lane_when_others_have_taken_the_rest) {
  fill(20, 50);
  options.extra_lists = 0;
  ASSERT_TRUE(list());
  ASSERT_TRUE(list());
  expect_each_once();
  EXPECT_EQ(container.most_in_flight, 1U);
}

TEST_F(SplitListing, that_is_cancelled_leaves_no_request_behind) {
  fill(20, 50);
  ASSERT_TRUE(list());
  BlobClient client(container, clock, options);
  boost::asio::io_context io;
  boost::asio::cancellation_signal cancel;
  bool ended = false;
  auto sink = [](const listing::BlobView&) {};
  boost::asio::co_spawn(
      io, client.list(access(), "", sink, &shape),
      boost::asio::bind_cancellation_slot(cancel.slot(),
                                          [&](std::exception_ptr, const Result<Listing>&) { ended = true; }));
  container.before = [&](const Query& query) {
    container.hangs = query.prefix == "raw/" && !query.marker.empty();
  };
  while (container.in_flight < lists_in_flight && io.run_one() > 0) {
  }
  ASSERT_EQ(container.in_flight, lists_in_flight);
  cancel.emit(boost::asio::cancellation_type::terminal);
  io.run();
  EXPECT_TRUE(ended);
  EXPECT_EQ(container.in_flight, 0U);
}

}  // namespace
}  // namespace abo::azure
