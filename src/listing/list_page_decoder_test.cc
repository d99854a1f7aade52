#include "listing/list_page_decoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace abo::listing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Outcome {
  std::vector<BlobItem> blobs;
  std::vector<std::string> prefixes;
  Result<ListPage> page;
};

Outcome decode_in(const std::vector<std::string_view>& pieces) {
  Outcome outcome;
  ListPageDecoder decoder([&](const BlobView& blob) { outcome.blobs.push_back(own(blob)); },
                          [&](std::string_view prefix) { outcome.prefixes.emplace_back(prefix); });
  for (std::string_view piece : pieces) static_cast<void>(decoder.feed(piece));
  outcome.page = decoder.finish();
  return outcome;
}

Outcome decode(std::string_view text) {
  return decode_in({text});
}

constexpr std::string_view properties =
    "<Last-Modified>Sun, 22 Nov 2026 05:30:00 "
    "GMT</Last-Modified><Etag>0x8D1</Etag><Content-Length>7</Content-Length>";

std::string page_of(std::string_view rows, std::string_view tail = "<NextMarker/>") {
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://a/\" "
      "ContainerName=\"c\"><Blobs>{}</Blobs>{}</EnumerationResults>",
      rows, tail);
}

std::string blob(std::string_view name, std::string_view more_properties = "", std::string_view more = "") {
  return fmt::format("<Blob><Name>{}</Name>{}<Properties>{}{}</Properties></Blob>", name, more, properties,
                     more_properties);
}

std::vector<std::string> names(const Outcome& outcome) {
  std::vector<std::string> out;
  for (const auto& item : outcome.blobs) out.push_back(item.name);
  return out;
}

std::string complaint(const Outcome& outcome) {
  if (outcome.page) return "";
  EXPECT_EQ(outcome.page.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(outcome.page.error().reason, Reason::InvalidResponse);
  return outcome.page.error().message;
}

// A page as Azure writes it, with one row of every kind.
std::string rich_page() {
  return "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<EnumerationResults "
         "ServiceEndpoint=\"https://acct.blob.core.windows.net/\" ContainerName='c'><Prefix>raw/</Prefix>"
         "<MaxResults>5000</MaxResults><Blobs>" +
         blob("raw/a &amp; b&#xD;&lt;Blob&gt;.csv",
              "<Content-Type>text/csv</Content-Type><Content-MD5>q/9=</Content-MD5>") +
         blob("raw/plain.csv") + blob("raw/plain2.csv") +
         blob("raw/plain3.csv", "<CopyStatus>pending</CopyStatus>") +
         "<BlobPrefix><Name>raw/sub/</Name></BlobPrefix>"
         "<Blob><Name Encoded=\"true\">raw/%EF%BF%BE</Name><Properties>" +
         std::string(properties) +
         "</Properties><Metadata><Name>x</Name><Etag>x</Etag><Last-Modified>x</Last-Modified></Metadata>"
         "<Tags><TagSet><Tag><Key>Name</Key><Value>&lt;/Blob&gt;</Value></Tag></TagSet></Tags><OrMetadata/></"
         "Blob>" +
         blob("raw/old.csv", "", "<Snapshot>2026-11-22T05:30:00.0000000Z</Snapshot>") +
         "</Blobs><NextMarker>2!76!a&amp;b</NextMarker></EnumerationResults>\n";
}

TEST(ListPage, gives_every_field_of_every_blob) {
  Outcome outcome = decode(rich_page());
  ASSERT_TRUE(outcome.page) << outcome.page.error().message;
  EXPECT_THAT(names(outcome), ElementsAre("raw/a & b\r<Blob>.csv", "raw/plain.csv", "raw/plain2.csv",
                                          "raw/plain3.csv", "raw/\xEF\xBF\xBE"));
  ServiceTime modified = *parse_rfc1123("Sun, 22 Nov 2026 05:30:00 GMT");
  EXPECT_EQ(outcome.blobs[0],
            (BlobItem{"raw/a & b\r<Blob>.csv", "0x8D1", modified, 7, "text/csv", "q/9=", false}));
  EXPECT_TRUE(outcome.blobs[3].copy_pending);
  EXPECT_THAT(outcome.prefixes, ElementsAre("raw/sub/"));
  EXPECT_EQ(outcome.page->next_marker, "2!76!a&b");
  EXPECT_EQ(outcome.page->blobs, 5);
  EXPECT_EQ(outcome.page->left_out, 1);
  EXPECT_EQ(outcome.page->prefixes, 1);
}

TEST(ListPage, is_the_same_however_it_is_cut_in_two) {
  std::string text = rich_page();
  Outcome whole = decode(text);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Outcome parts = decode_in({std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)});
    ASSERT_TRUE(parts.page) << cut << ": " << parts.page.error().message;
    ASSERT_EQ(parts.blobs, whole.blobs) << cut;
    ASSERT_EQ(parts.prefixes, whole.prefixes) << cut;
    ASSERT_EQ(parts.page->next_marker, whole.page->next_marker) << cut;
  }
}

