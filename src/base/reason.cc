#include "base/reason.h"

namespace abo {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::PollSucceeded:
      return "PollSucceeded";
    case Reason::Suspended:
      return "Suspended";
    case Reason::InvalidSpec:
      return "InvalidSpec";
    case Reason::InvalidCheckpoint:
      return "InvalidCheckpoint";
    case Reason::InvalidPattern:
      return "InvalidPattern";
    case Reason::InvalidTemplate:
      return "InvalidTemplate";
    case Reason::KindNotFound:
      return "KindNotFound";
    case Reason::KindNotAllowed:
      return "KindNotAllowed";
    case Reason::TooManyExistingBlobs:
      return "TooManyExistingBlobs";
    case Reason::SecretNotFound:
      return "SecretNotFound";
    case Reason::InvalidSecret:
      return "InvalidSecret";
    case Reason::IdentityNotAllowed:
      return "IdentityNotAllowed";
    case Reason::ServiceAccountNotFound:
      return "ServiceAccountNotFound";
    case Reason::AuthenticationFailed:
      return "AuthenticationFailed";
    case Reason::TokenUnavailable:
      return "TokenUnavailable";
    case Reason::SasExpired:
      return "SasExpired";
    case Reason::PermissionDenied:
      return "PermissionDenied";
    case Reason::ContainerNotFound:
      return "ContainerNotFound";
    case Reason::EndpointNotAllowed:
      return "EndpointNotAllowed";
    case Reason::EndpointUnreachable:
      return "EndpointUnreachable";
    case Reason::Throttled:
      return "Throttled";
    case Reason::ServiceUnavailable:
      return "ServiceUnavailable";
    case Reason::InvalidResponse:
      return "InvalidResponse";
    case Reason::Forbidden:
      return "Forbidden";
    case Reason::QuotaExceeded:
      return "QuotaExceeded";
    case Reason::AdmissionDenied:
      return "AdmissionDenied";
    case Reason::NamespaceTerminating:
      return "NamespaceTerminating";
    case Reason::ApiServerUnavailable:
      return "ApiServerUnavailable";
    case Reason::UnsafeName:
      return "UnsafeName";
    case Reason::TemplateError:
      return "TemplateError";
    case Reason::Rejected:
      return "Rejected";
    case Reason::NameConflict:
      return "NameConflict";
    case Reason::CopyPending:
      return "CopyPending";
    case Reason::Canceled:
      return "Canceled";
    case Reason::Internal:
      return "Internal";
  }
  return "Internal";
}

std::optional<Reason> reason_from_string(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(Reason::Internal); ++i) {
    if (to_string(static_cast<Reason>(i)) == word) return static_cast<Reason>(i);
  }
  return std::nullopt;
}

}  // namespace abo
