// What a YAML scalar means, exactly as kubectl sees it: YAML 1.1 as go-yaml v2 resolves it and
// sigs.k8s.io/yaml turns it into JSON. So plain yes and on are booleans, 017 and 0o17 are fifteen, 1_000 and
// 1e3 a thousand, dates are text.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"

namespace abo::render {

// int64_t before uint64_t: the latter only holds what does not fit the former.
using YamlScalar = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string>;

// tag: as libyaml gives it ("tag:yaml.org,2002:int"), "" for none. plain: neither quoted nor a block scalar.
// The error is a plain sentence without a place.
[[nodiscard]] std::expected<YamlScalar, std::string> resolve_scalar(std::string_view tag,
                                                                    std::string_view text, bool plain);

// The JSON value; infinities and NaN have none. Whole doubles within int64 become integers, as they do on
// their way through Go's JSON (1e3 -> 1000), so that integer fields accept them.
[[nodiscard]] std::expected<json::value, std::string> to_json(YamlScalar scalar);

// A mapping key as text: JSON knows no other keys. Null and integers over int64 are refused, as kubectl does.
[[nodiscard]] std::expected<std::string, std::string> to_key(const YamlScalar& scalar);

}  // namespace abo::render
