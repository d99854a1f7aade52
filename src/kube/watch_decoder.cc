#include "kube/watch_decoder.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/pruned_json.h"
#include "base/text.h"
#include "kube/kube_error.h"

namespace abo::kube {
namespace {

std::optional<WatchEventType> type_of(std::string_view word) {
  if (word == "ADDED") return WatchEventType::Added;
  if (word == "MODIFIED") return WatchEventType::Modified;
  if (word == "DELETED") return WatchEventType::Deleted;
  if (word == "BOOKMARK") return WatchEventType::Bookmark;
  if (word == "ERROR") return WatchEventType::Error;
  return std::nullopt;
}

std::unexpected<Error> not_an_event(std::string why) {
  return fail(ErrorKind::Invalid, Reason::InvalidResponse, "a line of the watch is no event: " + why);
}

}  // namespace

Result<void> WatchDecoder::push(std::string_view chunk) {
  while (!chunk.empty()) {
    std::size_t end = chunk.find('\n');
    std::string_view piece = chunk.substr(0, end);
    if (partial_.size() + piece.size() > limit_) {
      return fail(ErrorKind::TooLarge, Reason::InvalidResponse,
                  fmt::format("a watch event is over {} bytes", limit_));
    }
    if (end == chunk.npos) {
      partial_ += piece;
      return {};
    }
    chunk.remove_prefix(end + 1);
    std::string whole;
    if (!partial_.empty()) {
      whole = std::exchange(partial_, {});
      whole += piece;
      piece = whole;
    }
    if (auto taken = take_line(piece); !taken) return taken;
  }
  return {};
}

Result<void> WatchDecoder::take_line(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == line.npos) return {};
  auto parsed = parse_json_pruned(line);
  if (!parsed) return not_an_event(parsed.error().message);
  json::object* event = parsed->if_object();
  if (!event) return not_an_event("not an object");
  std::optional<WatchEventType> type = type_of(find_string(*event, {"type"}));
  if (!type) return not_an_event("unknown type " + bounded_text(find_string(*event, {"type"}), 40));
  json::value* object = event->if_contains("object");
  if (!object || !object->is_object()) return not_an_event("no object");
  return sink_(WatchEvent{*type, std::move(object->get_object())});
}

}  // namespace abo::kube
