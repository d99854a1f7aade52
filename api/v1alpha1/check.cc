#include "api/v1alpha1/check.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "api/v1alpha1/fields.h"
#include "base/nearest.h"
#include "base/time.h"

namespace abo::api {
namespace {

using Problems = std::vector<Problem>;

// A number of characters is a number of code points, as for the API server.
std::int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// The beginning of a text that somebody else chose, cut between characters.
std::string_view beginning(std::string_view text) {
  constexpr std::size_t enough = 64;
  if (text.size() <= enough) return text;
  std::size_t end = enough;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::string_view type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

std::string join(const std::vector<std::string_view>& words, std::string_view last_link) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? last_link : ", ";
    text += words[i];
  }
  return text;
}

std::string bounds(const Field& field, std::string_view unit) {
  if (field.min && field.max) return fmt::format("between {} and {}{}", *field.min, *field.max, unit);
  if (field.min) return fmt::format("at least {}{}", *field.min, unit);
  return fmt::format("at most {}{}", *field.max, unit);
}

bool within(const Field& field, std::int64_t number) {
  return (!field.min || number >= *field.min) && (!field.max || number <= *field.max);
}

bool fits(const Field& field, std::string_view text) {
  // The patterns are constants of the table, few and used for ever: compiled once each, on the one thread
  // there is.
  static std::map<std::string_view, std::unique_ptr<RE2>> compiled;
  auto& pattern = compiled[field.pattern];
  if (!pattern) pattern = std::make_unique<RE2>(re2::StringPiece(field.pattern.data(), field.pattern.size()));
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern);
}

std::string wrong_type(std::string_view wanted, const json::value& value) {
  return fmt::format("must be {}, got {}", wanted, type_of(value));
}

// "" when all is well, else what is wrong: for the fields that have no fields below.
std::string string_problem(const Field& field, const json::value& value) {
  const json::string* text = value.if_string();
  if (!text) return wrong_type("a string", value);
  if (auto words = field.words(); !words.empty()) {
    if (std::ranges::find(words, std::string_view(*text)) != words.end()) return {};
    auto meant = nearest(*text, words);
    return fmt::format("must be {}{}", join(words, " or "),
                       meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
  }
  if (std::int64_t length = characters(*text); !within(field, length)) {
    if (length == 0) return "must not be empty";
    return fmt::format("must be {}, got {}", bounds(field, " characters long"), length);
  }
  if (!field.pattern.empty() && !fits(field, *text)) return fmt::format("must be {}", field.pattern_means);
  return {};
}

std::string integer_problem(const Field& field, const json::value& value) {
  if (!value.is_number()) return wrong_type("an integer", value);
  json::error_code inexact;
  auto number = value.to_number<std::int64_t>(inexact);
  if (inexact) return "must be an integer that fits into 64 bits";
  if (!within(field, number)) return fmt::format("must be {}, got {}", bounds(field, ""), number);
  return {};
}

std::string time_problem(const json::value& value) {
  const json::string* text = value.if_string();
  if (!text) return wrong_type("a string", value);
  return parse_rfc3339(*text) ? "" : "must be a time such as 2026-11-22T05:30:00Z";
}

// The member, unless it is absent or null: the API server drops a null before it looks any closer.
const json::value* written(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

class Checker {
 public:
  // `path` is the field's, with positions instead of "[]".
  void check(const Field& field, const std::string& path, const json::value& value) {
    switch (field.type) {
      case FieldType::String:
        return note(path, string_problem(field, value));
      case FieldType::Time:
        return note(path, time_problem(value));
      case FieldType::Integer:
        return note(path, integer_problem(field, value));
      case FieldType::Boolean:
        return note(path, value.is_bool() ? "" : wrong_type("true or false", value));
      case FieldType::Opaque:
        return note(path, value.is_object() ? "" : wrong_type("an object", value));
      case FieldType::Object:
        return check_object(field.path, path, value);
      case FieldType::List:
        return check_list(field, path, value);
    }
  }

  void note(std::string path, std::string message) {
    if (!message.empty()) problems_.push_back({std::move(path), std::move(message)});
  }

  Problems take() { return std::move(problems_); }

 private:
  void check_object(std::string_view parent, const std::string& path, const json::value& value) {
    const json::object* object = value.if_object();
    if (!object) return note(path, wrong_type("an object", value));
    auto known = children(parent);
    check_names(known, path, *object);
    for (const Field* field : known) {
      const json::value* child = written(*object, field->name());
      std::string child_path = fmt::format("{}.{}", path, field->name());
      if (child) {
        check(*field, child_path, *child);
      } else if (field->required) {
        note(child_path, "is required");
      }
    }
  }

  void check_names(const std::vector<const Field*>& known, const std::string& path,
                   const json::object& object) {
    std::vector<std::string_view> names;
    for (const Field* field : known) names.push_back(field->name());
    for (const auto& member : object) {
      if (std::ranges::find(names, std::string_view(member.key())) != names.end()) continue;
      auto meant = nearest(member.key(), names);
      note(fmt::format("{}.{}", path, beginning(member.key())),
           meant.empty() ? "unknown field" : fmt::format("unknown field; did you mean {}?", meant));
    }
  }

  void check_list(const Field& field, const std::string& path, const json::value& value) {
    const json::array* list = value.if_array();
    if (!list) return note(path, wrong_type("a list", value));
    std::string items = fmt::format("{}[]", field.path);
    if (field.max && std::cmp_greater(list->size(), *field.max)) {
      return note(path, fmt::format("must have at most {} entries, got {}", *field.max, list->size()));
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      check_object(items, fmt::format("{}[{}]", path, i), (*list)[i]);
    }
  }

  Problems problems_;
};

void check_rules(const json::object& spec, Checker& checker) {
  auto violated = [&checker](const SpecRule& rule) {
    checker.note(std::string(rule.field), std::string(rule.text));
  };
  if (written(spec, "credentialsSecret") && written(spec, "identity")) violated(one_credential);
  auto smallest = find_int(spec, {"minSizeBytes"});
  auto largest = find_int(spec, {"maxSizeBytes"});
  if (smallest && largest && *smallest > *largest) violated(sizes_in_order);
  bool named =
      written(spec, "storageAccount") || written(spec, "endpoint") || written(spec, "credentialsSecret");
  if (!named) violated(account_known);
  bool of_the_node = find_string(spec, {"identity", "type"}) == "ManagedIdentity";
  if (of_the_node && find(spec, {"identity", "serviceAccountName"})) violated(node_identity_is_the_nodes);
}

}  // namespace

std::vector<Problem> check(const json::value& value, std::string_view root) {
  Checker checker;
  if (const Field* field = find_field(root)) checker.check(*field, std::string(root), value);
  return checker.take();
}

std::vector<Problem> check_spec(const json::value& spec) {
  Checker checker;
  checker.check(*find_field("spec"), "spec", spec);
  if (const json::object* object = spec.if_object()) check_rules(*object, checker);
  return checker.take();
}

}  // namespace abo::api
