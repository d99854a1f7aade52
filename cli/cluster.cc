#include "cli/cluster.h"

namespace abo::cli {

Result<kube::KubeConfig> cluster_of(const std::string& kubeconfig, const std::string& context) {
  auto surroundings = kube::Surroundings::real();
  bool asked = !kubeconfig.empty() || !context.empty();
  if (!asked && kube::is_in_cluster(surroundings)) return kube::in_cluster(surroundings);
  return kube::load_kubeconfig(kubeconfig, context, surroundings);
}

}  // namespace abo::cli
