// One element of a List Blobs answer, cut into the fields this program cares about but not decoded yet. Which
// element is a field depends on where it stands: a metadata key called Name or Etag is not one. Pure; views
// into the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace abo::listing {

enum class Field : std::uint8_t {
  Ignored,
  Name,
  Etag,
  LastModified,
  ContentLength,
  ContentType,
  ContentMd5,
  CopyStatus,
  ResourceType,
  Deleted,
  Snapshot,
  VersionId,
  IsCurrentVersion,
  HasVersionsOnly,
  HdiIsFolder,
};
inline constexpr std::size_t field_count = 15;

// The element's name as the service writes it: for error texts.
[[nodiscard]] std::string_view to_string(Field field);

struct RawRow {
  std::array<std::string_view, field_count> values{};  // absent and empty elements both read as ""
  std::uint32_t with_entities = 0;                     // bit n: values[n] holds an '&'
  bool name_encoded = false;                           // <Name Encoded="true">

  [[nodiscard]] std::string_view at(Field field) const { return values[static_cast<std::size_t>(field)]; }
  [[nodiscard]] bool has_entities(Field field) const {
    return with_entities >> static_cast<unsigned>(field) & 1U;
  }
};

// Where the values stood: what row_shape.h learns from.
struct RowTrace {
  struct Slot {
    const char* begin;
    const char* end;
    Field field;
  };
  std::vector<Slot> slots;
  bool regular = true;  // false when text stands where no slot is
};

enum class ElementKind : std::uint8_t {
  Blob,
  BlobPrefix,
  Leaf,   // its own text becomes Field::Name
  Other,  // skipped: only checked for being well-formed
};

enum class ReadOutcome : std::uint8_t { Complete, More, Bad };

struct ReadResult {
  ReadOutcome outcome = ReadOutcome::Bad;
  const char* end = nullptr;     // Complete: behind the element
  std::string_view complaint{};  // Bad: what is wrong; a literal
};

inline constexpr std::size_t max_depth = 16;  // the deepest real one is Blob/Tags/TagSet/Tag/Key

// Reads the one element that begins at `begin`. `trace` may be null.
[[nodiscard]] ReadResult read_element(const char* begin, const char* end, ElementKind kind, RawRow& row,
                                      RowTrace* trace);

}  // namespace abo::listing
