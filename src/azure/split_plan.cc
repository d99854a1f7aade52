#include "azure/split_plan.h"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <utility>

namespace abo::azure {
namespace {

// A part of an eighth of all holds nobody up where eight are read at once; half of that is never worth dividing.
constexpr std::size_t lanes = 8, worth_opening = lanes, worth_dividing = 2 * lanes;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// What all names from `a` to `b` (sorted) begin with, whole characters only: a prefix travels as UTF-8.
std::size_t common_size(std::string_view a, std::string_view b) {
  auto differs = std::ranges::mismatch(a, b).in1;
  auto size = static_cast<std::size_t>(differs - a.begin());
  while (size > 0 && ((size < a.size() && continues_character(a[size])) ||
                      (size < b.size() && continues_character(b[size]))))
    --size;
  return size;
}

std::string_view character_at(std::string_view text, std::size_t at) {
  std::size_t end = std::min(at + 1, text.size());
  while (end < text.size() && continues_character(text[end])) ++end;
  return text.substr(std::min(at, text.size()), end - std::min(at, text.size()));
}

}  // namespace

SplitPlan::SplitPlan(std::string root, std::vector<std::string> marks, std::int64_t pages,
                     std::int64_t page_size)
    : root_(std::move(root)),
      marks_(std::move(marks)),
      page_size_(page_size),
      budget_(pages / 4),
      unplanned_(marks_.size()) {}

std::size_t SplitPlan::weight(std::string_view prefix) const {
  auto begin = std::ranges::lower_bound(marks_, prefix);
  auto end = std::partition_point(begin, marks_.end(),
                                  [&](const std::string& mark) { return mark.starts_with(prefix); });
  return static_cast<std::size_t>(end - begin);
}

// Worth a look inside: it is heavy, and the marks fan out there or further down.
bool SplitPlan::opens(std::string_view prefix) const {
  if (std::ranges::count(prefix.substr(root_.size()), folder_delimiter) >= max_depth) return false;
  std::size_t all = weight(prefix);
  if (all * worth_opening <= marks_.size()) return false;
  auto first = std::ranges::lower_bound(marks_, prefix);
  for (std::size_t depth = prefix.size();;) {
    std::size_t direct = 0;
    std::string_view child;
    for (auto mark = first; mark != first + static_cast<std::ptrdiff_t>(all); ++mark) {
      std::size_t at = mark->find(folder_delimiter, depth);
      if (at == mark->npos) {
        ++direct;
        continue;
      }
      std::string_view folder = std::string_view(*mark).substr(0, at + 1);
      if (!child.empty() && child != folder) return true;
      child = folder;
    }
    if (child.empty() || 2 * direct > all) return false;
    if (direct > 0) return true;
    depth = child.size();  // all in one folder: what is in that?
  }
}

SplitPlan::Next SplitPlan::after(OpenedFolder folder) {
  Next next;
  if (folder.folders.empty()) return next;
  Found found{.folders = std::move(folder.folders)};
  std::ranges::sort(found.folders);
  auto repeated = std::ranges::unique(found.folders);
  found.folders.erase(repeated.begin(), repeated.end());
  next.pays = std::ranges::all_of(found.folders, [&](const std::string& name) {
    return name.size() > folder.prefix.size() && name.starts_with(folder.prefix);
  });
  if (!next.pays) return next;
  for (const std::string& name : found.folders) {
    found.weights.push_back(weight(name));
    found.to_open.push_back(opens(name) ? 1 : 0);
  }
  std::int64_t spare = std::max<std::int64_t>(0, budget_ - spent_);
  auto here = static_cast<std::int64_t>(weight(folder.prefix));
  std::int64_t share = spare * here / std::max<std::int64_t>(1, static_cast<std::int64_t>(unplanned_));
  std::int64_t limit = 1 + std::min(spare, share);  // one part was reckoned with when it was opened
  std::vector<Group> groups = join(found, static_cast<std::size_t>(limit));

  // Joined parts would show the blobs beside the folders once more; many of them are not worth that.
  bool many_beside = folder.blobs > page_size_;
  if (many_beside) {
    groups.clear();
    for (std::size_t i = 0; i < found.folders.size(); ++i) groups.push_back(group(found, i, i + 1));
    next.pays = static_cast<std::int64_t>(groups.size()) <= 1 + spare;
    std::ranges::fill(found.to_open, 0);
  }
  spent_ -= 1;
  for (const Group& one : groups) {
    const std::string& name = found.folders[one.first];
    bool joined = one.end - one.first > 1;
    if (!joined && found.to_open[one.first] != 0 && spent_ + cost_of_opening <= budget_) {
      next.open.push_back(name);
      spent_ += cost_of_opening;
      continue;
    }
    std::size_t size = joined ? common_size(name, found.folders[one.end - 1]) : name.size();
    next.parts.push_back(
        {name.substr(0, size), joined && folder.blobs > 0 ? folder.prefix.size() : Part::all, one.weight});
    spent_ += 1;
    unplanned_ -= std::min(unplanned_, one.weight);
  }
  return next;
}

SplitPlan::Group SplitPlan::group(const Found& found, std::size_t first, std::size_t end) {
  auto begin = found.weights.begin();
  return {.first = first,
          .end = end,
          .weight = std::accumulate(begin + static_cast<std::ptrdiff_t>(first),
                                    begin + static_cast<std::ptrdiff_t>(end), std::size_t{0}),
          .whole = end - first == 1};
}

// Begins with all folders in one group and divides what is too heavy, or holds a folder that is to be opened by itself,
// by the next character of their names, as long as the limit allows.
std::vector<SplitPlan::Group> SplitPlan::join(const Found& found, std::size_t limit) const {
  std::vector<Group> groups{group(found, 0, found.folders.size())};
  auto cost = [&] {
    return groups.size() + static_cast<std::size_t>(std::ranges::count_if(groups, [&](const Group& one) {
             return one.end - one.first == 1 && found.to_open[one.first] != 0;
           }));
  };
  while (Group* heavy = too_large(groups)) {
    std::vector<Group> pieces = divide(found, *heavy);
    if (pieces.size() == 1) {  // cannot be, but must not hang
      heavy->whole = true;
      continue;
    }
    std::vector<Group> before = groups;
    *heavy = pieces.front();
    groups.insert(groups.end(), pieces.begin() + 1, pieces.end());
    if (cost() <= limit) continue;
    groups = std::move(before);
    too_large(groups)->whole = true;
  }
  return groups;
}

// The next group to divide: the heaviest of those that are too heavy, unless all lanes would end at about the same time
// as it is.
SplitPlan::Group* SplitPlan::too_large(std::vector<Group>& groups) const {
  if (balanced(groups)) return nullptr;
  Group* heaviest = nullptr;
  for (Group& one : groups) {
    if (one.whole || one.weight * worth_dividing <= marks_.size()) continue;
    if (heaviest == nullptr || one.weight > heaviest->weight) heaviest = &one;
  }
  return heaviest;
}

// The heaviest first, each to the lane that is free first: is the last one done within a quarter more than it must take?
bool SplitPlan::balanced(const std::vector<Group>& groups) {
  std::vector<std::size_t> weights;
  for (const Group& one : groups) weights.push_back(one.weight);
  std::ranges::sort(weights, std::ranges::greater{});
  std::array<std::size_t, lanes> busy{};
  for (std::size_t one : weights) *std::ranges::min_element(busy) += one;
  std::size_t all = std::accumulate(weights.begin(), weights.end(), std::size_t{0});
  return *std::ranges::max_element(busy) * lanes * 4 <= all * 5;
}

std::vector<SplitPlan::Group> SplitPlan::divide(const Found& found, const Group& whole) {
  const auto& names = found.folders;
  std::size_t depth = common_size(names[whole.first], names[whole.end - 1]);
  std::vector<Group> pieces;
  for (std::size_t first = whole.first; first < whole.end;) {
    std::size_t end = first + 1;
    while (end < whole.end && character_at(names[end], depth) == character_at(names[first], depth)) ++end;
    pieces.push_back(group(found, first, end));
    first = end;
  }
  return pieces;
}

}  // namespace abo::azure
