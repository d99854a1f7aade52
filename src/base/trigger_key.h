// The identity of one blob version as one watcher sees it: hash of (watcher UID, container URL, blob name,
// ETag), and of the replay that the version is triggered by, if it is by one. Last-Modified is no part of it: it has
// a resolution of one second, so it cannot name a version. A cryptographic hash, since names are chosen by whoever
// may upload and a chosen collision would lose a blob.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace abo {

class TriggerKey {
 public:
  // container_url without credentials, e.g. "https://acct.blob.core.windows.net/data"; etag without quotes; replay: see
  // checkpoint::Replays, "" for a version that is triggered by none.
  static TriggerKey of(std::string_view watcher_uid, std::string_view container_url,
                       std::string_view blob_name, std::string_view etag, std::string_view replay = {});

  // 32 hex digits: the value of the annotation mlops.example.com/trigger-key. Never change the form.
  [[nodiscard]] std::string hex() const;

  // Reads what hex() wrote; nothing for anything else.
  static std::optional<TriggerKey> from_hex(std::string_view text);

  // The first 8 hex digits: ${BLOB_HASH}.
  [[nodiscard]] std::string short_hex() const { return hex().substr(0, 8); }

  // The first 8 bytes, as the checkpoint keeps them.
  [[nodiscard]] std::uint64_t bits() const;

  friend bool operator==(const TriggerKey&, const TriggerKey&) = default;

 private:
  std::array<unsigned char, 16> bytes_{};
};

}  // namespace abo
