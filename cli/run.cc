#include "cli/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/cluster.h"
#include "cli/operator_process.h"

namespace abo::cli {
namespace {

Result<controllers::KindPolicy> kinds_of(const RunOptions& options) {
  if (options.allowed_kinds.empty()) return controllers::KindPolicy::defaults();
  std::vector<controllers::KindRule> rules;
  for (const std::string& text : options.allowed_kinds) {
    auto rule = controllers::parse_kind_rule(text);
    if (!rule) return pass(rule);
    rules.push_back(std::move(*rule));
  }
  return controllers::KindPolicy(std::move(rules));
}

std::chrono::seconds lease_hold() {
  kube::LeaseTimes times;
  return std::chrono::ceil<std::chrono::seconds>(times.duration + times.slack);
}

Result<ProcessConfig> configure(const RunOptions& options) {
  auto endpoints = azure::EndpointPolicy::parse(options.allowed_endpoints);
  if (!endpoints) return pass(endpoints);
  auto kinds = kinds_of(options);
  if (!kinds) return pass(kinds);
  auto identities = azure::IdentityEnvironment::read(kube::Surroundings::real().env);
  if (!identities) return pass(identities);
  auto cluster = cluster_of(options.kubeconfig, options.context);
  if (!cluster) return pass(cluster);
  ProcessConfig config;
  config.settings.namespaces = each_once(options.namespaces);
  config.settings.kinds = std::move(*kinds);
  config.settings.endpoints = std::move(*endpoints);
  config.settings.identities = std::move(*identities);
  config.settings.allow_operator_identity = options.allow_operator_identity;
  config.settings.default_service_account = options.default_service_account;
  config.settings.settle_margin = options.settle_margin;
  config.settings.idle_status_interval = options.idle_status_interval;
  config.settings.max_concurrent_polls = options.max_concurrent_polls;
  config.settings.per_watcher_metrics = options.per_watcher_metrics;
  config.leader_elect = options.leader_elect;
  if (options.leader_elect) config.settings.recording_hold = lease_hold();
  config.lease_namespace = options.leader_election_namespace;
  bool in_pod = kube::is_in_cluster(kube::Surroundings::real());
  if (config.lease_namespace.empty())
    config.lease_namespace = in_pod && !cluster->ns.empty() ? cluster->ns : "default";
  config.kubernetes = std::move(*cluster);
  config.ca_file = options.ca_file;
  config.metrics_address = options.metrics_address;
  config.health_address = options.health_address;
  return config;
}

}  // namespace

std::vector<std::string> each_once(std::vector<std::string> names) {
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

int run(const RunOptions& options) {
  auto level = runtime::parse_log_level(options.log_level);
  auto format = runtime::parse_log_format(options.log_format);
  if (!level || !format) {
    fmt::print(
        stderr,
        "azure-blob-operator: --log-level is debug, info, warn or error; --log-format is json or text\n");
    return 2;
  }
  runtime::SystemClock clock;
  runtime::Logger log(clock, *level, *format);
  auto config = configure(options);
  if (!config) {
    log.error("cannot start",
              {{"reason", to_string(config.error().reason)}, {"error", config.error().message}});
    return 2;
  }
  OperatorProcess process(std::move(*config), clock, log);
  return process.run();
}

}  // namespace abo::cli