TEST(ListPage, is_the_same_in_pieces_of_every_size) {
  std::string text = rich_page();
  Outcome whole = decode(text);
  for (std::size_t size : {1U, 2U, 3U, 7U, 64U, 100U, 699U}) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size(); at += size)
      pieces.push_back(std::string_view(text).substr(at, size));
    Outcome parts = decode_in(pieces);
    ASSERT_TRUE(parts.page) << size << ": " << parts.page.error().message;
    ASSERT_EQ(parts.blobs, whole.blobs) << size;
  }
}

TEST(ListPage, cut_off_anywhere_is_an_error) {
  std::string text = rich_page();
  text.pop_back();  // without the line break the document ends with its end tag
  for (std::size_t end = 0; end < text.size(); ++end) {
    ASSERT_NE(complaint(decode(std::string_view(text).substr(0, end))), "") << end;
  }
}

TEST(ListPage, may_be_empty_with_a_marker) {
  for (std::string_view blobs : {"<Blobs/>", "<Blobs />", "<Blobs></Blobs>", "<Blobs>\n</Blobs>"}) {
    Outcome outcome = decode(
        fmt::format("<EnumerationResults>{}<NextMarker>more</NextMarker></EnumerationResults>", blobs));
    ASSERT_TRUE(outcome.page) << blobs;
    EXPECT_EQ(outcome.page->next_marker, "more");
    EXPECT_EQ(outcome.page->blobs, 0);
  }
}

TEST(ListPage, without_a_marker_is_the_last) {
  for (std::string_view tail : {"", "<NextMarker/>", "<NextMarker />", "<NextMarker></NextMarker>"}) {
    Outcome outcome = decode(page_of(blob("a"), tail));
    ASSERT_TRUE(outcome.page) << tail;
    EXPECT_EQ(outcome.page->next_marker, "");
  }
}

TEST(ListPage, leaves_out_rows_that_are_no_current_blob) {
  auto left_out = [](std::string_view row) {
    Outcome outcome = decode(page_of(row));
    EXPECT_TRUE(outcome.page) << row;
    return outcome.page && outcome.page->left_out == 1 && outcome.blobs.empty();
  };
  EXPECT_TRUE(left_out(blob("a", "", "<Deleted>true</Deleted>")));
  EXPECT_TRUE(left_out(blob("a", "", "<Snapshot>2026</Snapshot>")));
  EXPECT_TRUE(left_out(blob("a", "", "<VersionId>2026</VersionId>")));
  EXPECT_TRUE(
      left_out(blob("a", "", "<VersionId>2026</VersionId><IsCurrentVersion>false</IsCurrentVersion>")));
  EXPECT_TRUE(left_out("<Blob><Name>a</Name><HasVersionsOnly>true</HasVersionsOnly></Blob>"));
  EXPECT_TRUE(left_out(blob("a", "<ResourceType>directory</ResourceType>")));
  for (std::string_view key : {"hdi_isfolder", "Hdi_IsFolder", "HDI_ISFOLDER"}) {
    auto marked = [&](std::string_view more) {
      return fmt::format(
          "<Blob><Name>a</Name><Properties>{}</Properties><Metadata><{}>True</{}></Metadata></Blob>", more,
          key, key);
    };
    EXPECT_TRUE(left_out(marked("<Etag>0x8D1</Etag><Content-Length>0</Content-Length>")));
    EXPECT_FALSE(left_out(marked(properties))) << "it holds something";
  }
  EXPECT_FALSE(
      left_out(blob("a", "", "<VersionId>2026</VersionId><IsCurrentVersion>true</IsCurrentVersion>")));
  EXPECT_FALSE(left_out(blob("a", "<ResourceType>file</ResourceType>", "<Deleted>false</Deleted>")));
  EXPECT_FALSE(left_out(blob("a", "<hdi_isfolder>true</hdi_isfolder>", "<Deleted/><Snapshot/><VersionId/>")));
}

