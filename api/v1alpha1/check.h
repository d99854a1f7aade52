// Holds a JSON value against the table of fields, as the API server's schema would, and says what is wrong in
// words that a user can act on. Never throws, whatever the value is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace abo::api {

struct Problem {
  std::string path;     // "spec.pollingIntervalSeconds", "status.conditions[2].type"
  std::string message;  // "must be between 1 and 86400, got 0"; never holds the text of a string field, which
                        // might be a credential in the wrong place

  friend bool operator==(const Problem&, const Problem&) = default;
};

// All problems of the value of `root` ("spec" or "status"), in the table's order; unknown fields come first.
[[nodiscard]] std::vector<Problem> check(const json::value& value, std::string_view root);

// The same for a spec, with the rules between its fields.
[[nodiscard]] std::vector<Problem> check_spec(const json::value& spec);

}  // namespace abo::api
