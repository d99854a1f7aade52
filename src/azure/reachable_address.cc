#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "azure/endpoint_policy.h"

namespace abo::azure {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

struct Range4 {
  std::uint32_t first;
  int bits;
};
// RFC 6890 and the clouds' own papers.
constexpr Range4 refused4[] = {
    {0x00000000, 8},   // this network: 0.0.0.0 is the machine itself
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // link-local: 169.254.169.254 is the metadata service of most clouds
    {0xE0000000, 3},   // multicast, reserved, broadcast
    {0xA83F8110, 32},  // 168.63.129.16: Azure's wire server
    {0x646464C8, 32},  // 100.100.100.200: Alibaba's metadata service
    {0xC0000000, 24},  // 192.0.0.0/24: protocol assignments; Oracle's metadata service
};

struct Range6 {
  Bytes first;
  int bits;
};
constexpr Range6 refused6[] = {
    {{0xFE, 0x80}, 10},              // link-local
    {{0xFE, 0xC0}, 10},              // site-local, long given up
    {{0xFF}, 8},                     // multicast
    {{0xFD, 0x00, 0x0E, 0xC2}, 32},  // fd00:ec2::/32: Amazon's metadata service
    {{0xFD, 0x20, 0x00, 0xCE}, 32},  // fd20:ce::/32: Google's
};
// Addresses that stand for an IPv4 one, and where in them it stands.
constexpr struct {
  Range6 range;
  std::size_t at;
} holders[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96}, 12},  // mapped
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96}, 12},        // translated
    {{{}, 96}, 12},                                          // compatible; :: and ::1 are among them
    {{{0x00, 0x64, 0xFF, 0x9B}, 96}, 12},                    // NAT64
    {{{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48}, 12},        // NAT64 of one's own prefix
    {{{0x20, 0x02}, 16}, 2},                                 // 6to4
};

bool within(const Bytes& address, const Range6& range) {
  for (int bit = 0; bit < range.bits; ++bit) {
    auto byte = static_cast<std::size_t>(bit / 8);
    if (((address[byte] ^ range.first[byte]) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

bool may_reach4(std::uint32_t address) {
  for (const Range4& range : refused4) {
    if ((address ^ range.first) >> (32 - range.bits) == 0) return false;
  }
  return true;
}

bool may_reach6(const Bytes& address) {
  for (const Range6& range : refused6) {
    if (within(address, range)) return false;
  }
  for (const auto& holder : holders) {
    if (!within(address, holder.range)) continue;
    std::uint32_t held = 0;
    for (std::size_t i = 0; i < 4; ++i) held = held << 8 | address[holder.at + i];
    if (!may_reach4(held)) return false;
  }
  return true;
}

}  // namespace

bool may_reach(std::string_view address) {
  std::string text(address);
  in_addr v4;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return may_reach4(ntohl(v4.s_addr));
  in6_addr v6;
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  Bytes bytes;
  std::memcpy(bytes.data(), &v6, bytes.size());
  return may_reach6(bytes);
}

}  // namespace abo::azure
