// One row of a List Blobs answer, as far as this program cares. Two forms: BlobView points into the decoder's buffers
// and lives only during one callback, so that a million rejected blobs cost no allocation; BlobItem owns its text and
// is made only of blobs that matter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace abo::listing {

struct BlobView {
  std::string_view name;  // decoded: XML entities and Encoded="true" undone; UTF-8, never empty
  std::string_view etag;  // without quotes
  ServiceTime last_modified{};
  std::int64_t size = 0;          // bytes
  std::string_view content_type;  // empty when the service gave none
  std::string_view content_md5;   // base64 as given; empty for block-list commits
  bool copy_pending = false;      // the destination exists but is not complete
};

struct BlobItem {
  std::string name;
  std::string etag;
  ServiceTime last_modified{};
  std::int64_t size = 0;
  std::string content_type;
  std::string content_md5;
  bool copy_pending = false;

  friend bool operator==(const BlobItem&, const BlobItem&) = default;
};

[[nodiscard]] inline BlobItem own(const BlobView& view) {
  return {std::string(view.name),         std::string(view.etag),        view.last_modified, view.size,
          std::string(view.content_type), std::string(view.content_md5), view.copy_pending};
}

[[nodiscard]] inline BlobView view(const BlobItem& item) {
  return {item.name,         item.etag,        item.last_modified, item.size,
          item.content_type, item.content_md5, item.copy_pending};
}

}  // namespace abo::listing
