// The List Blobs decoder. The first four bytes say how the rest, a page, is cut; what the decoder makes of it must not
// depend on that, and where a full XML parser accepts the page too, both must have read the same blobs.
#include <fmt/format.h>

#include <optional>

#include "listing/list_page_oracle.h"
#include "tests/fuzz/fuzz.h"

namespace abo::fuzz {
namespace {

using listing::BlobView;
using listing::Listed;
using listing::ListPage;
using listing::ListPageDecoder;

struct Outcome {
  Listed listed;  // also of a page that was refused in the middle
  ListPage page;
  std::string complaint;  // "" when the page was accepted
};

Outcome decode(std::string_view page, std::string_view sizes) {
  Outcome outcome;
  ListPageDecoder decoder([&](const BlobView& blob) { outcome.listed.blobs.push_back(own(blob)); },
                          [&](std::string_view prefix) { outcome.listed.prefixes.emplace_back(prefix); });
  auto feed = [&](std::string_view piece) {
    auto fed = decoder.feed(piece);
    if (!fed) outcome.complaint = fed.error().message;
    return fed.has_value();
  };
  if (sizes.empty()) {
    feed(page);
  } else {
    in_pieces(page, sizes, feed);
  }
  auto finished = decoder.finish();
  if (!finished) {
    require(outcome.complaint.empty() || outcome.complaint == finished.error().message,
            "an error is said again");
    outcome.complaint = finished.error().message;
  } else {
    require(outcome.complaint.empty(), "an error stays");
    outcome.page = *finished;
    outcome.listed.next_marker = finished->next_marker;
  }
  return outcome;
}

void check_cut(const Outcome& whole, const Outcome& cut) {
  require(whole.complaint == cut.complaint,
          fmt::format("whole: \"{}\", in pieces: \"{}\"", whole.complaint, cut.complaint));
  require(whole.listed == cut.listed, "the same blobs, prefixes and marker however the page is cut");
  require(whole.page.left_out == cut.page.left_out, "as many rows left out however the page is cut");
}

void check_oracle(const Outcome& ours, const Listed& theirs) {
  require(ours.listed.next_marker == theirs.next_marker,
          fmt::format("marker \"{}\", but \"{}\"", ours.listed.next_marker, theirs.next_marker));
  require(ours.listed.prefixes == theirs.prefixes, "the same prefixes as a full parser");
  require(ours.listed.blobs.size() == theirs.blobs.size(),
          fmt::format("{} blobs, but {}", ours.listed.blobs.size(), theirs.blobs.size()));
  require(ours.listed.blobs == theirs.blobs, "the same blobs as a full parser");
}

}  // namespace
}  // namespace abo::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abo::fuzz;
  std::string_view page = text_of(data, size), sizes = take(page, 4);
  Outcome whole = decode(page, {});
  check_cut(whole, decode(page, sizes));
  if (!whole.complaint.empty()) return 0;
  require(static_cast<std::size_t>(whole.page.blobs) == whole.listed.blobs.size(), "every blob is counted");
  if (auto theirs = abo::listing::parse_with_pugixml(std::string(page))) check_oracle(whole, *theirs);
  return 0;
}
