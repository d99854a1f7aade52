// The operator, put together and run: every part is a member, in the order of who needs whom, and the event loop is
// the only thing that moves. Shutdown is the reverse: polls end and commit, Events are written, the lease is given
// back, the rest is cut.
#pragma once

#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <random>

#include "azure/blob_client.h"
#include "azure/token_store.h"
#include "cli/run.h"
#include "controllers/azureblobwatcher_controller.h"
#include "controllers/operator_metrics.h"
#include "controllers/run_tracker.h"
#include "controllers/services.h"
#include "controllers/settings.h"
#include "controllers/telemetry.h"
#include "kube/api_connection.h"
#include "kube/client.h"
#include "kube/discovery.h"
#include "kube/events.h"
#include "kube/lease.h"
#include "net/curl_transport.h"
#include "net/health_server.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/signals.h"
#include "runtime/system_clock.h"
#include "runtime/task_scope.h"

namespace abo::cli {

// The flags, checked and read.
struct ProcessConfig {
  controllers::Settings settings;
  kube::KubeConfig kubernetes;
  std::string ca_file;
  bool leader_elect = false;
  std::string lease_namespace;
  std::string metrics_address;
  std::string health_address;
};

class OperatorProcess {
 public:
  // The clock and the log outlive it.
  OperatorProcess(ProcessConfig config, const Clock& clock, runtime::Logger& log);

  // Returns the exit code of `run`.
  int run();

 private:
  // The lease's own way to the API server: no number of other requests makes a renewal wait.
  struct LeasePath {
    LeasePath(boost::asio::any_io_executor executor, const kube::KubeConfig& config, const Clock& clock,
              kube::Client::Observer observer);
    kube::ApiConnection api;
    kube::Client client;
  };

  [[nodiscard]] bool listen();
  void start();
  [[nodiscard]] Task<void> act();
  [[nodiscard]] Task<void> lead();
  [[nodiscard]] Task<void> stay_small();
  void stop(int exit_code);
  void give_up(std::string_view what);
  [[nodiscard]] Task<void> shut_down();
  [[nodiscard]] net::ServerAnswer metrics_page();
  [[nodiscard]] net::ServerAnswer readiness() const;
  [[nodiscard]] kube::Client::Observer kubernetes_counter();
  void count_azure(std::string_view operation, std::string_view code, bool throttled);
  [[nodiscard]] azure::TokenStoreOptions token_options();
  [[nodiscard]] double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  ProcessConfig config_;
  runtime::Logger& log_;
  boost::asio::io_context loop_{1};
  std::mt19937_64 random_{std::random_device{}()};
  int exit_code_ = 0;
  bool stopping_ = false;
  kube::Signal stop_signal_;

  runtime::Registry registry_;
  controllers::OperatorMetrics metrics_;
  controllers::WatcherGauges gauges_;
  runtime::TaskScope watch_scope_;
  runtime::TaskScope poll_scope_;
  runtime::TaskScope side_scope_;  // Events, the lease: they end last

  kube::TimerSleeper sleeper_;
  kube::ApiConnection api_;
  kube::Client client_;
  std::unique_ptr<LeasePath> lease_path_;  // with leader election
  kube::Discovery discovery_;
  kube::EventRecorder events_;
  controllers::Telemetry telemetry_;
  net::CurlTransport azure_transport_;
  azure::TokenStore tokens_;
  azure::BlobClient blobs_;
  controllers::RunTracker runs_;
  std::optional<kube::LeaderElection> election_;
  controllers::Services services_;
  controllers::WatcherController controller_;

  std::unique_ptr<net::HttpServer> metrics_server_;
  std::unique_ptr<net::HttpServer> health_server_;
  std::optional<runtime::Signals> signals_;
};

}  // namespace abo::cli
