// `run`: the operator itself, until a signal ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/log.h"

namespace abo::cli {

// The flags, as given; run() checks them.
struct RunOptions {
  std::vector<std::string> namespaces;
  std::string kubeconfig;
  std::string context;
  bool leader_elect = false;
  std::string leader_election_namespace;
  std::string metrics_address = ":8080";
  std::string health_address = ":8081";
  std::string log_level = "info";
  std::string log_format = "json";
  std::size_t max_concurrent_polls = 64;
  std::vector<std::string> allowed_endpoints;
  std::vector<std::string> allowed_kinds;
  bool allow_operator_identity = false;
  std::string default_service_account;
  std::chrono::seconds settle_margin{30};
  std::chrono::seconds idle_status_interval{300};
  std::string ca_file;
  bool per_watcher_metrics = true;
};

// Returns the exit code: 0 after SIGTERM or SIGINT, 1 when it cannot go on (lease lost), 2 for flags or a
// configuration that cannot work.
int run(const RunOptions& options);

// The names in order, each once: two watches of one namespace would take each other's watchers for gone. Public for its test.
[[nodiscard]] std::vector<std::string> each_once(std::vector<std::string> names);

}  // namespace abo::cli
