#include "base/error.h"

namespace abo {

namespace {

// Refusals that pass although their HTTP status says "forbidden" or "invalid": room is made, a policy is mended.
bool passes_by_itself(const Error& error) {
  return error.reason == Reason::QuotaExceeded || error.reason == Reason::AdmissionDenied;
}

}  // namespace

Disposition disposition(const Error& error) {
  if (passes_by_itself(error)) return Disposition::Retry;
  switch (error.kind) {
    case ErrorKind::Invalid:
    case ErrorKind::Unauthenticated:
    case ErrorKind::Forbidden:
    case ErrorKind::NotFound:
    case ErrorKind::TooLarge:
      return Disposition::StallUntilChanged;
    case ErrorKind::AlreadyExists:
    case ErrorKind::Conflict:
    case ErrorKind::Gone:
    case ErrorKind::Throttled:
    case ErrorKind::Unavailable:
    case ErrorKind::UnknownOutcome:
    case ErrorKind::Internal:
      return Disposition::Retry;
    case ErrorKind::Canceled:
      return Disposition::Ignore;
  }
  return Disposition::Retry;
}

}  // namespace abo
