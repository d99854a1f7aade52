// Why something is as it is: the closed list of CamelCase words that users meet as condition reasons, as
// Event reasons, as metric labels and in the documentation. One word means one thing everywhere. The words
// are part of the API: add, never rename.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace abo {

enum class Reason : std::uint8_t {
  // What is well.
  PollSucceeded,
  Suspended,

  // The watcher's own text is wrong: nothing helps but editing it.
  InvalidSpec,
  InvalidCheckpoint,
  InvalidPattern,
  InvalidTemplate,
  KindNotFound,
  KindNotAllowed,
  TooManyExistingBlobs,

  // The credential or the place is wrong: heals when the Secret, the container or the network is mended.
  SecretNotFound,
  InvalidSecret,
  IdentityNotAllowed,
  ServiceAccountNotFound,
  AuthenticationFailed,
  TokenUnavailable,
  SasExpired,
  PermissionDenied,
  ContainerNotFound,
  EndpointNotAllowed,
  EndpointUnreachable,

  // The service answers, but not usefully; passes by itself.
  Throttled,
  ServiceUnavailable,
  InvalidResponse,

  // The cluster refuses what we create.
  Forbidden,
  QuotaExceeded,
  AdmissionDenied,
  NamespaceTerminating,
  ApiServerUnavailable,

  // One blob cannot be triggered: it is set aside, or waits in the list of postponed blobs.
  UnsafeName,
  TemplateError,
  Rejected,
  NameConflict,
  CopyPending,

  // Ours.
  Canceled,
  Internal,
};

// The word itself, as users read it: "SecretNotFound".
std::string_view to_string(Reason reason);

// The reason of that word; nothing for a word that is none (a newer version may have written it).
std::optional<Reason> reason_from_string(std::string_view word);

}  // namespace abo
