// Why a created resource failed, in its own words: the condition that says so (Jobs, Tekton, most others), the step of an
// Argo Workflow that failed last, or a message in its status. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"

namespace abo::report {

// Bytes that are kept of it, besides an ellipsis: one is kept for each failed resource that exists.
inline constexpr std::size_t max_failure_text = 256;

// Fit to be shown (base/text.h). Empty when the resource does not say; meaningful only of one that has failed.
[[nodiscard]] std::string failure_of(const json::object& object);

}  // namespace abo::report
