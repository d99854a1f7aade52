// Legal names from any text. Names of blobs are nearly free text; names of objects and values of labels are not.
// All functions are pure and deterministic: exactly-once rests on the same blob always giving the same name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/trigger_key.h"

namespace abo::render {

enum class NameForm : std::uint8_t {
  Subdomain,   // DNS-1123 subdomain: dots are legal
  Label,       // DNS-1123 label: no dots
  LabelValue,  // a label's value: upper case and '_' as well, may be empty
};

// What a kind asks of its names.
struct NameRule {
  NameForm form = NameForm::Subdomain;
  std::size_t limit = 253;          // bytes
  bool begins_with_letter = false;  // DNS-1035, as Services ask
};

inline constexpr std::size_t label_value_limit = 63;

// 63 for Job and Workflow, 52 for CronJob and CronWorkflow, 253 else. Services and Indexed Jobs (whose Pods are named
// after them, with their index) take no dots.
[[nodiscard]] NameRule name_rule(const json::object& manifest);

// A variable's value made legal: lower case, every illegal byte to '-', runs of '-' joined, every part between dots
// trimmed to begin and end with a letter or digit, empty parts dropped. "" when nothing is left.
// Without dots when the form has none: they become '-' as well.
[[nodiscard]] std::string legalised(std::string_view value, NameForm form);

// The name when it fits, else its beginning and "-<hash>". Keeps legal names legal.
[[nodiscard]] std::string cut(std::string_view name, std::size_t limit, std::string_view hash);

// "<name>-<hash>" within the limit, and never `name` itself.
[[nodiscard]] std::string fallback_name(std::string_view name, std::size_t limit, const TriggerKey& key);

[[nodiscard]] bool is_legal(std::string_view name, const NameRule& rule);

}  // namespace abo::render
