#include "render/names.h"

#include <algorithm>

#include "render/object_names.h"

namespace abo::render {
namespace {

bool lower_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool alphanumeric(char c) {
  return lower_or_digit(c) || upper(c);
}

// `suffix` must begin and end with a letter or digit.
std::string with_suffix(std::string_view name, std::size_t limit, std::string_view suffix) {
  std::string out(name.substr(0, limit - suffix.size() - 1));
  while (!out.empty() && !alphanumeric(out.back())) out.pop_back();
  if (!out.empty()) out += '-';
  out += suffix;
  return out;
}

std::string trimmed(std::string_view part) {
  std::size_t first = part.find_first_not_of('-');
  if (first == part.npos) return {};
  return std::string(part.substr(first, part.find_last_not_of('-') - first + 1));
}

// How many digits the highest index of an Indexed Job has.
std::size_t index_digits(const json::object& manifest) {
  auto completions = find_int(manifest, {"spec", "completions"});
  return completions && *completions > 1 ? std::to_string(*completions - 1).size() : 1;
}

bool legal_part(std::string_view part) {
  return !part.empty() && lower_or_digit(part.front()) && lower_or_digit(part.back()) &&
         std::ranges::all_of(part, [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool legal_subdomain(std::string_view name) {
  while (true) {
    std::size_t dot = name.find('.');
    if (!legal_part(name.substr(0, dot))) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool legal_label_value(std::string_view value) {
  if (value.empty()) return true;
  return alphanumeric(value.front()) && alphanumeric(value.back()) && std::ranges::all_of(value, [](char c) {
           return alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

NameRule name_rule(const json::object& manifest) {
  std::string_view api_version = find_string(manifest, {"apiVersion"}),
                   kind = find_string(manifest, {"kind"});
  bool batch = api_version.starts_with("batch/"), argo = api_version.starts_with("argoproj.io/");
  if (batch && kind == "Job") {
    if (find_string(manifest, {"spec", "completionMode"}) != "Indexed") return {.limit = 63};
    return {NameForm::Label, 63 - 1 - index_digits(manifest)};
  }
  if (argo && kind == "Workflow") return {.limit = 63};
  if ((batch && kind == "CronJob") || (argo && kind == "CronWorkflow")) return {.limit = 52};
  bool service = api_version == "v1" || api_version.starts_with("serving.knative.dev/");
  if (service && kind == "Service") return {NameForm::Label, 63, true};
  return {};
}

std::string legalised(std::string_view value, NameForm form) {
  bool dots = form != NameForm::Label;
  std::string flat;
  for (char c : value) {
    char low = upper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
    char legal = lower_or_digit(low) || (low == '.' && dots) ? low : '-';
    if (legal != '-' || !flat.ends_with('-')) flat += legal;
  }
  std::string out;
  std::string_view rest = flat;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('.'), rest.size());
    std::string part = trimmed(rest.substr(0, end));
    if (!part.empty() && !out.empty()) out += '.';
    out += part;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

std::string cut(std::string_view name, std::size_t limit, std::string_view hash) {
  return name.size() <= limit ? std::string(name) : with_suffix(name, limit, hash);
}

std::string fallback_name(std::string_view name, std::size_t limit, const TriggerKey& key) {
  std::string hash = key.short_hex();
  std::string fallback = name.size() + 1 + hash.size() <= limit ? std::string(name) + "-" + hash
                                                                : with_suffix(name, limit, hash);
  // A name that was cut ends in this hash already: the key's next digits tell the two apart.
  return fallback != name ? fallback : with_suffix(name, limit, key.hex().substr(8, 8));
}

bool is_legal(std::string_view name, const NameRule& rule) {
  if (name.size() > rule.limit) return false;
  switch (rule.form) {
    case NameForm::LabelValue:
      return legal_label_value(name);
    case NameForm::Label:
      return legal_part(name) && !(rule.begins_with_letter && name.front() >= '0' && name.front() <= '9');
    case NameForm::Subdomain:
      return legal_subdomain(name);
  }
  return false;
}

std::string watcher_label_value(std::string_view watcher_name) {
  if (watcher_name.size() <= label_value_limit) return std::string(watcher_name);
  return cut(watcher_name, label_value_limit, TriggerKey::of(watcher_name, "", "", "").short_hex());
}

}  // namespace abo::render
