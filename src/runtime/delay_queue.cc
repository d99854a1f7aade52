#include "runtime/delay_queue.h"

namespace abo::runtime {

void DelayQueue::reschedule(Id id, MonoTime due) {
  const auto [found, added] = index_.try_emplace(id, static_cast<std::uint32_t>(heap_.size()));
  const std::uint32_t at = found->second;
  if (added) {
    heap_.push_back({due, id});
  } else {
    heap_[at].due = due;
  }
  up(at);
  down(found->second);
}

bool DelayQueue::erase(Id id) {
  const auto at = place_of(id);
  if (at) remove(*at);
  return at.has_value();
}

std::optional<DelayQueue::Id> DelayQueue::pop_due(MonoTime now) {
  if (heap_.empty() || heap_.front().due > now) return std::nullopt;
  const Id id = heap_.front().id;
  remove(0);
  return id;
}

std::optional<MonoTime> DelayQueue::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

std::optional<std::uint32_t> DelayQueue::place_of(Id id) const {
  const auto found = index_.find(id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

void DelayQueue::place(std::uint32_t at, Row row) {
  heap_[at] = row;
  index_[row.id] = at;
}

void DelayQueue::up(std::uint32_t at) {
  const Row row = heap_[at];
  while (at > 0 && row.due < heap_[(at - 1) / 2].due) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, row);
}

void DelayQueue::down(std::uint32_t at) {
  const Row row = heap_[at];
  while (true) {
    std::size_t child = 2 * static_cast<std::size_t>(at) + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].due < heap_[child].due) ++child;
    if (heap_[child].due >= row.due) break;
    place(at, heap_[child]);
    at = static_cast<std::uint32_t>(child);
  }
  place(at, row);
}

void DelayQueue::remove(std::uint32_t at) {
  index_.erase(heap_[at].id);
  const Row last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  place(at, last);
  up(at);
  down(index_[last.id]);
}

}  // namespace abo::runtime
