// Which cluster a command speaks to, by --kubeconfig and --context.
#pragma once

#include <string>

#include "base/error.h"
#include "kube/kube_config.h"

namespace abo::cli {

// Both empty: in a Pod its own cluster, else the kubeconfig's current context. Errors: kube_config.h's.
[[nodiscard]] Result<kube::KubeConfig> cluster_of(const std::string& kubeconfig, const std::string& context);

}  // namespace abo::cli
