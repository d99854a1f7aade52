#include "base/error.h"

namespace abo {

Disposition disposition(const Error& error) {
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
