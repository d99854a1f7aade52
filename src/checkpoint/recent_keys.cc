#include "checkpoint/recent_keys.h"

#include <algorithm>

#include "base/base64.h"

namespace abo::checkpoint {
namespace {

constexpr std::size_t record_size = 12;

std::uint32_t seconds_of(ServiceTime time) {
  auto count = time.time_since_epoch().count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, UINT32_MAX));
}

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

void RecentKeys::insert(std::uint64_t key, ServiceTime last_modified) {
  Entry entry{key, seconds_of(last_modified)};
  auto at = std::ranges::lower_bound(entries_, key, {}, &Entry::key);
  if (at != entries_.end() && at->key == key) return;
  entries_.insert(at, entry);
  oldest_ = std::min(oldest_, entry.seconds);
  newest_ = std::max(newest_, entry.seconds);
}

bool RecentKeys::contains(std::uint64_t key) const {
  return std::ranges::binary_search(entries_, key, {}, &Entry::key);
}

bool RecentKeys::surely_without(ServiceTime last_modified) const {
  auto seconds = seconds_of(last_modified);
  return seconds < oldest_ || seconds > newest_;
}

void RecentKeys::drop_passed(const Position& cursor) {
  auto limit = seconds_of(cursor.last_modified);
  std::erase_if(entries_, [limit](const Entry& entry) { return entry.seconds < limit; });
  update_bounds();
}

void RecentKeys::drop_from(ServiceTime since) {
  auto limit = seconds_of(since);
  std::erase_if(entries_, [limit](const Entry& entry) { return entry.seconds >= limit; });
  update_bounds();
}

void RecentKeys::update_bounds() {
  oldest_ = UINT32_MAX;
  newest_ = 0;
  for (const Entry& entry : entries_) {
    oldest_ = std::min(oldest_, entry.seconds);
    newest_ = std::max(newest_, entry.seconds);
  }
}

std::string RecentKeys::encode() const {
  std::string bytes;
  bytes.reserve(entries_.size() * record_size);
  for (const Entry& entry : entries_) {
    append_big_endian(bytes, entry.key, 8);
    append_big_endian(bytes, entry.seconds, 4);
  }
  return base64_encode(bytes);
}

Result<RecentKeys> RecentKeys::decode(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes || bytes->size() % record_size != 0) {
    return fail(ErrorKind::Invalid, Reason::InvalidCheckpoint, "status.checkpoint.recent is damaged");
  }
  RecentKeys keys;
  for (std::string_view rest = *bytes; !rest.empty(); rest.remove_prefix(record_size)) {
    keys.entries_.push_back(
        {read_big_endian(rest.substr(0, 8)), static_cast<std::uint32_t>(read_big_endian(rest.substr(8, 4)))});
  }
  std::ranges::sort(keys.entries_);
  keys.update_bounds();
  return keys;
}

}  // namespace abo::checkpoint
