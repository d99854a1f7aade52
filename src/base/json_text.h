// A JSON value as text, the way Go's encoding/json writes it and therefore kubectl sends it. Boost writes half a CPU as
// 5E-1, the same number but not what the template says, and `kubectl get` would show it so.
#pragma once

#include <string>

#include "base/json.h"

namespace abo {

// On one line. A fraction is written as 0.5, with an exponent (1e-7, 1e+21) only below 1e-6 and from 1e21.
[[nodiscard]] std::string to_json_text(const json::value& value);

}  // namespace abo
