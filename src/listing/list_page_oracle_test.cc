// The decoder against a full XML parser, on random pages and on pages with random damage.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/percent_encoding.h"
#include "listing/list_page_oracle.h"

namespace abo::listing {
namespace {

std::optional<Listed> parse_with_decoder(std::string_view text, std::size_t piece) {
  Listed listed;
  ListPageDecoder decoder([&](const BlobView& blob) { listed.blobs.push_back(own(blob)); },
                          [&](std::string_view prefix) { listed.prefixes.emplace_back(prefix); });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    if (!decoder.feed(text.substr(at, piece))) return std::nullopt;
  }
  auto page = decoder.finish();
  if (!page) return std::nullopt;
  listed.next_marker = page->next_marker;
  return listed;
}

// --- random pages ---

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#xD;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

rc::Gen<std::string> a_text() {
  static const std::vector<std::string> parts = {"a",
                                                 "B",
                                                 "/",
                                                 ".csv",
                                                 " ",
                                                 "&",
                                                 "<",
                                                 ">",
                                                 "\"",
                                                 "'",
                                                 "\r",
                                                 "\n",
                                                 "%41",
                                                 "]]>",
                                                 "\xC3\xBC",
                                                 "\xE2\x82\xAC",
                                                 "\xF0\x9F\x98\x80",
                                                 "</Name>",
                                                 "0123456789abcdef"};
  return rc::gen::map(
      rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts))),
      [](const std::vector<std::string>& chosen) {
        std::string text;
        for (const auto& part : chosen) text += part;
        return text;
      });
}

std::string maybe(const std::string& element) {
  return *rc::gen::arbitrary<bool>() ? element : "";
}

std::string a_space() {
  return *rc::gen::element<std::string>("", "", "\n", "  ");
}

std::string a_property(const char* name) {
  std::string text = *a_text();
  return *rc::gen::element<std::string>("", fmt::format("<{} />", name), fmt::format("<{}></{}>", name, name),
                                        fmt::format("<{}>{}</{}>", name, escaped(text), name));
}

