// The CustomResourceDefinition, made from the table of fields, in two forms: since Kubernetes v1.25 a CRD may hold rules
// between fields (CEL); before, `kubectl` refuses one that does. Both are apiextensions.k8s.io/v1 and differ in nothing
// else.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"

namespace abo::api {

enum class CrdForm : std::uint8_t {
  WithRules,  // config/crd
  Plain,      // config/crd-pre-1.25: installs on Kubernetes v1.19 and newer
};

// The whole object.
[[nodiscard]] json::object custom_resource_definition(CrdForm form);

// The same as the text of its file.
[[nodiscard]] std::string crd_file(CrdForm form);

}  // namespace abo::api
