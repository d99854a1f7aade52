// A watch's body, cut into events: newline-delimited JSON objects {"type":…,"object":…} that may break
// anywhere between chunks. What an object nests too deep is left out of it, as in lists. Pure; holds at most one unfinished line. Follows the API concepts page, "Efficient
// detection of changes".
//
// Errors of push(): TooLarge InvalidResponse (a line over the limit), Invalid InvalidResponse (not a watch
// event), and whatever the sink returned. After an error the decoder is spent: the watch has to be opened
// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "kube/object_limit.h"

namespace abo::kube {

enum class WatchEventType : std::uint8_t { Added, Modified, Deleted, Bookmark, Error };

struct WatchEvent {
  WatchEventType type = WatchEventType::Bookmark;
  json::object object;  // for Error: the Status
};

class WatchDecoder {
 public:
  using Sink = std::function<Result<void>(WatchEvent&&)>;

  explicit WatchDecoder(Sink sink, std::size_t line_limit = object_limit)
      : sink_(std::move(sink)), limit_(line_limit) {}

  [[nodiscard]] Result<void> push(std::string_view chunk);

 private:
  [[nodiscard]] Result<void> take_line(std::string_view line);

  Sink sink_;
  std::size_t limit_;
  std::string partial_;
};

}  // namespace abo::kube
