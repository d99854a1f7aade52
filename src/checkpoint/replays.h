// The replays that a watcher was asked for in one container, the newest first: times, each of which stands for "every
// version last modified then or later once more". A version belongs to the newest replay that covers it, and that is
// part of its trigger key; so the resource of an earlier time, which may still exist, is not taken for its own. Versions
// that no replay covers keep the key they always had: what is known of them stays known.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"

namespace abo::checkpoint {

class Replays {
 public:
  // A time that is remembered replays nothing a second time; one that was forgotten would.
  static constexpr std::size_t capacity = 16;

  Replays() = default;
  explicit Replays(std::vector<ServiceTime> newest_first) : since_(std::move(newest_first)) {}

  [[nodiscard]] bool empty() const { return since_.empty(); }
  [[nodiscard]] std::size_t size() const { return since_.size(); }
  [[nodiscard]] bool contains(ServiceTime since) const;
  [[nodiscard]] std::span<const ServiceTime> newest_first() const { return since_; }

  // The replay of a version last modified then, as its trigger key names it; "" when none covers it. Never change the
  // form.
  [[nodiscard]] std::string of(ServiceTime last_modified) const;

  void add(ServiceTime since) { since_.insert(since_.begin(), since); }

  // The versions that belong to the i-th: last modified from `from` on, and before `to`. Empty when newer ones cover all.
  struct Range {
    ServiceTime from, to;
    [[nodiscard]] bool empty() const { return from >= to; }
    [[nodiscard]] bool holds(ServiceTime time) const { return from <= time && time < to; }
  };
  [[nodiscard]] Range range(std::size_t i) const;
  void forget(std::size_t i) { since_.erase(since_.begin() + static_cast<std::ptrdiff_t>(i)); }

  friend bool operator==(const Replays&, const Replays&) = default;

 private:
  std::vector<ServiceTime> since_;
};

}  // namespace abo::checkpoint
