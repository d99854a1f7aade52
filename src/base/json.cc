#include "base/json.h"

#include <fmt/format.h>

#include <array>

namespace abo {

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;
  std::array<unsigned char, 2048> scratch;  // what the parser itself needs; more comes from the heap
  json::stream_parser parser({}, options, scratch.data(), scratch.size());
  // An answer is read and thrown away: its hundreds of pieces share a few blocks, which go when the value does.
  parser.reset(json::make_shared_resource<json::monotonic_resource>(text.size()));
  json::error_code error;
  std::size_t used = parser.write_some(text, error);
  if (!error && used < text.size()) {
    // write_some stops behind the value; only white space may follow.
    std::size_t rest = text.find_first_not_of(" \t\r\n", used);
    if (rest != text.npos) error = json::error::extra_data;
  }
  if (!error) parser.finish(error);
  if (error) {
    return fail(ErrorKind::Invalid, Reason::InvalidResponse,
                fmt::format("not valid JSON at byte {}: {}", used, error.message()));
  }
  return parser.release();
}

const json::value* find(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::object* at = &root;
  const json::value* found = nullptr;
  for (std::string_view key : path) {
    if (!at) return nullptr;
    found = at->if_contains(key);
    if (!found) return nullptr;
    at = found->if_object();
  }
  return found;
}

const json::value* find(const json::value& root, std::initializer_list<std::string_view> path) {
  const json::object* object = root.if_object();
  return object ? find(*object, path) : nullptr;
}

std::string_view find_string(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  const json::string* text = value ? value->if_string() : nullptr;
  return text ? std::string_view{*text} : std::string_view{};
}

std::optional<std::int64_t> find_int(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  if (!value || !value->is_number()) return std::nullopt;
  json::error_code error;
  auto number = value->to_number<std::int64_t>(error);
  return error ? std::nullopt : std::optional{number};
}

bool find_bool(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  return value && value->is_bool() && value->get_bool();
}

const json::object* find_object(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  return value ? value->if_object() : nullptr;
}

const json::array* find_array(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  return value ? value->if_array() : nullptr;
}

}  // namespace abo
