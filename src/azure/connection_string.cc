#include "azure/connection_string.h"

#include <fmt/format.h>

#include <map>

namespace abo::azure {
namespace {

// Azurite's public account: no secret, the same on every machine.
constexpr std::string_view development_account = "devstoreaccount1";
constexpr std::string_view development_key =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
constexpr std::string_view development_endpoint = "http://127.0.0.1:10000/devstoreaccount1";

using Settings = std::map<std::string, std::string, std::less<>>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

std::unexpected<Error> invalid(std::string_view what, std::string_view complaint) {
  return fail(
      ErrorKind::Invalid, Reason::InvalidSecret,
      fmt::format(
          "{} {}; copy it as the portal's \"Access keys\" or `az storage account show-connection-string` "
          "gives it",
          what, complaint));
}

// Values may hold '=' (keys end in it), so only the first one divides.
Result<Settings> split(std::string_view text, std::string_view what) {
  Settings settings;
  while (!text.empty()) {
    std::string_view part = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    part = trimmed(part);
    if (part.empty()) continue;
    std::size_t equals = part.find('=');
    if (equals == part.npos || equals == 0) return invalid(what, "holds a part that is not Key=value");
    bool added =
        settings.emplace(lower(trimmed(part.substr(0, equals))), trimmed(part.substr(equals + 1))).second;
    if (!added) return invalid(what, "holds the same key twice");
  }
  return settings;
}

std::string setting(const Settings& settings, std::string_view key) {
  auto found = settings.find(key);
  return found == settings.end() ? std::string{} : found->second;
}

std::string default_endpoint(const Settings& settings, std::string_view account) {
  std::string protocol = setting(settings, "defaultendpointsprotocol"),
              suffix = setting(settings, "endpointsuffix");
  return fmt::format("{}://{}.blob.{}", protocol.empty() ? "https" : protocol, account,
                     suffix.empty() ? "core.windows.net" : suffix);
}

}  // namespace

Result<ConnectionString> parse_connection_string(const Secret& text, std::string_view what) {
  auto settings = split(text.reveal(), what);
  if (!settings) return pass(settings);
  if (lower(setting(*settings, "usedevelopmentstorage")) == "true") {
    return ConnectionString{std::string(development_account),
                            std::string(development_endpoint),
                            Secret(std::string(development_key)),
                            {}};
  }
  ConnectionString result;
  result.account = setting(*settings, "accountname");
  result.endpoint = setting(*settings, "blobendpoint");
  if (result.endpoint.empty()) {
    if (result.account.empty()) return invalid(what, "has neither AccountName nor BlobEndpoint");
    result.endpoint = default_endpoint(*settings, result.account);
  }
  std::string key = setting(*settings, "accountkey"), sas = setting(*settings, "sharedaccesssignature");
  if (!key.empty() && !sas.empty()) return invalid(what, "has both AccountKey and SharedAccessSignature");
  if (key.empty() && sas.empty()) return invalid(what, "has neither AccountKey nor SharedAccessSignature");
  result.account_key = Secret(std::move(key));
  result.sas = Secret(std::move(sas));
  return result;
}

}  // namespace abo::azure
