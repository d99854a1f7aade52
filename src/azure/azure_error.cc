#include "azure/azure_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/base64.h"
#include "base/percent_encoding.h"
#include "base/redact.h"
#include "listing/text_decode.h"

namespace abo::azure {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// The text of the first <name>...</name>; error documents are flat.
std::string element(std::string_view body, std::string_view name) {
  std::string open = fmt::format("<{}>", name), close = fmt::format("</{}>", name);
  std::size_t begin = body.find(open);
  if (begin == body.npos) return {};
  begin += open.size();
  std::size_t end = body.find(close, begin);
  std::string text;
  if (end == body.npos || !listing::decode_entities(body.substr(begin, end - begin), text)) return {};
  return text;
}

// Codes and ids are words; whatever else a server sends does not get into a status.
std::string word(std::string_view text) {
  std::string out(text.substr(0, 64));
  auto strange = [](char c) {
    return !std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.';
  };
  std::erase_if(out, strange);
  return out;
}

// What a service repeats of the credential it was sent is not shown at all, in whatever form.
std::string concealed(std::string text, const std::vector<Secret>& sent) {
  bool repeats = std::ranges::any_of(sent, [&](const Secret& one) { return reveals(text, one.reveal()); });
  return repeats ? std::string{} : text;
}

// From "sig=" (however it is written) to the next space: a signature, and what stands behind it in the query.
void redact(std::string& text) {
  std::string folded = text;
  std::ranges::transform(folded, folded.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::size_t cut = text.npos;
  for (std::string_view mark : {"sig=", "sig%3d", "signature=", "sharedkey ", "bearer ", "accountkey="}) {
    cut = std::min(cut, folded.find(mark));
  }
  if (cut != text.npos) text = text.substr(0, cut) + "(redacted)";
}

// The first line of the service's own message, short, printable, without anything secret.
std::string first_line(std::string message) {
  message.resize(std::min(message.find_first_of("\r\n"), message.size()));
  redact(message);
  if (message.size() > 240) message = message.substr(0, 240) + "...";
  for (char& c : message) c = c >= ' ' && c < 0x7F ? c : '?';
  return message;
}

// As the service wrote it.
std::string written_code(const net::Response& response) {
  std::string code(response.header("x-ms-error-code").substr(0, 256));
  return code.empty() ? element(response.body, "Code").substr(0, 256) : code;
}

struct Meaning {
  ErrorKind kind;
  Reason reason;
  std::string advice;
  std::optional<std::chrono::milliseconds> retry_after{};
};

// Empty when the clocks agree, or when there is nothing to compare with.
std::string clock_skew(const net::Response& response, WallTime now) {
  auto date = parse_rfc1123(response.header("date"));
  if (!date) return {};
  auto skew = std::chrono::duration_cast<seconds>(now - *date).count();
  if (std::abs(skew) <= seconds(minutes{5}).count()) return {};
  return fmt::format(
      "this machine's clock is {} minutes {} the service's; correct it (the service allows 15 minutes)",
      std::abs(skew) / 60, skew > 0 ? "ahead of" : "behind");
}

std::string check_credential(CredentialKind credential) {
  switch (credential) {
    case CredentialKind::Anonymous:
      return "the container is not public; set credentialsSecret";
    case CredentialKind::SharedKey:
      return "the account key was not accepted; was it rotated, and does it belong to this account?";
    case CredentialKind::Sas:
      return "the SAS was not accepted; was the key it is signed with rotated, is it made for this "
             "container, has it begun?";
    case CredentialKind::Bearer:
      return "the token was not accepted; does the account belong to the identity's tenant?";
  }
  return {};
}

Meaning authentication_failed(const net::Response& response, WallTime now, CredentialKind credential) {
  bool sas = credential == CredentialKind::Sas;
  bool signed_here = credential == CredentialKind::SharedKey || credential == CredentialKind::Anonymous;
  if (sas &&
      element(response.body, "AuthenticationErrorDetail").contains("not valid in the specified time frame")) {
    return {ErrorKind::Unauthenticated, Reason::SasExpired,
            "the SAS has expired or has not begun yet; make a new one"};
  }
  std::string skew = signed_here ? clock_skew(response, now) : "";
  return {ErrorKind::Unauthenticated, Reason::AuthenticationFailed,
          skew.empty() ? check_credential(credential) : skew};
}

Meaning denied(std::string advice) {
  return {ErrorKind::Forbidden, Reason::PermissionDenied, std::move(advice)};
}

Meaning forbidden(std::string_view code, const net::Response& response, WallTime now,
                  CredentialKind credential) {
  if (code == "AuthenticationFailed" || code == "InvalidAuthenticationInfo")
    return authentication_failed(response, now, credential);
  bool bearer = credential == CredentialKind::Bearer;
  if (code == "AuthorizationFailure" && bearer)
    return denied("the account's network rules do not admit this address");
  if (code == "AuthorizationFailure") {
    // Azure says so when the network rules refuse the caller, Azurite when the key or SAS is wrong.
    Meaning meaning = authentication_failed(response, now, credential);
    meaning.advice += " (or the account's network rules do not admit this address)";
    return meaning;
  }
  if (code == "AuthorizationPermissionMismatch" && bearer)
    return denied(
        "the identity may not list this container; give it the role Storage Blob Data Reader on it (a new "
        "assignment takes up to ten minutes)");
  if (code == "AuthorizationPermissionMismatch")
    return denied("the credential does not permit listing this container; a SAS needs list (l)");
  if (code == "AuthorizationResourceTypeMismatch")
    return denied("the SAS is not made for containers; it needs srt=co");
  if (code == "AuthorizationServiceMismatch") return denied("the SAS is not made for blobs; it needs ss=b");
  if (code == "AuthorizationProtocolMismatch") return denied("the SAS allows https only");
  if (code == "AuthorizationSourceIPMismatch") return denied("the SAS does not admit this address (sip)");
  if (code == "KeyBasedAuthenticationNotPermitted")
    return denied("the account does not permit account keys; use another credential");
  if (code == "AccountIsDisabled") return denied("the account is disabled");
  return denied("the service refuses it");
}

Meaning conflict(std::string_view code) {
  if (code == "ContainerBeingDeleted") {
    return {ErrorKind::Unavailable, Reason::ContainerNotFound, "the container is being deleted", seconds{30}};
  }
  if (code == "AccountBeingCreated") {
    return {ErrorKind::Unavailable, Reason::ServiceUnavailable, "the account is being created", seconds{30}};
  }
  if (code == "ContainerDisabled") return denied("the container is disabled");
  if (code == "PublicAccessNotPermitted") {
    return {ErrorKind::Unauthenticated, Reason::AuthenticationFailed,
            "the account permits no public access; set credentialsSecret"};
  }
  return {ErrorKind::UnknownOutcome, Reason::ServiceUnavailable, "the service reports a conflict"};
}

Meaning bad_request(std::string_view code) {
  if (code == "OutOfRangeInput" || code == "InvalidResourceName" || code == "InvalidUri") {
    return {ErrorKind::Invalid, Reason::InvalidSpec,
            "the service does not accept containerName or blobPrefix"};
  }
  if (code == "AuthenticationFailed") {
    return {ErrorKind::Unauthenticated, Reason::AuthenticationFailed, "the credential is not well-formed"};
  }
  return {ErrorKind::Invalid, Reason::InvalidResponse, "the service does not understand the request"};
}

// Whoever is refused waits for a person and not for the service: what that person mends must not go unseen for an hour.
std::optional<std::chrono::milliseconds> wished_pause(const net::Response& response, WallTime now) {
  int status = response.status;
  bool may_pass = status == 408 || status == 409 || status == 429 || status >= 500;
  return may_pass ? net::retry_after(response, std::chrono::floor<seconds>(now)) : std::nullopt;
}

Meaning meaning_of(const net::Response& response, std::string_view code, WallTime now,
                   CredentialKind credential) {
  switch (response.status) {
    case 400:
      return bad_request(code);
    case 401:
      if (code == "NoAuthenticationInformation")
        return {ErrorKind::Unauthenticated, Reason::AuthenticationFailed, check_credential(credential)};
      return authentication_failed(response, now, credential);
    case 403:
      return forbidden(code, response, now, credential);
    case 404:
      return {ErrorKind::NotFound, Reason::ContainerNotFound,
              code == "ContainerNotFound"
                  ? "the container does not exist; create it, or, since containerName cannot be changed, "
                    "delete the "
                    "watcher and create it anew"
                  : "there is no such container; check endpoint, and that the credential may see it; if "
                    "containerName or storageAccount is wrong, delete the watcher and create it anew"};
    case 408:
      return {ErrorKind::UnknownOutcome, Reason::ServiceUnavailable, "the service waited too long"};
    case 409:
      return conflict(code);
    case 429:
      return {ErrorKind::Throttled, Reason::Throttled, "the account is asked too often"};
    default:
      break;
  }
  if (code == "ServerBusy" || code == "OperationTimedOut")
    return {ErrorKind::Throttled, Reason::Throttled, "the account is asked too often"};
  if (response.status == 503 && wished_pause(response, now))
    return {ErrorKind::Throttled, Reason::Throttled, "the service wishes to be asked later"};
  if (response.status >= 500)
    return {ErrorKind::UnknownOutcome, Reason::ServiceUnavailable, "the service has a problem of its own"};
  if (response.status >= 300 && response.status < 400) {
    return {ErrorKind::Invalid, Reason::InvalidResponse,
            "redirects are not followed; set endpoint to where the account really is"};
  }
  return {ErrorKind::Invalid, Reason::InvalidResponse,
          "this is no answer of Azure Blob Storage; check endpoint"};
}

}  // namespace

CredentialKind kind_of(const Access& access) {
  if (std::holds_alternative<SharedKey>(access.credential)) return CredentialKind::SharedKey;
  if (std::holds_alternative<Bearer>(access.credential)) return CredentialKind::Bearer;
  return std::holds_alternative<SasToken>(access.credential) ? CredentialKind::Sas
                                                             : CredentialKind::Anonymous;
}

bool refuses_credential(const net::Response& response) {
  return response.status == 401 || (response.status == 403 && error_code(response) == "AuthenticationFailed");
}

bool is_passing(int status) {
  for (int passing : {408, 429, 500, 502, 503, 504}) {
    if (status == passing) return true;
  }
  return false;
}

std::vector<Secret> sent_with(const net::Request& request, const Access& access) {
  std::vector<Secret> sent;
  if (const auto* key = std::get_if<SharedKey>(&access.credential)) {
    sent.push_back(key->key);
    sent.emplace_back(base64_encode(key->key.reveal()));
  }
  for (const auto& [name, value] : request.headers) {
    if (name == "Authorization") sent.emplace_back(value.substr(value.find_last_of(": ") + 1));
  }
  constexpr std::string_view mark = "&sig=";
  if (std::size_t at = request.url.find(mark); at != request.url.npos) {
    std::string raw = request.url.substr(at + mark.size());
    raw.resize(std::min(raw.find('&'), raw.size()));
    sent.emplace_back(percent_decode(raw).value_or(raw));
  }
  return sent;
}

std::string error_code(const net::Response& response) {
  return word(written_code(response));
}

Error error_of(const net::Response& response, WallTime now, CredentialKind credential,
               const std::vector<Secret>& sent) {
  std::string code = word(concealed(written_code(response), sent));
  Meaning meaning = meaning_of(response, code, now, credential);
  std::string text = fmt::format("{} (HTTP {}", meaning.advice, response.status);
  if (!code.empty()) text += fmt::format(" {}", code);
  std::string said = first_line(concealed(element(response.body, "Message").substr(0, 2048), sent));
  if (!said.empty()) text += fmt::format(": {}", said);
  auto wish = wished_pause(response, now);
  return {meaning.kind, meaning.reason, text + ")", wish ? wish : meaning.retry_after,
          word(concealed(std::string(response.header("x-ms-request-id").substr(0, 256)), sent))};
}

}  // namespace abo::azure
