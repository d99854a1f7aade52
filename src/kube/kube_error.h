// What the API server's refusals mean: HTTP status and the Status object of the body in, an Error out. Pure.
// Follows the API conventions ("Response Status Kind") and the texts of kube-apiserver's admission plugins,
// which give quota, terminating namespaces and webhooks no code of their own.
//
// Unauthenticated:
//   ApiServerUnavailable: 401, the operator's own credential and nothing that a watcher's owner can mend.
// Forbidden:
//   Forbidden: 403 by RBAC.
//   QuotaExceeded: 403 "exceeded quota".
//   NamespaceTerminating: 403 "... because it is being terminated".
//   AdmissionDenied: a webhook or policy said no, with whatever code it chose but 400 and 422.
// Invalid:
//   AdmissionDenied: the same with 400 or 422.
//   Rejected: 400, 405, 406, 415, 422 and any other 4xx.
// NotFound:
//   NamespaceTerminating: 404 of the namespace itself.
//   KindNotFound: 404 otherwise, of the object or the whole kind.
// AlreadyExists, NameConflict: 409 with reason AlreadyExists ("object is being deleted" included).
// Conflict, ApiServerUnavailable: 409 otherwise, a newer resourceVersion or a failed precondition.
// Gone, ApiServerUnavailable: 410.
// TooLarge, Rejected: 413.
// Throttled, ApiServerUnavailable: 429, and 409 of the quota's own bookkeeping. Surely nothing was done.
// UnknownOutcome:
//   AdmissionDenied: 500 "failed calling webhook".
//   ApiServerUnavailable: 5xx otherwise; also 503 with Retry-After, which a proxy may say of what was carried out.
//   InvalidResponse: 1xx and 3xx, whoever answers is no API server.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "net/http.h"

namespace abo::kube {

// For any answer that is not 2xx. `now` is what an HTTP-date in Retry-After is measured against.
[[nodiscard]] Error error_of(const net::Response& response, ServiceTime now);

// For a Status object that came another way: the object of a watch's ERROR event.
[[nodiscard]] Error error_of_status(int http_status, const json::object& status);

}  // namespace abo::kube
