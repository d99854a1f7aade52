// The CustomResourceDefinition, made from the table of fields. Installs on Kubernetes v1.19 and newer.
#pragma once

#include <string>

#include "base/json.h"

namespace abo::api {

// The whole apiextensions.k8s.io/v1 object, as config/crd holds it.
[[nodiscard]] json::object custom_resource_definition();

// The file config/crd/azureblobwatchers.yaml.
[[nodiscard]] std::string crd_file();

}  // namespace abo::api
