#include "tests/testing/list_server/synthetic_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/time.h"

namespace abo::testing {
namespace {

constexpr ServiceTime oldest = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};
constexpr std::int64_t seconds_apart = 7;  // about a hundred days of uploads for a million blobs
constexpr std::size_t date_size = std::string_view("Wed, 01 Jan 2020 00:00:00 GMT").size();
constexpr std::size_t index_digits = 9, folder_digits = 4, length_digits = 6, etag_digits = 12;

std::int64_t folder_size(const SyntheticContainer& container) {
  return (container.blobs + container.folders - 1) / container.folders;
}

// One row's text, written once and then only changed where rows differ: the server must be far faster than the client
// that is measured.
class RowText {
 public:
  explicit RowText(const SyntheticContainer& container) : container_(container) {
    text_ = "<Blob><Name>";
    std::string name = synthetic_name(container, 0);
    std::size_t at = text_.size();
    folder_ = container.folders > 0 ? at + name.find("day-") + 4 : 0;
    indices_[0] = at + name.find("part-") + 5;
    text_ += name;
    text_ += "</Name><Properties><Creation-Time>";
    dates_[0] = grow(date_size);
    text_ += "</Creation-Time><Last-Modified>";
    dates_[1] = grow(date_size);
    text_ += "</Last-Modified><Etag>0x8DE";
    etag_ = grow(etag_digits);
    text_ += "</Etag><Content-Length>";
    length_ = grow(length_digits);
    text_ +=
        "</Content-Length><Content-Type>text/csv</Content-Type><Content-Encoding /><Content-Language />"
        "<Content-CRC64 /><Content-MD5>q1B";
    indices_[1] = grow(index_digits);
    text_ +=
        "5Qp8Rm0u1v==</Content-MD5><Cache-Control /><Content-Disposition /><BlobType>BlockBlob</BlobType>"
        "<AccessTier>Hot</AccessTier><AccessTierInferred>true</AccessTierInferred>"
        "<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>"
        "<ServerEncrypted>true</ServerEncrypted></Properties>";
    constexpr std::string_view filler_open = "<Metadata><source>", filler_close = "</source></Metadata>",
                               close = "<OrMetadata /></Blob>";
    std::size_t written = text_.size() + close.size() + filler_open.size() + filler_close.size();
    if (written < container.blob_bytes) {
      text_.append(filler_open).append(container.blob_bytes - written, 'x').append(filler_close);
    }
    text_ += close;
  }

  std::string_view of(std::int64_t index) {
    if (folder_ != 0) put_decimal(folder_, folder_digits, index / folder_size(container_));
    for (std::size_t at : indices_) put_decimal(at, index_digits, index);
    put_dates(oldest + std::chrono::seconds{index * seconds_apart});
    put_hex(etag_, index * 2654435761 % 0xFFFFFFFFFFFF);
    put_decimal(length_, length_digits, 100'000 + index % 100'000);
    return text_;
  }

 private:
  std::size_t grow(std::size_t size) {
    text_.append(size, '0');
    return text_.size() - size;
  }
  void put_decimal(std::size_t at, std::size_t digits, std::int64_t value) {
    for (std::size_t i = digits; i-- > 0; value /= 10) text_[at + i] = static_cast<char>('0' + value % 10);
  }
  void put_hex(std::size_t at, std::int64_t value) {
    for (std::size_t i = etag_digits; i-- > 0; value >>= 4) text_[at + i] = "0123456789ABCDEF"[value & 15];
  }
  void put_dates(ServiceTime time) {
    auto day = std::chrono::floor<std::chrono::days>(time);
    if (day != day_) {
      day_ = day;
      std::string text = format_rfc1123(ServiceTime{day});
      for (std::size_t at : dates_) text_.replace(at, date_size, text);
    }
    std::int64_t seconds = (time - day).count();
    for (std::size_t at : dates_) {
      put_decimal(at + 17, 2, seconds / 3600);
      put_decimal(at + 20, 2, seconds / 60 % 60);
      put_decimal(at + 23, 2, seconds % 60);
    }
  }

  const SyntheticContainer& container_;
  std::string text_;
  std::size_t folder_ = 0, indices_[2] = {}, dates_[2] = {}, etag_ = 0, length_ = 0;
  std::chrono::sys_days day_ = std::chrono::sys_days::min();
};

// The first index from `low` on whose name is greater than every name that begins with `prefix`, or (`beyond` false)
// not less than it.
std::int64_t bound(const SyntheticContainer& container, std::int64_t low, std::string_view prefix,
                   bool beyond) {
  std::int64_t high = container.blobs;
  while (low < high) {
    std::int64_t middle = low + (high - low) / 2;
    std::string name = synthetic_name(container, middle);
    int order = std::string_view(name).substr(0, prefix.size()).compare(prefix);
    if (order < 0 || (beyond && order == 0)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// The folder under the query's prefix that the blob is rolled up into, or "".
std::string rolled_up(const SyntheticQuery& query, const std::string& name) {
  if (query.delimiter.empty()) return {};
  std::size_t at = name.find(query.delimiter, query.prefix.size());
  return at == name.npos ? std::string{} : name.substr(0, at + query.delimiter.size());
}

}  // namespace

std::string synthetic_name(const SyntheticContainer& container, std::int64_t index) {
  if (container.folders == 0) return fmt::format("raw/2020/ingest-eu-west-1/daily/part-{:09}.csv", index);
  return fmt::format("raw/2020/ingest-eu-west-1/day-{:04}/part-{:09}.csv", index / folder_size(container),
                     index);
}

std::string synthetic_page(const SyntheticContainer& container, const SyntheticQuery& query) {
  std::int64_t end = bound(container, 0, query.prefix, true);
  std::int64_t index = std::max(query.first, bound(container, 0, query.prefix, false));
  std::string out =
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
      "ServiceEndpoint=\"https://synthetic.blob.core.windows.net/\" ContainerName=\"data\"><Blobs>";
  auto rows = static_cast<std::size_t>(std::clamp<std::int64_t>(end - index, 0, container.page_size));
  if (query.delimiter.empty()) out.reserve(out.size() + rows * (container.blob_bytes + 64) + 4096);
  RowText row(container);
  for (std::int64_t entries = 0; index < end && entries < container.page_size; ++entries) {
    std::string folder =
        query.delimiter.empty() ? std::string{} : rolled_up(query, synthetic_name(container, index));
    if (folder.empty()) {
      out += row.of(index++);
    } else {
      out += fmt::format("<BlobPrefix><Name>{}</Name></BlobPrefix>", folder);
      index = bound(container, index, folder, true);
    }
  }
  out += "</Blobs>";
  out += index < end ? fmt::format("<NextMarker>row&amp;{}</NextMarker>", index) : "<NextMarker />";
  return out + "</EnumerationResults>";
}

}  // namespace abo::testing
