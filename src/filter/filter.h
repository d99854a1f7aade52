// Which blobs matter: a spec's pattern, exclude pattern and sizes, compiled once and asked for every listed blob.
// (The prefix is the service's work; minimum age is the checkpoint's, since it moves with time.)
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "base/error.h"
#include "listing/blob_item.h"

namespace abo::filter {

// Why a blob was left out; `preview` prints it.
enum class Verdict : std::uint8_t { Matches, PatternDoesNotMatch, Excluded, TooSmall, TooLarge };
[[nodiscard]] std::string_view to_string(Verdict verdict);

class Filter {
 public:
  // Errors: Invalid, InvalidPattern; the message names the field, the pattern and RE2's own complaint.
  static Result<Filter> compile(const api::Spec& spec);

  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;
  ~Filter();

  // Allocates nothing.
  [[nodiscard]] Verdict judge(const listing::BlobView& blob) const;

  // The groups of blobPattern, in order; "" for one without a name. Empty when there is no pattern.
  [[nodiscard]] const std::vector<std::string>& group_names() const;

  // What the groups caught in this name, one entry a group; "" for a group that took no part.
  [[nodiscard]] std::vector<std::string> groups(std::string_view name) const;

 private:
  Filter();
  struct Patterns;
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace abo::filter
