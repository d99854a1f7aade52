// Which id is due when: the rows that idle watchers are. Every id stands in it at most once. Pure: "now" is given.
// O(log n) for everything but next_due; about 40 bytes a row (heap entry and its place in the index).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/time.h"

namespace abo::runtime {

class DelayQueue {
 public:
  using Id = std::uint64_t;

  // Due at `due`, whatever was before.
  void reschedule(Id id, MonoTime due);

  // False when it was not there.
  bool erase(Id id);

  // Takes the id that is due longest, if any is due at `now`. Equal times come in an unspecified order.
  [[nodiscard]] std::optional<Id> pop_due(MonoTime now);

  [[nodiscard]] std::optional<MonoTime> next_due() const;
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  struct Row {
    MonoTime due;
    Id id;
  };

  [[nodiscard]] std::optional<std::uint32_t> place_of(Id id) const;
  void place(std::uint32_t at, Row row);
  void up(std::uint32_t at);
  void down(std::uint32_t at);
  void remove(std::uint32_t at);

  std::vector<Row> heap_;                        // a binary heap, earliest first
  std::unordered_map<Id, std::uint32_t> index_;  // where each id stands in it
};

}  // namespace abo::runtime
