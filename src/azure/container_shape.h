// What listings have taught about where a container's blobs lie: how many there are, and the names of some, evenly
// sampled, whose weight under a prefix tells how much lies there. The caller keeps it between its listings and lends it
// to each; it is a hint and nothing else, so losing it costs one slow listing and never a blob. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abo::azure {

class ContainerShape {
 public:
  static constexpr std::size_t max_marks = 64;  // with names of usual length 8 KiB
  static constexpr std::size_t max_mark = 256;  // bytes kept of a name: what lies deeper is not told apart
  // Below this many pages nothing is worth splitting: a quarter of it pays for opening one folder and for two parts.
  static constexpr std::int64_t large_pages = 12;

  // A listing of `what` (container and prefix) begins: another one than before, and nothing is known.
  void begin(std::string_view what);
  void saw(std::string_view name) {
    if (++seen_ % stride_ == 0) mark(name);
  }
  void saw_page(std::int64_t blobs) { fullest_page_ = std::max(fullest_page_, blobs); }
  // The listing in progress has shown enough for that.
  [[nodiscard]] bool turns_out_large() const {
    return fullest_page_ > 0 && seen_ / fullest_page_ >= large_pages;
  }
  // It was read to its end, or not: then what it saw counts only if it is more than what was known.
  void end(bool complete);

  // After end(): these folders were found in a container of which nothing was known but that it is large. Until a listing
  // was read to its end, each is taken for as heavy as the others, and the whole for large enough to pay for a part each.
  void found(std::vector<std::string> folders);
  // Whether it would help to look for folders: nothing is known that a split could go by.
  [[nodiscard]] bool is_new() const { return !is_large() && refused_at_ == 0; }

  // After end(): a split that was tried did not pay; not to be tried again before the container is twice as large. How
  // large it is, the next listing tells if this one was not read to its end.
  void refuse() {
    refused_at_ = listed_;
    refused_halfway_ = !complete_;
  }

  // Of an unsplit listing, and of how many blobs each: the service may give fewer than it is asked for.
  [[nodiscard]] std::int64_t pages() const { return listed_ / page_size_; }
  [[nodiscard]] std::int64_t page_size() const { return page_size_; }
  [[nodiscard]] bool is_large() const {
    return pages() >= large_pages;
  }  // else there is nothing worth keeping
  [[nodiscard]] bool may_split() const;
  [[nodiscard]] const std::vector<std::string>& marks() const { return marks_; }  // sorted

 private:
  static constexpr std::int64_t found_pages = 128;  // pay for 32 requests more

  void mark(std::string_view name);

  std::string what_;
  std::int64_t page_size_ = 1;
  std::int64_t listed_ = 0;
  std::int64_t refused_at_ = 0;  // 0: not refused
  bool refused_halfway_ = false;
  bool complete_ = false;  // the last listing was
  std::vector<std::string> marks_;

  // Of the listing in progress.
  static constexpr std::int64_t first_stride = 32;  // a small container's poll should hardly notice
  std::int64_t seen_ = 0;
  std::int64_t fullest_page_ = 0;
  std::int64_t stride_ = first_stride;
  std::vector<std::string> fresh_;
};

}  // namespace abo::azure
