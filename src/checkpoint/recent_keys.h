// The blob versions that were done although the cursor has not passed them: 64 bits of the trigger key and
// the Last-Modified each, so that a key can be dropped as soon as the cursor is beyond its second, and not
// before: a version that vanished and came back (undelete) within the margin is still known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "checkpoint/position.h"

namespace abo::checkpoint {

class RecentKeys {
 public:
  // New work waits when this many keys are held. A sweep may go over it: what exists must be recorded.
  static constexpr std::size_t capacity = 4096;

  void insert(std::uint64_t key, ServiceTime last_modified);
  [[nodiscard]] bool contains(std::uint64_t key) const;

  // True when no key of that second is held, which spares hashing a blob to look it up.
  [[nodiscard]] bool surely_without(ServiceTime last_modified) const;

  // Forgets the keys of all seconds that `cursor` has wholly passed.
  void drop_passed(const Position& cursor);

  // Forgets the keys of that second and of all later ones.
  void drop_from(ServiceTime since);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t room() const { return size() < capacity ? capacity - size() : 0; }

  // Base64 of 12 bytes a key: key, then seconds since 1970, both big-endian. Never change the form.
  [[nodiscard]] std::string encode() const;
  static Result<RecentKeys> decode(std::string_view text);

  friend bool operator==(const RecentKeys&, const RecentKeys&) = default;

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t seconds;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  void update_bounds();

  std::vector<Entry> entries_;  // sorted by key
  std::uint32_t oldest_ = UINT32_MAX;
  std::uint32_t newest_ = 0;
};

}  // namespace abo::checkpoint
