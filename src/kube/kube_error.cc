#include "kube/kube_error.h"

#include <fmt/format.h>

#include "base/text.h"

namespace abo::kube {
namespace {

struct Meaning {
  ErrorKind kind;
  Reason reason;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Admission answers with whatever code its author chose, so the text decides before the code does.
bool denied_by_admission(std::string_view message) {
  return (contains(message, "admission webhook") && contains(message, "denied the request")) ||
         (contains(message, "admission webhook") && contains(message, "does not support dry run")) ||
         (contains(message, "ValidatingAdmissionPolicy") && contains(message, "denied request")) ||
         contains(message, "violates PodSecurity");
}

bool has_cause(const json::object& status, std::string_view reason) {
  const json::array* causes = find_array(status, {"details", "causes"});
  if (!causes) return false;
  for (const json::value& cause : *causes) {
    if (cause.is_object() && find_string(cause.get_object(), {"reason"}) == reason) return true;
  }
  return false;
}

Meaning meaning_of_403(const json::object& status, std::string_view message) {
  if (contains(message, "exceeded quota")) return {ErrorKind::Forbidden, Reason::QuotaExceeded};
  if (has_cause(status, "NamespaceTerminating") || contains(message, "because it is being terminated")) {
    return {ErrorKind::Forbidden, Reason::NamespaceTerminating};
  }
  return {ErrorKind::Forbidden, Reason::Forbidden};
}

Meaning meaning_of_409(const json::object& status) {
  if (find_string(status, {"reason"}) == "AlreadyExists")
    return {ErrorKind::AlreadyExists, Reason::NameConflict};
  // Many creates at once make the quota controller lose its own races; nothing was created and nothing is
  // old.
  if (find_string(status, {"details", "kind"}) == "resourcequotas") {
    return {ErrorKind::Throttled, Reason::ApiServerUnavailable};
  }
  return {ErrorKind::Conflict, Reason::ApiServerUnavailable};
}

Meaning meaning_of(int code, const json::object& status, std::string_view message) {
  if (denied_by_admission(message)) {
    bool invalid = code == 400 || code == 422;
    return {invalid ? ErrorKind::Invalid : ErrorKind::Forbidden, Reason::AdmissionDenied};
  }
  switch (code) {
    case 401:
      return {ErrorKind::Unauthenticated, Reason::ApiServerUnavailable};
    case 403:
      return meaning_of_403(status, message);
    case 404: {
      bool namespace_gone = find_string(status, {"details", "kind"}) == "namespaces";
      return {ErrorKind::NotFound, namespace_gone ? Reason::NamespaceTerminating : Reason::KindNotFound};
    }
    case 409:
      return meaning_of_409(status);
    case 410:
      return {ErrorKind::Gone, Reason::ApiServerUnavailable};
    case 413:
      return {ErrorKind::TooLarge, Reason::Rejected};
    case 429:
      return {ErrorKind::Throttled, Reason::ApiServerUnavailable};
    default:
      break;
  }
  if (code >= 500) {
    bool webhook = contains(message, "failed calling webhook");
    return {ErrorKind::UnknownOutcome, webhook ? Reason::AdmissionDenied : Reason::ApiServerUnavailable};
  }
  if (code >= 400) return {ErrorKind::Invalid, Reason::Rejected};
  return {ErrorKind::UnknownOutcome, Reason::InvalidResponse};
}

std::string message_of(int code, const json::object& status, std::string_view body) {
  std::string_view message = find_string(status, {"message"});
  if (message.empty()) message = body;
  std::string text = bounded_text(message);
  if (text.empty()) return fmt::format("the API server answered {}", code);
  return text;
}

Error make_error(int code, const json::object& status, std::string_view body,
                 std::optional<std::chrono::milliseconds> wait) {
  std::string message = message_of(code, status, body);
  if (!wait) {
    if (auto seconds = find_int(status, {"details", "retryAfterSeconds"});
        seconds && *seconds > 0 && *seconds < 86400) {
      wait = std::chrono::seconds{*seconds};
    }
  }
  std::string_view judged = find_string(status, {"message"});
  Meaning meaning = meaning_of(code, status, judged.empty() ? body : judged);
  return Error{meaning.kind, meaning.reason, std::move(message), wait};
}

}  // namespace

Error error_of_status(int http_status, const json::object& status) {
  return make_error(http_status, status, {}, std::nullopt);
}

Error error_of(const net::Response& response, ServiceTime now) {
  json::object status;
  if (auto parsed = parse_json(response.body); parsed && parsed->is_object())
    status = std::move(parsed->get_object());
  return make_error(response.status, status, response.body, net::retry_after(response, now));
}

}  // namespace abo::kube
