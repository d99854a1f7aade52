// The decoders of watches and lists. The first byte says which and how small their limit is, the next four how the body
// behind them is cut. What they say must not depend on the cuts, and must be what a JSON parser finds in the body.
#include <fmt/format.h>

#include <vector>

#include "base/pruned_json.h"
#include "kube/list_decoder.h"
#include "kube/watch_decoder.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using kube::ListDecoder;
using kube::WatchDecoder;
using kube::WatchEvent;

// Objects as texts: a number that is none (0e400) equals nothing, not even itself.
struct Outcome {
  std::vector<std::string> objects;
  std::vector<kube::WatchEventType> types;
  std::string envelope;
  std::string complaint;  // "" when all was accepted

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class Decoder>
void feed(Decoder& decoder, std::string_view body, std::string_view sizes, Outcome& outcome) {
  auto push = [&](std::string_view piece) {
    auto pushed = decoder.push(piece);
    if (!pushed) outcome.complaint = pushed.error().message;
    return pushed.has_value();
  };
  if (sizes.empty()) {
    push(body);
  } else {
    in_pieces(body, sizes, push);
  }
}

Outcome watch(std::string_view body, std::string_view sizes, std::size_t limit) {
  Outcome outcome;
  WatchDecoder decoder(
      [&](WatchEvent&& event) -> Result<void> {
        outcome.types.push_back(event.type);
        outcome.objects.push_back(json::serialize(event.object));
        return {};
      },
      limit);
  feed(decoder, body, sizes, outcome);
  return outcome;
}

Outcome list(std::string_view body, std::string_view sizes, std::size_t limit) {
  Outcome outcome;
  ListDecoder decoder(
      [&](json::object&& item) -> Result<void> {
        outcome.objects.push_back(json::serialize(item));
        return {};
      },
      limit);
  feed(decoder, body, sizes, outcome);
  if (!outcome.complaint.empty()) return outcome;
  auto envelope = decoder.finish();
  if (envelope) {
    outcome.envelope = json::serialize(*envelope);
  } else {
    outcome.complaint = envelope.error().message;
  }
  return outcome;
}

// Every finished line is one event, in order.
void check_watch(std::string_view body, const Outcome& outcome) {
  std::size_t seen = 0;
  for (std::size_t end = body.find('\n'); end != body.npos; end = body.find('\n')) {
    std::string_view line = take(body, end + 1);
    auto parsed = parse_json_pruned(line);
    if (!parsed) {
      require(line.find_first_not_of(" \t\r\n") == line.npos, "what is no JSON is refused");
      continue;
    }
    require(seen < outcome.objects.size(), "no event is lost");
    const json::object* event = parsed->if_object();
    require(
        event && event->contains("object") && json::serialize(event->at("object")) == outcome.objects[seen],
        "the event's object");
    ++seen;
  }
  require(seen == outcome.objects.size(), "no event is made up");
}

// Where the whole body can be parsed at once, it holds the same items.
void check_list(std::string_view body, const Outcome& outcome) {
  auto parsed = parse_json(body);
  // No server writes letters as escapes; a second "items" that is spelled so is not looked for.
  if (!parsed || body.contains("\\u00")) return;
  const json::object* whole = parsed->if_object();
  require(whole, "a list is an object");
  const json::array* items = find_array(*whole, {"items"});
  require((items ? items->size() : 0) == outcome.objects.size(),
          fmt::format("{} items of {}", outcome.objects.size(), items ? items->size() : 0));
  for (std::size_t i = 0; i < outcome.objects.size(); ++i)
    require(json::serialize(items->at(i)) == outcome.objects[i], "the same item");
  json::object rest = *whole;
  if (items) rest["items"] = json::array{};
  require(json::serialize(rest) == outcome.envelope, "the same envelope");
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo::fuzz;
  std::string_view body = text_of(data, size), head = take(body, 1), sizes = take(body, 4);
  if (sizes.empty()) return 0;
  bool is_watch = head.front() & 1;
  std::size_t limit = head.front() & 2 ? 8U << 20 : 100;
  Outcome whole = is_watch ? watch(body, {}, limit) : list(body, {}, limit);
  Outcome cut = is_watch ? watch(body, sizes, limit) : list(body, sizes, limit);
  require(whole.complaint == cut.complaint,
          fmt::format("whole: \"{}\", in pieces: \"{}\"", whole.complaint, cut.complaint));
  require(whole == cut, "the same objects however the body is cut");
  if (!whole.complaint.empty()) return 0;
  if (is_watch) {
    check_watch(body, whole);
  } else {
    check_list(body, whole);
  }
  return 0;
}
