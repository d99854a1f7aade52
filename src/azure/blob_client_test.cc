#include "azure/blob_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>

namespace abo::azure {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct FakeClock : Clock {
  WallTime wall() const override { return *parse_rfc3339("2026-11-22T05:30:00Z") + elapsed; }
  MonoTime mono() const override { return MonoTime{elapsed}; }
  milliseconds elapsed{0};
};

// Answers requests one after the other from a script and keeps what was asked. A 200's body goes to the sink in small
// pieces, as the real transport does it; an error may come after a part of the body.
struct ScriptedTransport : net::Transport {
  struct Step {
    net::Response response;
    std::optional<Error> error{};
    milliseconds after{0};  // the answer comes
  };

  explicit ScriptedTransport(FakeClock* c = nullptr) : clock(c) {}
  FakeClock* clock;

  Task<Result<net::Response>> send(net::Request request, net::BodySink sink) override {
    requests.push_back(std::move(request));
    if (steps.empty()) co_return fail(ErrorKind::Internal, Reason::Internal, "the script is over");
    Step step = std::move(steps.front());
    steps.pop_front();
    if (clock) clock->elapsed += step.after;
    if (step.response.status == 200 && sink) {
      std::string body = std::exchange(step.response.body, {});
      for (std::size_t at = 0; at < body.size(); at += 100) {
        if (auto taken = sink(std::string_view(body).substr(at, 100)); !taken) co_return pass(taken);
      }
    }
    if (step.error) co_return std::unexpected(*step.error);
    co_return step.response;
  }

