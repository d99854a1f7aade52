// Errors as values. An Error says what happened (kind: what a caller may branch on), why in the users' words
// (reason) and what to do (message). It never holds a credential: whoever makes one from a URL or a header
// redacts first. Exceptions are for bugs alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "base/reason.h"

namespace abo {

// What a caller may branch on. HTTP's 409 is two kinds, since they call for different answers.
enum class ErrorKind : std::uint8_t {
  Invalid,          // the request or the input is wrong and will stay wrong (400, 422, parse errors)
  Unauthenticated,  // 401, bad signature: the credential is wrong or stale
  Forbidden,        // 403
  NotFound,         // 404
  AlreadyExists,    // 409 with Kubernetes' reason AlreadyExists
  Conflict,         // 409 otherwise, 412: our picture of the object is old
  Gone,             // 410: the resourceVersion or continue token has expired; list again
  TooLarge,         // a limit of ours or theirs was passed (413, bodies, depth)
  Throttled,        // 429, 503 ServerBusy
  Unavailable,      // the request surely did nothing: name not resolved, connection refused, TLS not agreed
  UnknownOutcome,   // the request may have been carried out: time-out, connection lost, 5xx
  Canceled,         // we gave up on purpose (shutdown, spec changed)
  Internal,         // a bug of ours, said instead of hidden
};

// What should become of the work that failed.
enum class Disposition : std::uint8_t {
  Retry,              // with backoff; passes by itself
  StallUntilChanged,  // retrying at the usual interval is enough: somebody has to mend something
  Ignore,             // not a failure for the user
};

struct Error {
  ErrorKind kind = ErrorKind::Internal;
  Reason reason = Reason::Internal;
  std::string message;  // one or two sentences: what is wrong, what to do; no secrets
  std::optional<std::chrono::milliseconds> retry_after{};  // the server's own wish, when it had one
  std::string
      trace{};  // the server's request id: for the log, since a condition must not change with every try
};

template <class T>
using Result = std::expected<T, Error>;

// `return fail(ErrorKind::Invalid, Reason::InvalidPattern, "...")` in any function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, Reason reason, std::string message) {
  return std::unexpected(Error{kind, reason, std::move(message), std::nullopt, {}});
}

// Hands an error on: `if (!page) return pass(page);`
template <class T>
[[nodiscard]] std::unexpected<Error> pass(Result<T>& result) {
  return std::unexpected(std::move(result.error()));
}

[[nodiscard]] Disposition disposition(const Error& error);

}  // namespace abo