TEST(ListPage, tells_a_hierarchical_namespace_by_its_rows) {
  auto hierarchical = [](std::string_view row) { return decode(page_of(row)).page.value().hierarchical; };
  EXPECT_TRUE(hierarchical(blob("a", "<ResourceType>file</ResourceType>")));
  EXPECT_TRUE(hierarchical(blob("a", "<ResourceType>directory</ResourceType>")));
  EXPECT_FALSE(hierarchical(blob("a")));
}

TEST(ListPage, keeps_the_white_space_of_names) {
  Outcome outcome = decode(page_of(blob(" a\t\nb ") + blob(" ")));
  EXPECT_THAT(names(outcome), ElementsAre(" a\t\nb ", " "));
}

TEST(ListPage, decodes_percent_only_where_it_says_so) {
  Outcome outcome = decode(page_of(blob("100%25") + "<Blob><Name Encoded=\"false\">%41</Name><Properties>" +
                                   std::string(properties) +
                                   "</Properties></Blob><Blob><Name Encoded='true'>%41&amp;</Name>"
                                   "<Properties>" +
                                   std::string(properties) + "</Properties></Blob>"));
  EXPECT_THAT(names(outcome), ElementsAre("100%25", "%41", "A&"));
}

TEST(ListPage, undoes_every_entity) {
  Outcome outcome = decode(page_of(blob("&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#x1F600;&#xd;")));
  EXPECT_THAT(names(outcome), ElementsAre("&<>\"'AB\xF0\x9F\x98\x80\r"));
}

TEST(ListPage, strips_the_quotes_of_etags) {
  for (std::string_view etag : {"\"0x1\"", "&quot;0x1&quot;", "W/\"0x1\"", "0x1"}) {
    Outcome outcome =
        decode(page_of(fmt::format("<Blob><Name>a</Name><Properties><Last-Modified>Sun, 22 Nov 2026 05:30:00 "
                                   "GMT</Last-Modified><Etag>{}</Etag>"
                                   "<Content-Length>0</Content-Length></Properties></Blob>",
                                   etag)));
    ASSERT_TRUE(outcome.page) << etag;
    EXPECT_EQ(outcome.blobs.at(0).etag, "0x1");
  }
}

