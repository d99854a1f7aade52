// The one JSON value type of the program (Boost.JSON), and a few ways to look into API objects without
// writing the same four lines everywhere. Looking never throws: what is absent or of another type reads as
// nothing.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace abo {

namespace json = boost::json;

// Parses with a bounded depth; the error names the byte where it went wrong.
[[nodiscard]] Result<json::value> parse_json(std::string_view text);

// The value at a path of object keys, or nullptr. find(pod, {"status", "phase"}).
[[nodiscard]] const json::value* find(const json::value& root, std::initializer_list<std::string_view> path);
[[nodiscard]] const json::value* find(const json::object& root, std::initializer_list<std::string_view> path);

// The string at a path, or "" (Kubernetes gives both one meaning).
[[nodiscard]] std::string_view find_string(const json::object& root,
                                           std::initializer_list<std::string_view> path);
[[nodiscard]] std::optional<std::int64_t> find_int(const json::object& root,
                                                   std::initializer_list<std::string_view> path);
[[nodiscard]] bool find_bool(const json::object& root, std::initializer_list<std::string_view> path);
[[nodiscard]] const json::object* find_object(const json::object& root,
                                              std::initializer_list<std::string_view> path);
[[nodiscard]] const json::array* find_array(const json::object& root,
                                            std::initializer_list<std::string_view> path);

}  // namespace abo
