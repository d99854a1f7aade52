#include "tests/testing/list_server/synthetic_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/time.h"

namespace abo::testing {
namespace {

constexpr ServiceTime oldest = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};

void append_row(std::string& out, std::int64_t index, std::size_t bytes) {
  std::size_t begin = out.size();
  // Seven seconds apart: about a hundred days of uploads for a million blobs.
  std::string modified = format_rfc1123(oldest + std::chrono::seconds{index * 7});
  fmt::format_to(
      std::back_inserter(out),
      "<Blob><Name>raw/2020/ingest-eu-west-1/daily/part-{0:09}.csv</Name><Properties><Creation-Time>{1}</"
      "Creation-Time>"
      "<Last-Modified>{1}</Last-Modified><Etag>0x8DE{2:012X}</Etag><Content-Length>{3}</Content-Length>"
      "<Content-Type>text/csv</Content-Type><Content-Encoding /><Content-Language /><Content-CRC64 />"
      "<Content-MD5>q1B{0:09}5Qp8Rm0u1v==</Content-MD5><Cache-Control /><Content-Disposition />"
      "<BlobType>BlockBlob</BlobType><AccessTier>Hot</AccessTier>"
      "<AccessTierInferred>true</AccessTierInferred><LeaseStatus>unlocked</LeaseStatus>"
      "<LeaseState>available</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties>",
      index, modified, index * 2654435761 % 0xFFFFFFFFFFFF, 1000 + index % 100000);
  constexpr std::string_view filler_open = "<Metadata><source>", filler_close = "</source></Metadata>",
                             close = "<OrMetadata /></Blob>";
  std::size_t written = out.size() - begin + close.size(), frame = filler_open.size() + filler_close.size();
  if (written + frame < bytes) {
    out.append(filler_open).append(bytes - written - frame, 'x').append(filler_close);
  }
  out += close;
}

}  // namespace

std::string synthetic_page(const SyntheticContainer& container, std::int64_t first) {
  std::int64_t last = std::min(container.blobs, first + container.page_size);
  std::string out =
      "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
      "ServiceEndpoint=\"https://synthetic.blob.core.windows.net/\" ContainerName=\"data\"><Blobs>";
  out.reserve(out.size() +
              static_cast<std::size_t>(std::max<std::int64_t>(last - first, 0)) * container.blob_bytes +
              4096);
  for (std::int64_t index = first; index < last; ++index) append_row(out, index, container.blob_bytes);
  out += "</Blobs>";
  out += last < container.blobs ? fmt::format("<NextMarker>row&amp;{}</NextMarker>", last) : "<NextMarker />";
  return out + "</EnumerationResults>";
}

}  // namespace abo::testing
