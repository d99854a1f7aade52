#include "azure/container_shape.h"

#include <algorithm>
#include <utility>

namespace abo::azure {

void ContainerShape::begin(std::string_view what) {
  if (what_ != what) *this = {};
  what_ = what;
  seen_ = fullest_page_ = 0;
  stride_ = first_stride;
  fresh_.clear();
}

// When there are too many, every other one goes, and from then on only every other one is taken.
void ContainerShape::mark(std::string_view name) {
  if (fresh_.size() == max_marks) {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < fresh_.size(); i += 2) fresh_[kept++] = std::move(fresh_[i]);
    fresh_.resize(kept);
    stride_ *= 2;
    if (seen_ % stride_ != 0) return;
  }
  fresh_.emplace_back(name.substr(0, max_mark));
}

void ContainerShape::end(bool complete) {
  if (complete || (seen_ > listed_ && fullest_page_ > 0)) {
    listed_ = seen_;
    if (complete && std::exchange(refused_halfway_, false)) refused_at_ = listed_;
    page_size_ = std::max<std::int64_t>(1, fullest_page_);
    marks_ = std::move(fresh_);
    std::ranges::sort(marks_);
    if (!is_large()) marks_ = {};
  }
  fresh_ = {};
  complete_ = complete;
}

void ContainerShape::found(std::vector<std::string> folders) {
  std::ranges::sort(folders);
  std::size_t stride = (folders.size() + max_marks - 1) / max_marks;
  marks_.clear();
  for (std::size_t i = 0; i < folders.size(); i += stride) marks_.push_back(folders[i].substr(0, max_mark));
  listed_ = found_pages * page_size_;
}

bool ContainerShape::may_split() const {
  bool refused = refused_at_ > 0 && listed_ < 2 * refused_at_;
  return is_large() && !refused;
}

}  // namespace abo::azure
