#include "listing/row_shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace abo::listing {
namespace {

constexpr std::size_t block = 16;

// The first '<' at or behind `at`, or `end`; says whether an '&' stands before it.
const char* find_value_end_slowly(const char* at, const char* end, bool& ampersand) {
  const void* found = std::memchr(at, '<', static_cast<std::size_t>(end - at));
  const char* stop = found ? static_cast<const char*>(found) : end;
  ampersand = ampersand || std::memchr(at, '&', static_cast<std::size_t>(stop - at)) != nullptr;
  return stop;
}

#if defined(__SSE2__)

__m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

unsigned equal_bytes(__m128i a, __m128i b) {
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
}

const char* find_value_end(const char* at, const char* end, bool& ampersand) {
  const __m128i less = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&');
  for (; static_cast<std::size_t>(end - at) >= block; at += block) {
    __m128i bytes = load(at);
    unsigned stops = equal_bytes(bytes, less), amps = equal_bytes(bytes, amp);
    if (stops) {
      unsigned before = (stops & -stops) - 1;
      ampersand = ampersand || (amps & before);
      return at + std::countr_zero(stops);
    }
    ampersand = ampersand || amps;
  }
  return find_value_end_slowly(at, end, ampersand);
}

// `tags` may be read up to the next multiple of 16; `at` only up to `end`.
bool same_bytes(const char* at, const char* end, const char* tags, std::size_t length) {
  std::size_t padded = (length + block - 1) / block * block;
  if (static_cast<std::size_t>(end - at) < padded) return std::memcmp(at, tags, length) == 0;
  for (; length >= block; length -= block, at += block, tags += block) {
    if (equal_bytes(load(at), load(tags)) != 0xFFFF) return false;
  }
  unsigned wanted = (1U << length) - 1;
  return length == 0 || (equal_bytes(load(at), load(tags)) & wanted) == wanted;
}

#else

const char* find_value_end(const char* at, const char* end, bool& ampersand) {
  return find_value_end_slowly(at, end, ampersand);
}

bool same_bytes(const char* at, const char*, const char* tags, std::size_t length) {
  return std::memcmp(at, tags, length) == 0;
}

#endif

}  // namespace

bool RowShape::learn(const char* begin, const char* end, const RowTrace& trace, const RawRow& row) {
  tags_.clear();
  segments_.clear();
  name_encoded_ = row.name_encoded;
  if (!trace.regular || trace.slots.size() >= max_segments) return false;
  auto add = [&](const char* from, const char* to, Field field) {
    segments_.push_back(
        {static_cast<std::uint32_t>(tags_.size()), static_cast<std::uint32_t>(to - from), field});
    tags_.insert(tags_.end(), from, to);
    tags_.resize((tags_.size() + block - 1) / block * block);
  };
  for (const auto& slot : trace.slots) {
    add(begin, slot.begin, slot.field);
    begin = slot.end;
  }
  add(begin, end, Field::Ignored);
  if (tags_.size() <= max_bytes) return true;
  segments_.clear();
  return false;
}

ReadOutcome RowShape::match(const char* begin, const char* end, RawRow& row, const char*& row_end) const {
  if (segments_.empty()) return ReadOutcome::Bad;
  row = {};
  row.name_encoded = name_encoded_;
  const char* at = begin;
  for (const Segment* segment = segments_.data();; ++segment) {
    const char* tags = tags_.data() + segment->offset;
    auto left = static_cast<std::size_t>(end - at);
    if (left < segment->length) {
      return std::memcmp(at, tags, left) == 0 ? ReadOutcome::More : ReadOutcome::Bad;
    }
    if (!same_bytes(at, end, tags, segment->length)) return ReadOutcome::Bad;
    at += segment->length;
    if (segment == &segments_.back()) break;
    bool ampersand = false;
    const char* stop = find_value_end(at, end, ampersand);
    if (stop == end) return ReadOutcome::More;
    auto index = static_cast<std::size_t>(segment->field);
    row.values[index] = {at, static_cast<std::size_t>(stop - at)};
    row.with_entities |= static_cast<std::uint32_t>(ampersand) << index;
    at = stop;
  }
  row.values[0] = {};
  row.with_entities &= ~1U;
  row_end = at;
  return ReadOutcome::Complete;
}

ReadResult RowShapes::read(const char* begin, const char* end, RawRow& row) {
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const char* row_end = nullptr;
    ReadOutcome outcome = shapes_[i].match(begin, end, row, row_end);
    if (outcome == ReadOutcome::Bad) continue;
    auto first = shapes_.begin();
    if (i > 0)
      std::rotate(first, first + static_cast<std::ptrdiff_t>(i), first + static_cast<std::ptrdiff_t>(i) + 1);
    return {outcome, row_end};
  }
  ReadResult result = read_element(begin, end, ElementKind::Blob, row, &trace_);
  if (result.outcome != ReadOutcome::Complete) return result;
  if (shapes_.size() < max_shapes) shapes_.emplace_back();
  if (shapes_.back().learn(begin, result.end, trace_, row))
    std::rotate(shapes_.begin(), shapes_.end() - 1, shapes_.end());
  return result;
}

}  // namespace abo::listing
