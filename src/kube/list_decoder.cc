#include "kube/list_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/pruned_json.h"

namespace abo::kube {
namespace {

constexpr std::size_t kEnvelopeLimit = 1U << 20;
constexpr int kItemDepth = 2;  // inside {"items":[ … ]}

std::unexpected<Error> no_list(std::string why) {
  return fail(ErrorKind::Invalid, Reason::InvalidResponse, std::move(why));
}

}  // namespace

Result<void> ListDecoder::push(std::string_view chunk) {
  while (!chunk.empty()) {
    // Whatever cannot change the state is copied in one piece.
    std::size_t plain =
        escaped_ ? 0 : std::min(chunk.find_first_of(in_string_ ? "\"\\" : "\"{}[],"), chunk.size());
    keep(chunk.substr(0, plain));
    chunk.remove_prefix(plain);
    if (chunk.empty()) break;
    auto taken = in_string_ ? take_in_string(chunk.front()) : take_structural(chunk.front());
    if (!taken) return taken;
    chunk.remove_prefix(1);
  }
  return check_limits();
}

Result<void> ListDecoder::check_limits() const {
  if (item_.size() <= limit_ && envelope_.size() <= kEnvelopeLimit) return {};
  return fail(ErrorKind::TooLarge, Reason::InvalidResponse,
              fmt::format("an object of the list is over {} bytes", limit_));
}

void ListDecoder::keep(std::string_view text) {
  if (in_items_) {
    item_ += text;
    return;
  }
  envelope_ += text;
  // The last string at the top level is the key that stands before the next '[': only that "items" counts.
  if (in_string_ && depth_ == 1 && last_string_.size() < 16) last_string_ += text.substr(0, 16);
}

Result<void> ListDecoder::take_in_string(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else {
    in_string_ = false;
  }
  keep({&c, 1});
  return {};
}

Result<void> ListDecoder::take_structural(char c) {
  bool between_items = in_items_ && depth_ == kItemDepth;
  if (c == ',' && between_items) return close_item(false);
  if (c == ']' && between_items) {
    if (auto closed = close_item(true); !closed) return closed;
    in_items_ = false;
  }
  keep({&c, 1});
  if (c == '"') {
    in_string_ = true;
    if (depth_ == 1) last_string_.clear();
  }
  if (c == '}' || c == ']') --depth_;
  if (c == '{' || c == '[') ++depth_;
  if (c == '[' && depth_ == kItemDepth && !in_items_ && last_string_ == "items") {
    if (std::exchange(items_seen_, true)) return no_list("the answer has items twice");
    in_items_ = true;
  }
  return {};
}

// `last`: a ']' follows, not a ','.
Result<void> ListDecoder::close_item(bool last) {
  if (auto ok = check_limits(); !ok) return ok;
  std::string text = std::exchange(item_, {});
  bool behind_comma = std::exchange(behind_comma_, !last);
  bool blank = text.find_first_not_of(" \t\r\n") == text.npos;
  if (blank && last && !behind_comma) return {};  // "items": []
  if (blank) return no_list("the list has a comma without an item");
  auto parsed = parse_json_pruned(text);
  if (!parsed) return pass(parsed);
  if (!parsed->is_object()) return no_list("an item of the list is no object");
  return sink_(std::move(parsed->get_object()));
}

Result<json::object> ListDecoder::finish() {
  auto parsed = parse_json(envelope_);
  if (!parsed) return pass(parsed);
  if (!parsed->is_object()) return no_list("the answer is no list");
  // All items went to the sink, or they would be lost: with a key written in escapes, say.
  const json::value* items = parsed->get_object().if_contains("items");
  const json::array* left = items ? items->if_array() : nullptr;
  if ((left && !left->empty()) || (items_seen_ && !left)) return no_list("the answer's items cannot be told");
  return std::move(parsed->get_object());
}

}  // namespace abo::kube
