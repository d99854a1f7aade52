#include "net/curl_lanes.h"

#include <algorithm>
#include <utility>

namespace abo::net {
namespace {

// 64 * 100 = 6,400 requests at once: 64 polls with 16 creates each are 1,024, which leaves room for the watches of 5,000
// namespaces and kinds. Requests beyond that wait inside libcurl.
constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kStreams = 100;

}  // namespace

CurlLanes::CurlLanes(boost::asio::any_io_executor executor, bool http2)
    : executor_(std::move(executor)), http2_(http2) {
  multis_.push_back(std::make_shared<CurlMulti>(executor_, http2_));
}

std::shared_ptr<CurlMulti> CurlLanes::pick() {
  if (!http2_) return multis_.front();
  drop_idle();
  for (const auto& multi : multis_) {
    if (multi->many_connections() || multi->in_flight() < kStreams || multi->closed()) return multi;
  }
  if (multis_.size() == kMostConnections)
    return *std::ranges::min_element(multis_, {}, &CurlMulti::in_flight);
  multis_.push_back(std::make_shared<CurlMulti>(executor_, http2_));
  return multis_.back();
}

// Not the last one with room to spare: or a load about the limit would connect anew all the time. A watch may stay for long
// on any of them.
void CurlLanes::drop_idle() {
  auto spare = std::ranges::count_if(multis_, [](const auto& m) { return m->in_flight() < kStreams / 2; });
  std::erase_if(multis_, [&](const auto& m) { return m->in_flight() == 0 && spare > 1 && spare-- > 1; });
}

void CurlLanes::close() {
  for (const auto& multi : multis_) multi->close();
}

}  // namespace abo::net