TEST(ListPage, reads_the_time_of_every_row) {
  std::string rows;
  std::vector<std::string> times = {"Sun, 22 Nov 2026 05:30:00 GMT", "Sun, 22 Nov 2026 23:59:59 GMT",
                                    "Sun, 22 Nov 2026 23:59:60 GMT", "Sun, 22 Nov 2026 00:00:01 GMT",
                                    "Thu, 29 Feb 2024 12:00:00 GMT", "Sun, 22 Nov 2026 05:30:01 GMT"};
  for (const auto& time : times) {
    rows += fmt::format(
        "<Blob><Name>a</Name><Properties><Last-Modified>{}</Last-Modified><Etag>e</Etag>"
        "<Content-Length>0</Content-Length></Properties></Blob>",
        time);
  }
  Outcome outcome = decode(page_of(rows));
  ASSERT_EQ(outcome.blobs.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_EQ(outcome.blobs[i].last_modified, *parse_rfc1123(times[i]));
}

TEST(ListPage, row_lacking_a_field_is_an_error_that_names_it) {
  for (std::string_view field : {"Name", "Last-Modified", "Etag", "Content-Length"}) {
    std::string row = blob("a");
    std::size_t begin = row.find(fmt::format("<{}>", field)), end = row.find(fmt::format("</{}>", field));
    std::string without = row.substr(0, begin) + row.substr(end + field.size() + 3);
    EXPECT_THAT(complaint(decode(page_of(without))), HasSubstr(fmt::format("<{}>", field)));
    std::string empty =
        row.substr(0, begin) + fmt::format("<{} />", field) + row.substr(end + field.size() + 3);
    EXPECT_THAT(complaint(decode(page_of(empty))), HasSubstr(fmt::format("<{}>", field)));
  }
}

TEST(ListPage, does_not_take_other_elements_for_fields) {
  // Each of these stands where it means something else, so the row still lacks its own.
  for (std::string_view field : {"Name", "Etag", "Last-Modified"}) {
    std::string row = blob("a");
    std::size_t begin = row.find(fmt::format("<{}>", field)), end = row.find(fmt::format("</{}>", field));
    std::string decoy = fmt::format("<Metadata><{0}>decoy</{0}></Metadata><X><{0}>decoy</{0}></X>", field);
    std::string without = row.substr(0, begin) + row.substr(end + field.size() + 3);
    without.insert(without.size() - std::string_view("</Blob>").size(), decoy);
    EXPECT_THAT(complaint(decode(page_of(without))), HasSubstr(fmt::format("<{}>", field)));
  }
}

TEST(ListPage, refuses_what_is_no_listing) {
  EXPECT_THAT(complaint(decode("")), HasSubstr("empty"));
  EXPECT_THAT(complaint(decode("<!DOCTYPE html><html><body>Sign in</body></html>")), HasSubstr("proxy"));
  EXPECT_THAT(complaint(decode("<html><head></head></html>")), HasSubstr("HTML"));
  EXPECT_THAT(complaint(decode("<?xml version=\"1.0\"?><Error><Code>x</Code></Error>")),
              HasSubstr("<Error>"));
  EXPECT_THAT(complaint(decode("<hunter2/>")), testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(complaint(decode("{\"error\": 1}")), HasSubstr("no XML"));
  EXPECT_THAT(complaint(decode("<?xml version=\"1.0\" encoding=\"utf-16\"?><EnumerationResults>")),
              HasSubstr("UTF-8"));
  EXPECT_THAT(complaint(decode("<EnumerationResults></EnumerationResults>")), HasSubstr("<Blobs>"));
  EXPECT_THAT(complaint(decode("<EnumerationResults/>")), HasSubstr("<Blobs>"));
}

TEST(ListPage, refuses_broken_markup) {
  for (const std::string& text : {
           page_of("<Blob><Name>a</Nam></Blob>"),
           page_of("<Blob><Name>a</Name>"),
           page_of("text" + blob("a")),
           page_of(blob("a") + "text"),
           page_of(blob("a<b")),
           page_of(blob("a", "", "text")),
           page_of(blob("a", "text")),
           page_of(blob("<![CDATA[a]]>")),
           page_of(blob("a<!-- -->")),
           page_of("<!-- -->" + blob("a")),
           page_of(blob("a") + "<?pi?>"),
           page_of(blob("a", "", "<Name>b</Name>")),
           page_of(blob("a", "<Etag>b</Etag>")),
           page_of(blob("a", "", "<Properties><Content-Type>b</Content-Type></Properties>")),
           page_of(blob("a", "", "<Metadata/><Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>")),
           page_of(blob("<b>a</b>")),
           page_of(blob("a", "", "<X y>z</X>")),
           page_of(blob("a", "", "<X y=z/>")),
           page_of(blob("a", "", "<X y=\"<\"/>")),
           page_of(blob("a", "", "<X y=\"1\"z=\"2\"/>")),
           page_of(blob("a&b;")),
           page_of(blob("a&")),
           page_of(blob("&#0;")),
           page_of(blob("&#xD800;")),
           page_of(blob("&#x110000;")),
           page_of(blob("&#;")),
           page_of(blob("&#x;")),
           page_of(blob("&#-1;")),
           page_of(blob("\xFF")),
           page_of(blob("\xC0\xAF")),
           page_of(blob("\xED\xA0\x80")),
           page_of(blob("\xF4\x90\x80\x80")),
           page_of(blob("\xE2\x82")),
           page_of(blob(std::string_view("a\0b", 3))),
           page_of(blob("a")) + "x",
           page_of(blob("a")) + "<x/>",
           page_of(blob("a"), "<NextMarker>a</NextMarker><NextMarker>b</NextMarker>"),
           page_of(blob("a"), "<Blobs></Blobs>"),
           page_of(blob("a"), "</Blobs>"),
           page_of("<Blob><Name Encoded=\"true\">%4</Name><Properties>" + std::string(properties) +
                   "</Properties></Blob>"),
           page_of("<Blob><Name Encoded=\"yes\">a</Name><Properties>" + std::string(properties) +
                   "</Properties></Blob>"),
       }) {
    EXPECT_NE(complaint(decode(text)), "") << text;
    // The row before must not teach the fast way anything wrong.
    std::string after_good_rows = text;
    if (auto at = after_good_rows.find("<Blobs>"); at != text.npos)
      after_good_rows.insert(at + 7, blob("x") + blob("y"));
    EXPECT_NE(complaint(decode(after_good_rows)), "") << after_good_rows;
  }
}

TEST(ListPage, error_names_the_same_byte_however_the_page_is_cut) {
  for (const std::string& text :
       {page_of("  \n text" + blob("a")), page_of(blob("a")) + "\n x", std::string("  x")}) {
    std::string whole = complaint(decode(text));
    ASSERT_NE(whole, "");
    for (std::size_t at = 1; at < text.size(); ++at) {
      std::string_view view = text;
      EXPECT_EQ(complaint(decode_in({view.substr(0, at), view.substr(at)})), whole) << at;
    }
  }
}

TEST(ListPage, nested_too_deep_is_an_error) {
  auto nested = [](int depth) {
    std::string open, close;
    for (int i = 0; i < depth; ++i) {
      open += "<x>";
      close += "</x>";
    }
    return page_of(blob("a", "", open + close));
  };
  EXPECT_EQ(complaint(decode(nested(15))), "");
  EXPECT_THAT(complaint(decode(nested(16))), HasSubstr("deep"));
}

TEST(ListPage, element_too_long_is_an_error_in_any_pieces) {
  std::string text = page_of(blob("a", "", "<X>" + std::string(ListPageDecoder::max_element, 'x') + "</X>"));
  EXPECT_THAT(complaint(decode(text)), HasSubstr("too long"));
  for (std::size_t size : {1000U, 16384U, 100000U}) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size(); at += size)
      pieces.push_back(std::string_view(text).substr(at, size));
    EXPECT_THAT(complaint(decode_in(pieces)), HasSubstr("too long"));
  }
  EXPECT_THAT(complaint(decode(page_of(blob(std::string(ListPageDecoder::max_name + 1, 'n'))))),
              HasSubstr("too long"));
}

TEST(ListPage, longest_real_row_fits) {
  std::string name;
  for (int i = 0; i < 1024; ++i) name += "%EF%BF%BE";  // 1,024 characters, percent-encoded
  std::string metadata = "<k>";
  for (int i = 0; i < 8192; ++i) metadata += "&amp;";
  std::string row = "<Blob><Name Encoded=\"true\">" + name + "</Name><Properties>" + std::string(properties) +
                    "</Properties><Metadata>" + metadata + "</k></Metadata></Blob>";
  EXPECT_EQ(complaint(decode(page_of(row))), "");
}

TEST(ListPage, error_stays_an_error) {
  ListPageDecoder decoder([](const BlobView&) {});
  EXPECT_FALSE(decoder.feed("nonsense"));
  EXPECT_FALSE(decoder.feed(page_of(blob("a"))));
  EXPECT_FALSE(decoder.finish());
}

}  // namespace
}  // namespace abo::listing