  std::deque<Step> steps;
  std::vector<net::Request> requests;
};

std::string page_xml(const std::vector<std::string>& names, std::string_view marker = "") {
  std::string rows;
  for (const auto& name : names) {
    rows += fmt::format(
        "<Blob><Name>{}</Name><Properties><Last-Modified>Sun, 22 Nov 2026 05:00:00 GMT</Last-Modified>"
        "<Etag>0x1</Etag><Content-Length>1</Content-Length></Properties></Blob>",
        name);
  }
  return fmt::format(
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs>{}</Blobs>"
      "<NextMarker>{}</NextMarker></EnumerationResults>",
      rows, marker);
}

std::string_view header(const net::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

class BlobClientTest : public testing::Test {
 protected:
  using Step = ScriptedTransport::Step;

  static Step ok(const std::vector<std::string>& names, std::string_view marker = "",
                 std::string_view date = "Sun, 22 Nov 2026 05:30:01 GMT") {
    return {{200, {{"date", std::string(date)}}, page_xml(names, marker)}};
  }
  static Step status(int code, net::Headers headers = {}, std::string body = "") {
    return {{code, std::move(headers), std::move(body)}};
  }
  static Step lost(ErrorKind kind, std::string part = "") {
    return {{200, {}, std::move(part)}, Error{kind, Reason::EndpointUnreachable, "connection lost"}};
  }

  static Access access() {
    EndpointPolicy policy;
    SecretData data{{"accountKey", Secret("a2V5")}};
    return *resolve_access({"acct", "data", "", data, "creds", policy}, WallTime{});
  }
  static Access sas_access() {
    EndpointPolicy policy;
    SecretData data{{"sasToken", Secret("?sv=2021-12-02&sr=c&sp=rl&sig=hunter2%2B%3D")}};
    return *resolve_access({"acct", "data", "", data, "creds", policy}, WallTime{});
  }

  Result<Listing> list(Access with = access(), std::string prefix = "") {
    options.sleep = [this](milliseconds pause) { return sleep(this, pause); };
    options.observer = [this](std::string_view operation, std::string_view code, bool throttled) {
      observed.push_back(fmt::format("{} {}{}", operation, code, throttled ? " throttled" : ""));
    };
    BlobClient client(transport, clock, options);
    boost::asio::io_context io;
    std::optional<Result<Listing>> result;
    boost::asio::co_spawn(
        io,
        client.list(std::move(with), std::move(prefix),
                    [this](const listing::BlobView& blob) { names.emplace_back(blob.name); }),
        [&](std::exception_ptr problem, Result<Listing> value) {
          if (!problem) result = std::move(value);
        });
    io.run();
    return result.value();
  }
  static Task<void> sleep(BlobClientTest* test, milliseconds pause) {
    test->pauses.push_back(pause);
    test->clock.elapsed += pause;
    co_return;
  }

  Error failure(Access with = access()) {
    auto result = list(std::move(with));
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }

  FakeClock clock;
  ScriptedTransport transport{&clock};
  BlobClientOptions options;
  std::vector<std::string> names, observed;
  std::vector<milliseconds> pauses;
};

TEST_F(BlobClientTest, lists_page_after_page_until_there_is_no_marker) {
  transport.steps = {ok({"a", "b"}, "m&amp;1"), ok({}, "m2", ""), ok({"c"}, "", "")};
  auto listing = list(access(), "raw/ü");
  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(listing->listed, 3);
  EXPECT_EQ(listing->pages, 3);
  EXPECT_EQ(listing->requests, 3);
  EXPECT_EQ(format_rfc3339(listing->service_date), "2026-11-22T05:30:01Z");
  const std::string first =
      "https://acct.blob.core.windows.net/"
      "data?restype=container&comp=list&include=copy%2Cmetadata&maxresults=5000&timeout=30&prefix=raw%2F%C3%"
      "BC";
  ASSERT_EQ(transport.requests.size(), 3u);
  EXPECT_EQ(transport.requests[0].url, first);
  EXPECT_EQ(transport.requests[1].url, first + "&marker=m%261");
  EXPECT_EQ(transport.requests[2].url, first + "&marker=m2");
  EXPECT_THAT(observed, ElementsAre("ListBlobs 200", "ListBlobs 200", "ListBlobs 200"));
}

TEST_F(BlobClientTest, signs_each_request_with_its_own_date) {
  transport.steps = {status(503), ok({"a"})};
  ASSERT_TRUE(list());
  clock.elapsed = 0ms;
  const auto& first = transport.requests[0];
  const auto& second = transport.requests[1];
  EXPECT_EQ(header(first, "x-ms-date"), "Sun, 22 Nov 2026 05:30:00 GMT");
  EXPECT_EQ(header(first, "x-ms-version"), "2021-12-02");
  EXPECT_EQ(header(first, "x-ms-client-request-id"), header(second, "x-ms-client-request-id"));
  EXPECT_EQ(header(first, "x-ms-client-request-id").size(), 36u);
  net::Headers signed_headers(first.headers.begin(), first.headers.end() - 1);
  SignedParts parts{"GET",
                    "/data",
                    {{"restype", "container"},
                     {"comp", "list"},
                     {"include", "copy,metadata"},
                     {"maxresults", "5000"},
                     {"timeout", "30"}},
                    signed_headers};
  EXPECT_EQ(header(first, "Authorization"), authorization({"acct", Secret("key")}, parts));
}

TEST_F(BlobClientTest, new_try_has_a_new_date_and_signature) {
  transport.steps = {status(503, {{"retry-after", "2"}}), ok({"a"})};
  ASSERT_TRUE(list());
  EXPECT_EQ(header(transport.requests[1], "x-ms-date"), "Sun, 22 Nov 2026 05:30:02 GMT");
  EXPECT_NE(header(transport.requests[0], "Authorization"), header(transport.requests[1], "Authorization"));
}

TEST_F(BlobClientTest, sends_a_sas_as_it_is_and_no_signature) {
  transport.steps = {ok({"a"})};
  ASSERT_TRUE(list(sas_access()));
  EXPECT_THAT(transport.requests[0].url,
              testing::EndsWith("&timeout=30&sv=2021-12-02&sr=c&sp=rl&sig=hunter2%2B%3D"));
  EXPECT_EQ(header(transport.requests[0], "Authorization"), "");
  EXPECT_EQ(header(transport.requests[0], "x-ms-version"), "2021-12-02");
}

// A token endpoint beside the blob service: gives "token1", "token2", …
struct Bearers : BlobClientTest {
  ScriptedTransport entra;
  TokenStore tokens{entra, clock, {}};
  Bearers() {
    options.tokens = &tokens;
    for (int i = 1; i <= 9; ++i)
      entra.steps.push_back(
          status(200, {}, fmt::format(R"({{"access_token":"token{}","expires_in":3600}})", i)));
  }
  static Access bearer_access() {
    EndpointPolicy policy;
    SecretData data{{"tenantId", Secret("t.example")},
                    {"clientId", Secret("11111111-2222-3333-4444-555555555555")},
                    {"clientSecret", Secret("hunter2")}};
    return *resolve_access({"acct", "data", "", data, "creds", policy}, WallTime{});
  }
};

TEST_F(Bearers, one_token_is_sent_with_each_page) {
  transport.steps = {ok({"a"}, "m1"), ok({"b"})};
  ASSERT_TRUE(list(bearer_access()));
  ASSERT_EQ(transport.requests.size(), 2u);
  for (const auto& request : transport.requests) {
    EXPECT_EQ(header(request, "Authorization"), "Bearer token1");
    EXPECT_EQ(header(request, "x-ms-version"), "2021-12-02");
  }
  EXPECT_EQ(entra.requests.size(), 1u);
}

TEST_F(Bearers, an_old_token_that_is_refused_is_replaced_and_the_page_asked_for_again) {
  for (auto [code, word] :
       {std::pair{401, "InvalidAuthenticationInfo"}, std::pair{403, "AuthenticationFailed"}}) {
    transport.steps = {ok({"a"})};
    ASSERT_TRUE(list(bearer_access()));
    clock.elapsed += 1min;
    names.clear();
    transport.steps = {ok({"a"}, "m1"), status(code, {{"x-ms-error-code", word}}), ok({"b"})};
    auto listing = list(bearer_access());
    ASSERT_TRUE(listing) << listing.error().message;
    EXPECT_THAT(names, ElementsAre("a", "b"));
    clock.elapsed += 1min;
  }
  EXPECT_EQ(entra.requests.size(), 3u);
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(Bearers, a_new_token_that_is_refused_too_ends_the_listing_and_is_named_in_no_error) {
  transport.steps = {ok({"a"})};
  ASSERT_TRUE(list(bearer_access()));
  clock.elapsed += 1min;
  transport.steps = {status(401), status(401), ok({"b"})};
  Error error = failure(bearer_access());
  EXPECT_EQ(error.reason, Reason::AuthenticationFailed);
  EXPECT_THAT(error.message, HasSubstr("tenant"));
  EXPECT_THAT(error.message, Not(HasSubstr("token2")));
  EXPECT_EQ(entra.requests.size(), 2u);
  EXPECT_EQ(transport.steps.size(), 1u);
}

TEST_F(Bearers, a_listing_without_a_token_ends_with_the_reason_and_asks_the_blob_service_nothing) {
  entra.steps = {status(401, {}, R"({"error":"invalid_client","error_codes":[7000222]})")};
  Error error = failure(bearer_access());
  EXPECT_EQ(error.reason, Reason::AuthenticationFailed);
  EXPECT_THAT(error.message, HasSubstr("has expired"));
  EXPECT_THAT(transport.requests, IsEmpty());
}

TEST_F(Bearers, what_the_identity_may_not_do_asks_for_no_other_token) {
  transport.steps = {ok({"a"})};
  ASSERT_TRUE(list(bearer_access()));
  clock.elapsed += 1min;
  transport.steps = {status(403, {{"x-ms-error-code", "AuthorizationPermissionMismatch"}})};
  Error error = failure(bearer_access());
  EXPECT_EQ(error.reason, Reason::PermissionDenied);
  EXPECT_THAT(error.message, HasSubstr("Storage Blob Data Reader"));
  EXPECT_EQ(entra.requests.size(), 1u);
}

TEST_F(BlobClientTest, repeated_marker_ends_the_listing_with_an_error) {
  transport.steps = {ok({"a"}, "m1"), ok({"b"}, "m2"), ok({"c"}, "m1"), ok({"d"})};
  Error error = failure();
  EXPECT_EQ(error.reason, Reason::InvalidResponse);
  EXPECT_THAT(error.message, HasSubstr("NextMarker"));
  EXPECT_EQ(transport.requests.size(), 3u);
}

TEST_F(BlobClientTest, first_answer_without_a_date_is_an_error) {
  for (std::string_view date : {"", "yesterday"}) {
    transport.steps = {ok({"a"}, "", date)};
    EXPECT_EQ(failure().reason, Reason::InvalidResponse);
  }
}

TEST_F(BlobClientTest, takes_the_date_of_the_try_that_succeeded) {
  transport.steps = {{{500, {{"date", "Sun, 22 Nov 2026 05:00:00 GMT"}}, ""}}, ok({"a"})};
  auto listing = list();
  ASSERT_TRUE(listing);
  EXPECT_EQ(format_rfc3339(listing->service_date), "2026-11-22T05:30:01Z");
}

TEST_F(BlobClientTest, tries_again_what_may_pass) {
  for (int code : {408, 429, 500, 502, 503, 504}) {
    transport.steps = {status(code), ok({"a"})};
    EXPECT_TRUE(list()) << code;
  }
  for (ErrorKind kind : {ErrorKind::Unavailable, ErrorKind::UnknownOutcome}) {
    transport.steps = {lost(kind), ok({"a"})};
    EXPECT_TRUE(list());
  }
  EXPECT_EQ(pauses.size(), 8u);
}

TEST_F(BlobClientTest, does_not_try_again_what_will_not_pass) {
  for (int code : {204, 301, 307, 400, 401, 403, 404, 409, 412, 501, 505}) {
    transport.steps = {status(code), ok({"a"})};
    failure();
    EXPECT_EQ(transport.steps.size(), 1u) << code;
  }
  transport.steps = {lost(ErrorKind::Canceled), ok({"a"})};
  EXPECT_EQ(failure().kind, ErrorKind::Canceled);
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(BlobClientTest, gives_up_after_five_tries_with_growing_waits) {
  for (int i = 0; i < 6; ++i) transport.steps.push_back(status(503, {{"x-ms-error-code", "ServerBusy"}}));
  Error error = failure();
  EXPECT_EQ(error.kind, ErrorKind::Throttled);
  EXPECT_EQ(transport.steps.size(), 1u);
  ASSERT_EQ(pauses.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_LE(pauses[i], 800ms * (1 << i));
  EXPECT_EQ(observed.back(), "ListBlobs 503 throttled");
}

TEST_F(BlobClientTest, says_soon_that_nobody_is_there_but_does_not_give_up_pages_for_it) {
  for (int i = 0; i < 3; ++i) transport.steps.push_back(lost(ErrorKind::Unavailable));
  EXPECT_EQ(failure().kind, ErrorKind::Unavailable);
  EXPECT_EQ(transport.steps.size(), 1u);
  transport.steps = {ok({"a"}, "m")};
  for (int i = 0; i < 4; ++i) transport.steps.push_back(lost(ErrorKind::Unavailable));
  transport.steps.push_back(ok({"b"}));
  EXPECT_TRUE(list());
}

TEST_F(BlobClientTest, says_at_the_first_try_that_the_service_is_silent_but_does_not_give_up_pages_for_it) {
  Step silence = lost(ErrorKind::UnknownOutcome);
  silence.after = 35s;
  Step given_up = status(500, {{"x-ms-error-code", "OperationTimedOut"}});
  given_up.after = 30s;
  for (const Step& step : {silence, given_up}) {
    transport.steps = {step, ok({"a"})};
    EXPECT_NE(failure().message, "");
    EXPECT_EQ(transport.steps.size(), 1u);
  }
  EXPECT_EQ(transport.requests[0].idle_timeout, 35s);
  transport.steps = {ok({"a"}, "m"), silence, silence, silence, silence, ok({"b"})};
  EXPECT_TRUE(list());
}

TEST_F(BlobClientTest, each_page_has_its_own_five_tries) {
  for (int page = 0; page < 3; ++page) {
    for (int i = 0; i < 4; ++i) transport.steps.push_back(status(500));
    transport.steps.push_back(ok({fmt::to_string(page)}, page < 2 ? fmt::format("m{}", page) : ""));
  }
  auto listing = list();
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->requests, 15);
}

TEST_F(BlobClientTest, waits_as_long_as_the_service_wishes) {
  transport.steps = {ok({"a"}, "m"), status(503, {{"retry-after", "7"}}),
                     status(429, {{"x-ms-retry-after-ms", "1500"}}),
                     status(503, {{"retry-after", "Sun, 22 Nov 2026 05:30:18 GMT"}}), ok({"b"})};
  ASSERT_TRUE(list());
  // The clock stands at 05:30:08.5 when the date is read, which counts as :08.
  EXPECT_THAT(pauses, ElementsAre(7000ms, 1500ms, 10000ms));
}

TEST_F(BlobClientTest, longer_wish_than_may_be_waited_is_handed_on) {
  transport.steps = {ok({"a"}, "m"), status(503, {{"retry-after", "61"}})};
  Error error = failure();
  EXPECT_EQ(error.kind, ErrorKind::Throttled);
  EXPECT_EQ(error.retry_after, 61s);
  options.deadline = 20s;
  transport.steps = {ok({"a"}, "m"), status(429, {{"retry-after", "20"}})};
  EXPECT_EQ(failure().retry_after, 20s);
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(BlobClientTest, hands_on_every_wish_but_a_short_one_while_no_page_was_read) {
  transport.steps = {status(503, {{"retry-after", "2"}}), ok({"a"})};
  EXPECT_TRUE(list());
  transport.steps = {status(503, {{"retry-after", "3"}}), ok({"a"})};
  Error error = failure();
  EXPECT_EQ(error.kind, ErrorKind::Throttled);
  EXPECT_EQ(error.retry_after, 3s);
  EXPECT_THAT(pauses, ElementsAre(2000ms));
}

TEST_F(BlobClientTest, ends_with_its_deadline) {
  options.deadline = 30s;
  transport.steps = {ok({"a"}, "m")};
  for (int i = 0; i < 10; ++i) transport.steps.push_back(status(503, {{"retry-after", "9"}}));
  options.retry.tries = 10;
  EXPECT_EQ(failure().kind, ErrorKind::Throttled);
  EXPECT_LT(clock.elapsed, 30s);
  EXPECT_EQ(transport.requests.back().total_timeout, 3s);
}

TEST_F(BlobClientTest, retried_page_is_delivered_again_but_counted_once) {
  std::string xml = page_xml({"a", "b", "c"});
  transport.steps = {lost(ErrorKind::UnknownOutcome, xml.substr(0, xml.find("<Name>c"))),
                     ok({"a", "b", "c"})};
  auto listing = list();
  ASSERT_TRUE(listing);
  EXPECT_EQ(listing->listed, 3);
  EXPECT_THAT(names, ElementsAre("a", "b", "a", "b", "c"));
}

TEST_F(BlobClientTest, refuses_answers_that_are_no_listing) {
  for (std::string body :
       {"", "<!DOCTYPE html><html></html>", "<Error><Code>x</Code></Error>", "<EnumerationResults><Blobs>"}) {
    transport.steps = {{{200, {{"date", "Sun, 22 Nov 2026 05:30:01 GMT"}}, body}}};
    EXPECT_EQ(failure().reason, Reason::InvalidResponse) << body;
    EXPECT_EQ(observed.back(), "ListBlobs 200") << body;
  }
}

TEST_F(BlobClientTest, page_without_end_is_refused) {
  options.max_page_bytes = 1000;
  transport.steps = {ok({"a", "b", "c", "d", "e", "f", "g", "h"})};
  EXPECT_EQ(failure().kind, ErrorKind::TooLarge);
}

TEST_F(BlobClientTest, error_never_holds_the_credential_or_the_query) {
  std::string body =
      "<Error><Code>AuthenticationFailed</Code><Message>Bad signature for "
      "?sv=1&amp;sig=hunter2%2B%3D\nRequestId:1</Message>"
      "<AuthenticationErrorDetail>string to sign: 'rl\\nhunter2'</AuthenticationErrorDetail></Error>";
  for (int code : {400, 401, 403, 404, 409, 500}) {
    transport.steps.assign(5, status(code, {{"x-ms-request-id", "req-1"}}, body));
    Error error = failure(sas_access());
    EXPECT_THAT(error.message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(error.message, Not(HasSubstr("restype")));
    EXPECT_EQ(error.trace, "req-1");
    transport.steps.clear();
  }
}

TEST_F(BlobClientTest, where_a_name_of_azures_leads_is_looked_at_before_anything_is_sent) {
  transport.steps = {ok({"a"})};
  ASSERT_TRUE(list());
  const auto& may_reach = transport.requests.at(0).may_reach;
  ASSERT_TRUE(may_reach);
  EXPECT_TRUE(may_reach("10.0.0.4"));
  EXPECT_FALSE(may_reach("169.254.169.254"));
}

TEST_F(BlobClientTest, a_host_that_the_administrator_named_may_lead_anywhere) {
  auto policy = EndpointPolicy::parse({"https://acct.blob.core.windows.net"});
  SecretData data{{"accountKey", Secret("a2V5")}};
  transport.steps = {ok({"a"})};
  ASSERT_TRUE(list(*resolve_access({"acct", "data", "", data, "creds", *policy}, WallTime{})));
  EXPECT_FALSE(transport.requests.at(0).may_reach);
}

TEST_F(BlobClientTest, a_name_that_leads_to_the_machine_itself_is_not_asked_again_and_the_flag_is_named) {
  transport.steps = {
      {{},
       Error{ErrorKind::Forbidden, Reason::EndpointNotAllowed, "acct leads to ::1, which may not be asked"}}};
  Error error = failure();
  EXPECT_EQ(error.reason, Reason::EndpointNotAllowed);
  EXPECT_EQ(disposition(error), Disposition::StallUntilChanged);
  EXPECT_THAT(error.message, HasSubstr("leads to ::1"));
  EXPECT_THAT(error.message, HasSubstr("--allowed-endpoint https://acct.blob.core.windows.net"));
  EXPECT_EQ(transport.requests.size(), 1U);
}

}  // namespace
}  // namespace abo::azure
