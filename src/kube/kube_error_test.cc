#include "kube/kube_error.h"

#include <gtest/gtest.h>

namespace abo::kube {
namespace {

using namespace std::chrono_literals;

const ServiceTime kNow{std::chrono::seconds{1'795'325'400}};

net::Response answer(int code, std::string_view reason, std::string_view message, json::object details = {}) {
  json::object status{
      {"kind", "Status"}, {"status", "Failure"}, {"code", code}, {"reason", reason}, {"message", message}};
  if (!details.empty()) status["details"] = std::move(details);
  return {code, {}, json::serialize(status)};
}

struct Row {
  const char* law;
  net::Response response;
  ErrorKind kind;
  Reason reason;
};

TEST(KubeError, each_refusal_has_its_meaning) {
  const Row rows[] = {
      {"stale credential", answer(401, "Unauthorized", "Unauthorized"), ErrorKind::Unauthenticated,
       Reason::ApiServerUnavailable},
      {"RBAC", answer(403, "Forbidden", "jobs.batch is forbidden: User \"x\" cannot create resource"),
       ErrorKind::Forbidden, Reason::Forbidden},
      {"quota",
       answer(403, "Forbidden",
              "jobs.batch \"a\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1"),
       ErrorKind::Forbidden, Reason::QuotaExceeded},
      {"terminating by text",
       answer(403, "Forbidden",
              "unable to create new content in namespace ml because it is being terminated"),
       ErrorKind::Forbidden, Reason::NamespaceTerminating},
      {"terminating by cause",
       answer(403, "Forbidden", "no",
              {{"causes", json::array{json::object{{"reason", "NamespaceTerminating"}}}}}),
       ErrorKind::Forbidden, Reason::NamespaceTerminating},
      {"webhook denial",
       answer(403, "Forbidden", "admission webhook \"v.example.com\" denied the request: no"),
       ErrorKind::Forbidden, Reason::AdmissionDenied},
      {"webhook denial without a code of its own",
       answer(400, "BadRequest", "admission webhook \"v\" denied the request: no"), ErrorKind::Invalid,
       Reason::AdmissionDenied},
      {"webhook denial dressed as 500", answer(500, "", "admission webhook \"v\" denied the request: no"),
       ErrorKind::Forbidden, Reason::AdmissionDenied},
      {"policy denial",
       answer(422, "Invalid",
              "jobs.batch \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
              "no"),
       ErrorKind::Invalid, Reason::AdmissionDenied},
      {"webhook down",
       answer(500, "InternalError", "Internal error occurred: failed calling webhook \"v\": refused"),
       ErrorKind::UnknownOutcome, Reason::AdmissionDenied},
      {"invalid", answer(422, "Invalid", "Job.batch \"a\" is invalid: spec"), ErrorKind::Invalid,
       Reason::Rejected},
      {"bad request", answer(400, "BadRequest", "strict decoding error"), ErrorKind::Invalid,
       Reason::Rejected},
      {"object gone",
       answer(404, "NotFound", "jobs.batch \"a\" not found", {{"name", "a"}, {"kind", "jobs"}}),
       ErrorKind::NotFound, Reason::KindNotFound},
      {"namespace gone",
       answer(404, "NotFound", "namespaces \"ml\" not found", {{"name", "ml"}, {"kind", "namespaces"}}),
       ErrorKind::NotFound, Reason::NamespaceTerminating},
      {"kind not served", {404, {}, "404 page not found\n"}, ErrorKind::NotFound, Reason::KindNotFound},
      {"name taken", answer(409, "AlreadyExists", "object is being deleted: jobs.batch \"a\" already exists"),
       ErrorKind::AlreadyExists, Reason::NameConflict},
      {"old resourceVersion", answer(409, "Conflict", "the object has been modified"), ErrorKind::Conflict,
       Reason::ApiServerUnavailable},
      {"quota's own race",
       answer(409, "Conflict", "Operation cannot be fulfilled", {{"kind", "resourcequotas"}}),
       ErrorKind::Throttled, Reason::ApiServerUnavailable},
      {"expired", answer(410, "Expired", "too old resource version"), ErrorKind::Gone,
       Reason::ApiServerUnavailable},
      {"too large", answer(413, "RequestEntityTooLarge", "limit is 3145728"), ErrorKind::TooLarge,
       Reason::Rejected},
      {"throttled", answer(429, "TooManyRequests", "later"), ErrorKind::Throttled,
       Reason::ApiServerUnavailable},
      {"overloaded, with a wish", answer(503, "ServiceUnavailable", "later", {{"retryAfterSeconds", 3}}),
       ErrorKind::UnknownOutcome, Reason::ApiServerUnavailable},
      {"overloaded", {503, {}, "upstream"}, ErrorKind::UnknownOutcome, Reason::ApiServerUnavailable},
      {"etcd", answer(500, "InternalError", "etcdserver: request timed out"), ErrorKind::UnknownOutcome,
       Reason::ApiServerUnavailable},
      {"time-out", answer(504, "Timeout", "request did not complete"), ErrorKind::UnknownOutcome,
       Reason::ApiServerUnavailable},
      {"redirect", {302, {}, ""}, ErrorKind::UnknownOutcome, Reason::InvalidResponse},
  };
  for (const Row& row : rows) {
    Error error = error_of(row.response, kNow);
    EXPECT_EQ(error.kind, row.kind) << row.law;
    EXPECT_EQ(error.reason, row.reason) << row.law << ": " << to_string(error.reason);
    EXPECT_FALSE(error.message.empty()) << row.law;
  }
}

TEST(KubeError, the_wait_comes_from_the_header_or_from_the_status) {
  net::Response header = answer(429, "TooManyRequests", "later");
  header.headers = {{"retry-after", "7"}};
  EXPECT_EQ(error_of(header, kNow).retry_after, 7s);
  EXPECT_EQ(error_of(answer(429, "", "", {{"retryAfterSeconds", 2}}), kNow).retry_after, 2s);
  EXPECT_EQ(error_of(answer(429, "", "", {{"retryAfterSeconds", -2}}), kNow).retry_after, std::nullopt);
  EXPECT_EQ(error_of(answer(500, "", "x"), kNow).retry_after, std::nullopt);
}

TEST(KubeError, an_endless_message_is_cut) {
  EXPECT_LT(error_of({500, {}, std::string(1 << 20, 'y')}, kNow).message.size(), 600U);
}

}  // namespace
}  // namespace abo::kube
