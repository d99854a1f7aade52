#include "base/trigger_key.h"

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>

namespace abo {

TriggerKey TriggerKey::of(std::string_view watcher_uid, std::string_view container_url,
                          std::string_view blob_name, std::string_view etag, std::string_view replay) {
  std::string text;
  text.reserve(watcher_uid.size() + container_url.size() + blob_name.size() + etag.size() + replay.size() +
               5);
  for (std::string_view part : {watcher_uid, container_url, blob_name, etag}) {
    text += part;
    text += '\0';  // no part can hold a NUL, so the parts cannot run into each other
  }
  if (!replay.empty())
    (text += replay) += '\0';  // without one the key is what it was before there were replays
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  TriggerKey key;
  std::copy_n(digest.begin(), key.bytes_.size(), key.bytes_.begin());
  return key;
}

std::string TriggerKey::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char byte : bytes_) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::optional<TriggerKey> TriggerKey::from_hex(std::string_view text) {
  TriggerKey key;
  if (text.size() != 2 * key.bytes_.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.bytes_.size(); ++i) {
    const char* digits = text.data() + 2 * i;
    auto [end, error] = std::from_chars(digits, digits + 2, key.bytes_[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
  }
  return key;
}

std::uint64_t TriggerKey::bits() const {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes_[i];
  return value;
}

}  // namespace abo
