// One table of everything an AzureBlobWatcher may hold, spec and status. From it come the CRD's schema, the
// reference page, and the checks of the decoder, so that they cannot tell different stories. Constant data,
// no owner.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abo::api {

enum class FieldType : std::uint8_t {
  String,
  Time,  // a string in RFC 3339 form
  Integer,
  Boolean,
  Object,  // its fields are the rows below "<path>."
  List,    // of objects, whose fields are the rows below "<path>[]."
  Opaque,  // an object whose inside is nobody's business but ours
};

// A row. Paths are those users write, with "[]" behind a list: "status.conditions[].type".
struct Field {
  std::string_view path;
  FieldType type = FieldType::String;
  bool required = false;

  // Bounds, both included: of a number's value, of a string's length in characters, of a list's entries.
  std::optional<std::int64_t> min{};
  std::optional<std::int64_t> max{};

  std::string_view default_json{};                // "60", "\"Delete\""; empty: none
  std::array<std::string_view, 3> enumeration{};  // the legal words; unused places are empty
  std::string_view pattern{};                     // RE2 and Go alike, anchored
  std::string_view pattern_means{};               // what a user is told to write: "must be <this>"

  std::string_view example{};  // as YAML
  std::string_view description{};

  [[nodiscard]] std::string_view name() const;    // the last part of the path
  [[nodiscard]] std::string_view parent() const;  // the path before it, with "[]" when that is a list
  [[nodiscard]] std::vector<std::string_view> words() const;  // the enumeration without its unused places
};

// In the order in which users should read them; parents stand before their children.
[[nodiscard]] std::span<const Field> fields();

// Nothing for an unknown path.
[[nodiscard]] const Field* find_field(std::string_view path);

// The rows right below `parent` ("spec", "spec.jobTemplate", "status.conditions[]").
[[nodiscard]] std::vector<const Field*> children(std::string_view parent);

// A rule of the spec that no single field's row can say. Each stands in the CRD as a validation in CEL, on the
// reference page, and, unless it compares with an earlier spec, in the decoder.
struct SpecRule {
  std::string_view field;  // which one the error points at
  std::string_view text;   // what is demanded, behind the field's name
  std::string_view cel;    // over `self`, and `oldSelf` when it is about changes: true when all is well
};
extern const SpecRule one_credential;
extern const SpecRule sizes_in_order;
extern const SpecRule account_known;
extern const SpecRule node_identity_is_the_nodes;
extern const SpecRule same_account;    // about changes: the API server's to check
extern const SpecRule same_container;  // likewise

// All of them, in the order of their fields.
[[nodiscard]] std::span<const SpecRule* const> spec_rules();

// Printer columns of `kubectl get azureblobwatchers`.
struct PrinterColumn {
  std::string_view name;
  std::string_view type;
  std::string_view json_path;
  std::string_view description;
  bool wide = false;
};
[[nodiscard]] std::span<const PrinterColumn> printer_columns();

}  // namespace abo::api
