// Which parts a large listing is split into, so that several can be read at once. Azure lists by prefix and in one
// direction only; what prefixes there are is asked with the delimiter, folder by folder. This decides which folders to
// ask about and how to join what was found into parts of similar weight. Pure: names in, prefixes out.
//
// Each request is money: all that a split adds (one call for each folder that is opened, one for each part's last,
// unfilled page) stays within a quarter of the pages. That every blob is covered never rests on the marks: they only
// say where it pays to look closer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abo::azure {

inline constexpr char folder_delimiter = '/';

// A listing of all blobs whose names begin with `prefix`.
struct Part {
  static constexpr std::size_t all = SIZE_MAX;

  std::string prefix;
  // Blobs whose names have no delimiter from here on stand directly in a folder that was opened, and were shown then:
  // leave them out. `all`: leave nothing out.
  std::size_t folder_size = all;
  std::size_t weight = 0;  // of the marks

  [[nodiscard]] bool holds(std::string_view name) const {
    return folder_size == all || name.find(folder_delimiter, folder_size) != name.npos;
  }
};

// What listing a folder with the delimiter has shown.
struct OpenedFolder {
  std::string prefix;                // the whole listing's, or one of Next::open
  std::vector<std::string> folders;  // in it
  std::int64_t blobs = 0;            // directly in it
};

class SplitPlan {
 public:
  static constexpr std::ptrdiff_t max_depth = 8;  // folders are opened so deep and no deeper

  // The listing is of `root`. marks: some names of the container, evenly sampled and sorted; pages: of an unsplit
  // listing, each of page_size blobs.
  SplitPlan(std::string root, std::vector<std::string> marks, std::int64_t pages, std::int64_t page_size);

  // Whether to split the listing at all: then open the root first.
  [[nodiscard]] bool pays() const { return budget_ > cost_of_opening && opens(root_); }

  struct Next {
    std::vector<std::string> open;  // folders to list with the delimiter, too
    std::vector<Part> parts;        // to list as they are
    bool pays = true;               // false: there is no affordable way to cover what was found
  };
  // What follows from a folder that was opened; call once for each. Together with the blobs that opening it has shown,
  // `open` and `parts` cover the folder, and no two of them overlap.
  [[nodiscard]] Next after(OpenedFolder folder);

 private:
  static constexpr std::int64_t cost_of_opening = 2;  // itself, and at least one part

  struct Group {
    std::size_t first = 0, end = 0;  // of the sorted folders
    std::size_t weight = 0;
    bool whole = false;  // not to be split any more
  };
  struct Found {
    std::vector<std::string> folders;  // sorted
    std::vector<std::size_t> weights;
    std::vector<char> to_open;
  };
  [[nodiscard]] std::size_t weight(std::string_view prefix) const;
  [[nodiscard]] bool opens(std::string_view prefix) const;
  [[nodiscard]] std::vector<Group> join(const Found& found, std::size_t limit) const;
  [[nodiscard]] static Group group(const Found& found, std::size_t first, std::size_t end);
  [[nodiscard]] static std::vector<Group> divide(const Found& found, const Group& group);
  [[nodiscard]] static bool balanced(const std::vector<Group>& groups);
  [[nodiscard]] Group* too_large(std::vector<Group>& groups) const;

  std::string root_;
  std::vector<std::string> marks_;
  std::int64_t page_size_;
  std::int64_t budget_;                   // calls that a split may add
  std::int64_t spent_ = cost_of_opening;  // on the root
  std::size_t unplanned_;                 // marks under no part yet
};

}  // namespace abo::azure
