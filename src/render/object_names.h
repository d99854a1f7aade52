// The names that our created objects carry: labels, annotations, finalizer. Part of the API: objects in clusters hold
// them, and exactly-once reads them back. Never change one.
#pragma once

#include <string>
#include <string_view>

namespace abo::render {

inline constexpr std::string_view managed_by_label = "app.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by_value = "azure-blob-operator";
inline constexpr std::string_view watcher_label = "mlops.example.com/watcher";  // watcher_label_value(name)

inline constexpr std::string_view blob_name_annotation = "mlops.example.com/blob-name";
inline constexpr std::string_view blob_url_annotation = "mlops.example.com/blob-url";
inline constexpr std::string_view blob_etag_annotation = "mlops.example.com/blob-etag";
inline constexpr std::string_view blob_last_modified_annotation =
    "mlops.example.com/blob-last-modified";  // RFC 3339
inline constexpr std::string_view trigger_key_annotation =
    "mlops.example.com/trigger-key";  // TriggerKey::hex()
inline constexpr std::string_view watcher_uid_annotation = "mlops.example.com/watcher-uid";

// Holds the object's name until the checkpoint that knows its trigger key is written.
inline constexpr std::string_view recording_finalizer = "mlops.example.com/recording";

// A watcher's name as a label value: itself up to 63 bytes; a longer one is cut and ends in "-" and 8 hex digits of
// its hash. Selectors must use this too.
[[nodiscard]] std::string watcher_label_value(std::string_view watcher_name);

}  // namespace abo::render
