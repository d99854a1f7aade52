#include "azure/shared_key.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/base64.h"

namespace abo::azure {
namespace {

// The service signs these in this order; Date stays empty since x-ms-date is always sent.
constexpr std::string_view signed_headers[] = {
    "content-encoding",  "content-language", "content-length", "content-md5",         "content-type", "date",
    "if-modified-since", "if-match",         "if-none-match",  "if-unmodified-since", "range"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

}  // namespace

Result<SharedKey> parse_shared_key(std::string_view account, const Secret& base64, std::string_view what) {
  auto bytes = base64_decode(base64.reveal());
  if (!bytes || bytes->empty()) {
    return fail(
        ErrorKind::Invalid, Reason::InvalidSecret,
        fmt::format(
            "{} is not base64; copy the account key as the portal or `az storage account keys list` shows it",
            what));
  }
  return SharedKey{std::string(account), Secret(std::move(*bytes))};
}

std::string string_to_sign(std::string_view account, const SignedParts& parts) {
  net::Headers headers = parts.headers;
  for (auto& [name, value] : headers) name = lower(name);
  std::ranges::sort(headers);
  std::string text = fmt::format("{}\n", parts.method);
  for (std::string_view wanted : signed_headers) {
    auto header = std::ranges::find(headers, wanted, [](const auto& h) { return std::string_view(h.first); });
    bool empty_length = wanted == "content-length" && header != headers.end() && header->second == "0";
    if (header != headers.end() && !empty_length) text += header->second;
    text += '\n';
  }
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) text += fmt::format("{}:{}\n", name, trimmed(value));
  }
  text += fmt::format("/{}{}", account, parts.path);
  auto query = parts.query;
  std::ranges::sort(query);
  for (const auto& [name, value] : query) text += fmt::format("\n{}:{}", lower(name), value);
  return text;
}

std::string sign(const Secret& key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  return base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

std::string authorization(const SharedKey& key, const SignedParts& parts) {
  return fmt::format("SharedKey {}:{}", key.account, sign(key.key, string_to_sign(key.account, parts)));
}

}  // namespace abo::azure