std::string a_blob() {
  std::string name = *a_text();
  bool encoded = *rc::gen::weightedElement<bool>({{4, false}, {1, true}});
  std::string out = "<Blob>" + a_space();
  out += encoded ? "<Name Encoded=\"true\">" + percent_encode(name) + "</Name>"
                 : "<Name>" + escaped(name) + "</Name>";
  out += *rc::gen::weightedElement<std::string>(
      {{12, ""},
       {1, "<Snapshot>2026-11-22T05:30:00.0000000Z</Snapshot>"},
       {1, "<Deleted>true</Deleted>"},
       {1, "<VersionId>v</VersionId>"},
       {1, "<VersionId>v</VersionId><IsCurrentVersion>true</IsCurrentVersion>"}});
  out += "<Properties>" + a_space() + maybe("<Creation-Time>Sun, 22 Nov 2026 05:30:00 GMT</Creation-Time>");
  out += "<Last-Modified>" +
         format_rfc1123(ServiceTime{std::chrono::seconds{*rc::gen::inRange(0, 2'000'000'000)}}) +
         "</Last-Modified>";
  out += fmt::format("<Etag>0x{:X}</Etag><Content-Length>{}</Content-Length>",
                     *rc::gen::arbitrary<std::uint32_t>(), *rc::gen::element(0, 7, 1 << 30));
  out += a_property("Content-Type") + a_property("Content-Encoding") + a_property("Content-MD5");
  out += *rc::gen::element<std::string>("", "<CopyStatus>pending</CopyStatus>",
                                        "<CopyStatus>success</CopyStatus>",
                                        "<ResourceType>directory</ResourceType>");
  out += a_space() + "</Properties>";
  out += *rc::gen::element<std::string>(
      "", "<Metadata/>", "<Metadata><Name>x</Name><Etag>&lt;y&gt;</Etag></Metadata>",
      "<Metadata><Hdi_isFolder>true</Hdi_isFolder></Metadata>",
      "<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>");
  return out + "<OrMetadata /></Blob>";
}

std::string a_page() {
  std::string out = maybe("\xEF\xBB\xBF") + maybe("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
  out += "<EnumerationResults ServiceEndpoint=\"https://a/\">" + maybe("<Prefix>p</Prefix>") + "<Blobs>";
  int rows = *rc::gen::inRange(0, 12);
  std::vector<std::string> written;
  for (int i = 0; i < rows; ++i) {
    // Rows that look like an earlier one are what the fast way is for.
    bool repeat = !written.empty() && *rc::gen::arbitrary<bool>();
    written.push_back(repeat ? *rc::gen::elementOf(written) : a_blob());
    out += a_space() + written.back();
    if (*rc::gen::inRange(0, 8) == 0)
      out += "<BlobPrefix><Name>" + escaped(*a_text()) + "</Name></BlobPrefix>";
  }
  return out + "</Blobs>" + maybe("<NextMarker>" + escaped(*a_text()) + "</NextMarker>") +
         "</EnumerationResults>";
}

// One random wound: a run of bytes removed, doubled, or replaced by something that means something.
std::string wounded(std::string text) {
  auto at = static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(text.size())));
  auto length = std::min(static_cast<std::size_t>(*rc::gen::inRange(1, 40)), text.size() - at);
  std::string bit =
      *rc::gen::element<std::string>("<", ">", "/", "&", "\"", "</Blob>", "<Blob>", "<Name>x</Name>", "<X>",
                                     "</X>", "<!-- -->", "<![CDATA[x]]>", " ", "x", "\xFF", "</Properties>",
                                     "<Blobs>", "&#x41;", "=", "<Metadata>", "</Metadata>");
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return text.erase(at, length);
    case 1:
      return text.insert(at, text.substr(at, length));
    case 2:
      return text.replace(at, length, bit);
    default:
      return text.insert(at, bit);
  }
}

RC_GTEST_PROP(ListPageOracle, agrees_with_a_full_parser_on_every_page, ()) {
  std::string page = a_page();
  auto piece = static_cast<std::size_t>(*rc::gen::inRange(1, 2000));
  auto theirs = parse_with_pugixml(page);
  RC_ASSERT(theirs.has_value());
  auto ours = parse_with_decoder(page, piece);
  RC_ASSERT(ours.has_value());
  RC_ASSERT(ours->next_marker == theirs->next_marker);
  RC_ASSERT(ours->prefixes == theirs->prefixes);
  RC_ASSERT(ours->blobs == theirs->blobs);
}

RC_GTEST_PROP(ListPageOracle, agrees_wherever_both_accept_a_damaged_page, ()) {
  std::string page = a_page();
  int wounds = *rc::gen::inRange(1, 3);
  for (int i = 0; i < wounds && !page.empty(); ++i) page = wounded(page);
  auto ours = parse_with_decoder(page, static_cast<std::size_t>(*rc::gen::inRange(1, 2000)));
  RC_CLASSIFY(ours.has_value());
  if (!ours) return;
  auto theirs = parse_with_pugixml(page);
  if (!theirs) return;
  RC_ASSERT(ours->next_marker == theirs->next_marker);
  RC_ASSERT(ours->prefixes == theirs->prefixes);
  RC_ASSERT(ours->blobs == theirs->blobs);
}

RC_GTEST_PROP(ListPageOracle, damaged_page_means_the_same_in_any_pieces, ()) {
  std::string page = wounded(a_page());
  auto whole = parse_with_decoder(page, page.size() + 1);
  auto parts = parse_with_decoder(page, static_cast<std::size_t>(*rc::gen::inRange(1, 300)));
  RC_ASSERT(whole == parts);
}

}  // namespace
}  // namespace abo::listing
