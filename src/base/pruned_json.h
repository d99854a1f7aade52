// JSON that others wrote and that may be nested without end: where one object of many must not spoil the rest.
#pragma once

#include <string_view>

#include "base/json.h"

namespace abo {

// As parse_json, but an array or object that is nested too deep is null instead of an error. Of what an API server holds
// nothing that matters here stands so deep.
[[nodiscard]] Result<json::value> parse_json_pruned(std::string_view text);

}  // namespace abo
