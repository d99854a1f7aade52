#include "listing/raw_row.h"

#include <algorithm>
#include <utility>

#include "listing/xml_scanner.h"

namespace abo::listing {
namespace {

using NamedField = std::pair<std::string_view, Field>;

constexpr NamedField blob_fields[] = {{"Name", Field::Name},
                                      {"Deleted", Field::Deleted},
                                      {"Snapshot", Field::Snapshot},
                                      {"VersionId", Field::VersionId},
                                      {"IsCurrentVersion", Field::IsCurrentVersion},
                                      {"HasVersionsOnly", Field::HasVersionsOnly}};
constexpr NamedField property_fields[] = {
    {"Last-Modified", Field::LastModified},   {"Etag", Field::Etag},
    {"Content-Length", Field::ContentLength}, {"Content-Type", Field::ContentType},
    {"Content-MD5", Field::ContentMd5},       {"CopyStatus", Field::CopyStatus},
    {"ResourceType", Field::ResourceType}};
constexpr std::string_view folder_key = "hdi_isfolder";

// What the children of an open element may be.
enum class Region : std::uint8_t { Blob, Prefix, Properties, Metadata, Elsewhere };
constexpr std::size_t region_count = 5;

struct Place {
  Region region = Region::Elsewhere;
  Field field = Field::Ignored;
};

template <std::size_t N>
Field look_up(const NamedField (&fields)[N], std::string_view name) {
  for (const auto& [known, field] : fields) {
    if (known == name) return field;
  }
  return Field::Ignored;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

Place child_place(Region parent, std::string_view name) {
  switch (parent) {
    case Region::Blob:
      if (name == "Properties") return {Region::Properties, Field::Ignored};
      if (name == "Metadata") return {Region::Metadata, Field::Ignored};
      return {Region::Elsewhere, look_up(blob_fields, name)};
    case Region::Prefix:
      return {Region::Elsewhere, name == "Name" ? Field::Name : Field::Ignored};
    case Region::Properties:
      return {Region::Elsewhere, look_up(property_fields, name)};
    case Region::Metadata:
      return {Region::Elsewhere,
              equals_ignoring_case(name, folder_key) ? Field::HdiIsFolder : Field::Ignored};
    case Region::Elsewhere:
      return {};
  }
  return {};
}

Place root_place(ElementKind kind) {
  switch (kind) {
    case ElementKind::Blob:
      return {Region::Blob, Field::Ignored};
    case ElementKind::BlobPrefix:
      return {Region::Prefix, Field::Ignored};
    case ElementKind::Leaf:
      return {Region::Elsewhere, Field::Name};
    case ElementKind::Other:
      return {};
  }
  return {};
}

// The state of one read: the open elements, and the text that stands directly behind the last start tag.
class ElementReader {
 public:
  ElementReader(ElementKind kind, RawRow& row, RowTrace* trace) : kind_(kind), row_(row), trace_(trace) {}

  ReadResult read(const char* begin, const char* end) {
    const char* at = begin;
    do {
      Token token = scan_token(at, end);
      if (token.kind == TokenKind::More) return {ReadOutcome::More};
      std::string_view complaint = take(token);
      if (!complaint.empty()) return {ReadOutcome::Bad, at, complaint};
      at = token.end;
    } while (depth_ > 0);
    return {ReadOutcome::Complete, at};
  }

 private:
  struct Open {
    std::string_view name;
    Place place;
  };

  std::string_view take(const Token& token) {
    switch (token.kind) {
      case TokenKind::Start:
        return open(token);
      case TokenKind::Empty:
        return empty(token);
      case TokenKind::End:
        return close(token);
      case TokenKind::Text:
        return text(token);
      case TokenKind::More:
      case TokenKind::Bad:
        break;
    }
    return "a tag that is not well-formed, or a comment, CDATA or processing instruction";
  }

  // Both kinds of start tag: where does the new element stand, and may it?
  std::string_view enter(const Token& token, Place& place) {
    if (depth_ == 0) {
      place = root_place(kind_);
    } else {
      const Open& parent = open_[depth_ - 1];
      if (parent.place.field != Field::Ignored) return "an element inside a value";
      if (auto complaint = settle_mixed_text(); !complaint.empty()) return complaint;
      place = child_place(parent.place.region, token.name);
    }
    // Fields and what holds them: of two <Properties>, which would be the blob's?
    bool twice = (place.field != Field::Ignored &&
                  std::exchange(seen_[static_cast<std::size_t>(place.field)], true)) ||
                 (place.region != Region::Elsewhere &&
                  std::exchange(region_seen_[static_cast<std::size_t>(place.region)], true));
    return twice ? "the same element twice in one row" : "";
  }

  std::string_view open(const Token& token) {
    Place place;
    if (auto complaint = enter(token, place); !complaint.empty()) return complaint;
    if (depth_ == max_depth) return "elements nested too deep";
    if (place.field == Field::Name) {
      auto encoded = find_attribute(token.attributes, "Encoded");
      if (encoded && *encoded != "true" && *encoded != "false")
        return "a value of Encoded that is not true or false";
      row_.name_encoded = encoded == "true";
    }
    open_[depth_++] = {token.name, place};
    innermost_ = true;
    text_begin_ = text_end_ = token.end;
    return {};
  }

  std::string_view empty(const Token& token) {
    Place place;
    if (auto complaint = enter(token, place); !complaint.empty()) return complaint;
    innermost_ = false;
    return {};
  }

  std::string_view text(const Token& token) {
    if (innermost_) {
      text_begin_ = token.begin;
      text_end_ = token.end;
      return {};
    }
    return stray(token.text);
  }

  std::string_view close(const Token& token) {
    if (depth_ == 0 || open_[depth_ - 1].name != token.name) return "an end tag that fits no start tag";
    const Open& element = open_[--depth_];
    if (!std::exchange(innermost_, false)) return {};
    std::string_view value{text_begin_, static_cast<std::size_t>(text_end_ - text_begin_)};
    if (element.place.region != Region::Elsewhere) return stray(value);
    if (trace_) trace_->slots.push_back({text_begin_, text_end_, element.place.field});
    if (element.place.field == Field::Ignored) return {};
    auto index = static_cast<std::size_t>(element.place.field);
    row_.values[index] = value;
    if (value.contains('&')) row_.with_entities |= 1U << index;
    return {};
  }

  // Text that turned out to stand before a child element.
  std::string_view settle_mixed_text() {
    if (!std::exchange(innermost_, false)) return {};
    return stray({text_begin_, static_cast<std::size_t>(text_end_ - text_begin_)});
  }

  // Text beside elements: white space anywhere, more only in what is skipped.
  std::string_view stray(std::string_view value) {
    if (is_blank(value)) return {};
    if (trace_) trace_->regular = false;
    return open_[depth_ > 0 ? depth_ - 1 : 0].place.region == Region::Elsewhere ? ""
                                                                                : "text between elements";
  }

  ElementKind kind_;
  RawRow& row_;
  RowTrace* trace_;
  std::array<Open, max_depth> open_{};
  std::array<bool, field_count> seen_{};
  std::array<bool, region_count> region_seen_{};
  std::size_t depth_ = 0;
  bool innermost_ = false;  // nothing but text was seen since the last start tag
  const char* text_begin_ = nullptr;
  const char* text_end_ = nullptr;
};

}  // namespace

std::string_view to_string(Field field) {
  switch (field) {
    case Field::Ignored:
      return "(ignored)";
    case Field::Name:
      return "Name";
    case Field::Etag:
      return "Etag";
    case Field::LastModified:
      return "Last-Modified";
    case Field::ContentLength:
      return "Content-Length";
    case Field::ContentType:
      return "Content-Type";
    case Field::ContentMd5:
      return "Content-MD5";
    case Field::CopyStatus:
      return "CopyStatus";
    case Field::ResourceType:
      return "ResourceType";
    case Field::Deleted:
      return "Deleted";
    case Field::Snapshot:
      return "Snapshot";
    case Field::VersionId:
      return "VersionId";
    case Field::IsCurrentVersion:
      return "IsCurrentVersion";
    case Field::HasVersionsOnly:
      return "HasVersionsOnly";
    case Field::HdiIsFolder:
      return "hdi_isfolder";
  }
  return "(ignored)";
}

ReadResult read_element(const char* begin, const char* end, ElementKind kind, RawRow& row, RowTrace* trace) {
  row = {};
  if (trace) {
    trace->slots.clear();
    trace->regular = true;
  }
  return ElementReader(kind, row, trace).read(begin, end);
}

}  // namespace abo::listing
