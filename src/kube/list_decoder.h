// A list's body, cut into its items as the bytes arrive, so that a page of 500 objects costs the memory of
// one. It only tracks strings and brackets to find the elements of the top-level "items" array; each element
// is then parsed by the real parser, and what stands around them (metadata with continue and resourceVersion)
// is kept and parsed at the end. What an item nests too deep is left out of it (parse_json_pruned): one such object must
// not hide all others. Pure.
//
// Errors: TooLarge InvalidResponse (an item, or all that is not items, over its limit), Invalid
// InvalidResponse (not a list), and whatever the sink returned.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "kube/object_limit.h"

namespace abo::kube {

class ListDecoder {
 public:
  using Sink = std::function<Result<void>(json::object&&)>;

  explicit ListDecoder(Sink sink, std::size_t item_limit = object_limit)
      : sink_(std::move(sink)), limit_(item_limit) {}

  [[nodiscard]] Result<void> push(std::string_view chunk);

  // The list without its items, after the last chunk.
  [[nodiscard]] Result<json::object> finish();

 private:
  void keep(std::string_view text);
  [[nodiscard]] Result<void> take_in_string(char c);
  [[nodiscard]] Result<void> take_structural(char c);
  [[nodiscard]] Result<void> close_item(bool last);
  [[nodiscard]] Result<void> check_limits() const;

  Sink sink_;
  std::size_t limit_;
  std::string envelope_;
  std::string item_;
  std::string last_string_;  // the last string at the top level, to know the key before a '['
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool items_seen_ = false;
  bool behind_comma_ = false;
};

}  // namespace abo::kube
