#include "azure/azure_error.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace abo::azure {
namespace {

using testing::HasSubstr;
using testing::Not;

const WallTime now = *parse_rfc3339("2026-11-22T05:30:00Z");

net::Response answer(int status, std::string_view code, std::string_view detail = "",
                     std::string_view date = "Sun, 22 Nov 2026 05:30:00 GMT") {
  std::string body =
      code.empty()
          ? ""
          : fmt::format(
                "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>Azure "
                "says so.\nRequestId:abc\n"
                "Time:2026</Message><AuthenticationErrorDetail>{}</AuthenticationErrorDetail></Error>",
                code, detail);
  return {status, {{"date", std::string(date)}, {"x-ms-request-id", "11-22"}}, body};
}

struct Row {
  int status;
  const char* code;
  ErrorKind kind;
  Reason reason;
};

TEST(AzureError, means_what_the_table_of_the_protocol_says) {
  using enum ErrorKind;
  for (const Row& row : std::initializer_list<Row>{
           {403, "AuthenticationFailed", Unauthenticated, Reason::AuthenticationFailed},
           {403, "AuthorizationFailure", Unauthenticated, Reason::AuthenticationFailed},
           {401, "NoAuthenticationInformation", Unauthenticated, Reason::AuthenticationFailed},
           {401, "InvalidAuthenticationInfo", Unauthenticated, Reason::AuthenticationFailed},
           {403, "AuthorizationPermissionMismatch", Forbidden, Reason::PermissionDenied},
           {403, "AuthorizationResourceTypeMismatch", Forbidden, Reason::PermissionDenied},
           {403, "AuthorizationServiceMismatch", Forbidden, Reason::PermissionDenied},
           {403, "AuthorizationProtocolMismatch", Forbidden, Reason::PermissionDenied},
           {403, "AuthorizationSourceIPMismatch", Forbidden, Reason::PermissionDenied},
           {403, "KeyBasedAuthenticationNotPermitted", Forbidden, Reason::PermissionDenied},
           {403, "AccountIsDisabled", Forbidden, Reason::PermissionDenied},
           {409, "ContainerDisabled", Forbidden, Reason::PermissionDenied},
           {409, "PublicAccessNotPermitted", Unauthenticated, Reason::AuthenticationFailed},
           {409, "AccountBeingCreated", Unavailable, Reason::ServiceUnavailable},
           {409, "ContainerBeingDeleted", Unavailable, Reason::ContainerNotFound},
           {404, "ContainerNotFound", NotFound, Reason::ContainerNotFound},
           {404, "ResourceNotFound", NotFound, Reason::ContainerNotFound},
           {404, "", NotFound, Reason::ContainerNotFound},
           {400, "InvalidResourceName", Invalid, Reason::InvalidSpec},
           {400, "InvalidHeaderValue", Invalid, Reason::InvalidResponse},
           {400, "", Invalid, Reason::InvalidResponse},
           {429, "", Throttled, Reason::Throttled},
           {503, "ServerBusy", Throttled, Reason::Throttled},
           {500, "OperationTimedOut", Throttled, Reason::Throttled},
           {503, "", UnknownOutcome, Reason::ServiceUnavailable},
           {500, "InternalError", UnknownOutcome, Reason::ServiceUnavailable},
           {408, "", UnknownOutcome, Reason::ServiceUnavailable},
           {302, "", Invalid, Reason::InvalidResponse},
           {204, "", Invalid, Reason::InvalidResponse}}) {
    Error error = error_of(answer(row.status, row.code), now, CredentialKind::SharedKey);
    EXPECT_EQ(error.kind, row.kind) << row.status << " " << row.code;
    EXPECT_EQ(error.reason, row.reason) << row.status << " " << row.code;
    EXPECT_THAT(error.message, HasSubstr(row.code));
    EXPECT_EQ(error.trace, "11-22") << "a condition must not change with every try";
    EXPECT_THAT(error.message, Not(HasSubstr("RequestId")));
  }
}

TEST(AzureError, of_a_service_that_names_a_time_to_wait_is_throttling) {
  net::Response asks = answer(503, "");
  asks.headers.emplace_back("retry-after", "5");
  Error error = error_of(asks, now, CredentialKind::SharedKey);
  EXPECT_EQ(error.kind, ErrorKind::Throttled);
  EXPECT_EQ(error.reason, Reason::Throttled);
  EXPECT_EQ(error.retry_after, std::chrono::seconds{5});
}

TEST(AzureError, names_a_clock_that_is_wrong) {
  auto message = [](std::string_view date, CredentialKind credential) {
    return error_of(answer(403, "AuthenticationFailed", "", date), now, credential).message;
  };
  EXPECT_THAT(message("Sun, 22 Nov 2026 05:00:00 GMT", CredentialKind::SharedKey),
              HasSubstr("clock is 30 minutes ahead of"));
  EXPECT_THAT(message("Sun, 22 Nov 2026 06:00:00 GMT", CredentialKind::SharedKey),
              HasSubstr("clock is 30 minutes behind"));
  EXPECT_THAT(message("Sun, 22 Nov 2026 05:26:00 GMT", CredentialKind::SharedKey), HasSubstr("rotated"));
  EXPECT_THAT(message("", CredentialKind::SharedKey), HasSubstr("rotated"));
}

TEST(AzureError, tells_an_expired_sas_by_the_detail) {
  Error error = error_of(
      answer(403, "AuthenticationFailed", "Signature not valid in the specified time frame: Start [..]"), now,
      CredentialKind::Sas);
  EXPECT_EQ(error.reason, Reason::SasExpired);
  EXPECT_EQ(error_of(answer(403, "AuthenticationFailed", "Signature did not match"), now, CredentialKind::Sas)
                .reason,
            Reason::AuthenticationFailed);
}

TEST(AzureError, is_not_certain_about_the_firewall) {
  Error error = error_of(answer(403, "AuthorizationFailure"), now, CredentialKind::SharedKey);
  EXPECT_THAT(error.message, HasSubstr("rotated"));
  EXPECT_THAT(error.message, HasSubstr("network rules"));
}

TEST(AzureError, of_a_bearer_token_speaks_of_its_identity) {
  auto error = [](int status, std::string_view code) {
    return error_of(answer(status, code), now, CredentialKind::Bearer);
  };
  EXPECT_THAT(error(401, "InvalidAuthenticationInfo").message, HasSubstr("the identity's tenant"));
  EXPECT_EQ(error(403, "AuthorizationFailure").reason, Reason::PermissionDenied);
  EXPECT_THAT(error(403, "AuthorizationFailure").message, HasSubstr("network rules"));
  EXPECT_THAT(error(403, "AuthorizationPermissionMismatch").message, HasSubstr("Storage Blob Data Reader"));
  EXPECT_TRUE(refuses_credential(answer(401, "")));
  EXPECT_TRUE(refuses_credential(answer(403, "AuthenticationFailed")));
  EXPECT_FALSE(refuses_credential(answer(403, "AuthorizationPermissionMismatch")));
}

TEST(AzureError, prefers_the_code_of_the_header) {
  net::Response response = answer(403, "Other");
  response.headers.emplace_back("x-ms-error-code", "AuthenticationFailed");
  EXPECT_EQ(error_code(response), "AuthenticationFailed");
  EXPECT_EQ(error_code(answer(404, "ContainerNotFound")), "ContainerNotFound");
  EXPECT_EQ(error_code({500, {}, "<html>"}), "");
}

TEST(AzureError, keeps_the_services_wish_to_wait) {
  net::Response response = answer(503, "ServerBusy");
  response.headers.emplace_back("retry-after", "12");
  EXPECT_EQ(error_of(response, now, CredentialKind::SharedKey).retry_after, std::chrono::seconds{12});
  EXPECT_EQ(error_of(answer(409, "ContainerBeingDeleted"), now, CredentialKind::SharedKey).retry_after,
            std::chrono::seconds{30});
}

TEST(AzureError, does_not_wait_for_a_service_that_refuses_since_a_person_may_mend_that_at_once) {
  for (int status : {400, 401, 403, 404, 302}) {
    net::Response response = answer(status, "");
    response.headers.emplace_back("retry-after", "3600");
    EXPECT_EQ(error_of(response, now, CredentialKind::SharedKey).retry_after, std::nullopt) << status;
  }
  for (int status : {408, 409, 429, 500, 503}) {
    net::Response response = answer(status, "");
    response.headers.emplace_back("retry-after", "3600");
    EXPECT_EQ(error_of(response, now, CredentialKind::SharedKey).retry_after, std::chrono::hours{1})
        << status;
  }
}

TEST(AzureError, shows_a_short_clean_line_of_the_services_message) {
  for (std::string secret : {"sig=hunter2", "SIG=hunter2", "sig%3Dhunter2", "Signature=hunter2",
                             "SharedKey acct:hunter2", "AccountKey=hunter2"}) {
    net::Response response{
        500, {}, "<Error><Code>InternalError</Code><Message>Before " + secret + " after</Message></Error>"};
    std::string message = error_of(response, now, CredentialKind::Sas).message;
    EXPECT_THAT(message, HasSubstr("Before"));
    EXPECT_THAT(message, Not(HasSubstr("hunter2"))) << secret;
  }
  net::Response strange{500,
                        {{"x-ms-error-code", "A\r\nB<script>"}},
                        "<Error><Message>" + std::string(5000, 'x') + "\x01\xFF</Message></Error>"};
  std::string message = error_of(strange, now, CredentialKind::Sas).message;
  EXPECT_LT(message.size(), 500u);
  EXPECT_THAT(message, HasSubstr("ABscript"));
}

TEST(AzureError, repeats_nothing_of_what_the_request_was_signed_with) {
  net::Request request{.url = "https://a/b?x=1&sig=hunter2%2Bhunter3%2Fhunter4%3D&y=2",
                       .headers = {{"Authorization", "SharedKey acct:aaaabbbbccccddddeeeeffff="}}};
  Access access;
  access.credential = SharedKey{"acct", Secret("kkkkllllmmmmnnnnoooo")};
  auto sent = sent_with(request, access);
  for (std::string quoted : {"hunter2+hunter3/hunter4=", "hunter2%2Bhunter3%2F", "aaaabbbbccccdddd",
                             "bbbbccccdddd", "kkkkllllmmmm", "a2tra2xsbGxt", "bm5ubm9vb28="}) {
    net::Response response = answer(403, "AuthenticationFailed");
    response.body = "<Error><Code>" + quoted + "</Code><Message>it was " + quoted + " that</Message></Error>";
    response.headers = {{"x-ms-request-id", quoted}};
    Error error = error_of(response, now, CredentialKind::Sas, sent);
    EXPECT_THAT(error.message + error.trace, Not(HasSubstr(quoted.substr(0, 6)))) << error.message;
  }
  Error plain = error_of(answer(403, "AuthenticationFailed"), now, CredentialKind::Sas, sent);
  EXPECT_THAT(plain.message, HasSubstr("Azure says so."));
  EXPECT_EQ(plain.trace, "11-22");
}

}  // namespace
}  // namespace abo::azure
