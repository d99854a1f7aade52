#include "cli/operator_process.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "controllers/watcher_identity.h"
#include "runtime/process_metrics.h"
#include "runtime/resident_memory.h"

namespace abo::cli {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// SIGTERM to exit takes at most 10 s: polls get most of it, the rest is for Events and the lease.
constexpr auto poll_grace = 7s;
constexpr auto side_grace = 1s;
// Between two times at which unused memory goes back: seldom enough to cost nothing, often enough to be always small.
constexpr auto memory_distance = 30s;

constexpr std::string_view lease_name = "azure-blob-operator";

std::string random_hex(std::mt19937_64& random) {
  return fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
}

std::string identity(const Clock& clock, std::mt19937_64& random) {
  const char* pod = std::getenv("HOSTNAME");
  return fmt::format("{}_{}_{:x}", pod ? pod : "local", random_hex(random),
                     clock.wall().time_since_epoch().count());
}

std::string code_text(int status) {
  return status == 0 ? "error" : std::to_string(status);
}

// Waits for a scope's tasks; those that take longer than `grace` are cancelled.
Task<void> join(runtime::TaskScope& scope, std::chrono::nanoseconds grace) {
  asio::steady_timer timer(co_await asio::this_coro::executor, grace);
  timer.async_wait([&scope](const boost::system::error_code& stopped) {
    if (!stopped) scope.cancel();
  });
  co_await scope.join();
  timer.cancel();
}

Task<void> close_server(std::unique_ptr<net::HttpServer>& server) {
  if (server) co_await server->close();
}

}  // namespace

OperatorProcess::OperatorProcess(ProcessConfig config, const Clock& clock, runtime::Logger& log)
    : config_(std::move(config)),
      log_(log),
      metrics_(registry_, config_.settings.per_watcher_metrics),
      gauges_(registry_, clock, config_.settings.per_watcher_metrics),
      watch_scope_(loop_.get_executor(), [this](std::string_view what) { give_up(what); }),
      poll_scope_(loop_.get_executor(), [this](std::string_view what) { give_up(what); }),
      side_scope_(loop_.get_executor(), [this](std::string_view what) { give_up(what); }),
      api_(loop_.get_executor(), config_.kubernetes, clock),
      client_(api_.transport(), config_.kubernetes.server, clock, kubernetes_counter()),
      discovery_(client_, clock),
      events_(client_, clock, random_hex(random_),
              {.failed =
                   [this](const Error& error) { log_.warn("Event not written", {{"error", error.message}}); },
               .dropped = [this] { metrics_.events_dropped.with().add(); }}),
      telemetry_(log, metrics_, gauges_, events_, clock),
      azure_transport_(loop_.get_executor(), {.ca_file = config_.ca_file}),
      tokens_(azure_transport_, clock, token_options()),
      blobs_(azure_transport_, clock,
             {.sleep = [this](std::chrono::milliseconds time) { return sleeper_.sleep(time); },
              .seed = random_(),
              .tokens = &tokens_,
              .observer = [this](std::string_view operation, std::string_view code,
                                 bool throttled) { count_azure(operation, code, throttled); }}),
      runs_(client_, discovery_, clock, sleeper_, watch_scope_,
            {.namespaces = config_.settings.namespaces,
             .random = [this] { return random(); },
             .on_restart = [this] { telemetry_.watch_restarted(); },
             .stopping = [this] { return stopping_; },
             .on_error = [this](const kube::Resource& resource,
                                const Error& error) { telemetry_.watch_failed(resource.plural, error); }}),
      services_{.clock = clock,
                .sleeper = sleeper_,
                .kube = client_,
                .blobs = blobs_,
                .runs = runs_,
                .telemetry = telemetry_,
                .settings = config_.settings,
                .random = [this] { return random(); },
                .may_act = [this] { return !election_ || election_->held_safely(); },
                .stopping = [this] { return stopping_; },
                .stop_signal = stop_signal_},
      controller_(services_, sleeper_, watch_scope_, poll_scope_) {
  runtime::add_process_metrics(registry_);
  if (config_.leader_elect) {
    lease_path_ =
        std::make_unique<LeasePath>(loop_.get_executor(), config_.kubernetes, clock, kubernetes_counter());
    election_.emplace(lease_path_->client,
                      kube::ElectionOptions{.ns = config_.lease_namespace,
                                            .name = std::string(lease_name),
                                            .identity = identity(clock, random_),
                                            .on_leading = [this] { poll_scope_.spawn(act()); },
                                            .on_error =
                                                [this](const Error& error) {
                                                  log_.warn("lease not renewed", {{"error", error.message}});
                                                }},
                      clock, sleeper_, [this] { return random(); });
  }
}

OperatorProcess::LeasePath::LeasePath(boost::asio::any_io_executor executor, const kube::KubeConfig& config,
                                      const Clock& clock, kube::Client::Observer observer)
    : api(std::move(executor), config, clock),
      client(api.transport(), config.server, clock, std::move(observer)) {}

kube::Client::Observer OperatorProcess::kubernetes_counter() {
  return [this](std::string_view verb, int status) {
    metrics_.kubernetes_requests.with({std::string(verb), code_text(status)}).add();
  };
}

void OperatorProcess::count_azure(std::string_view operation, std::string_view code, bool throttled) {
  metrics_.azure_requests.with({std::string(operation), std::string(code)}).add();
  if (throttled) metrics_.azure_throttled.with().add();
}

// azure/ never sees Kubernetes: whose token it exchanges, it is told here.
azure::TokenStoreOptions OperatorProcess::token_options() {
  return {.environment = config_.settings.identities,
          .service_account_token =
              [this](azure::ServiceAccountToken account) {
                return controllers::service_account_token(client_, std::move(account));
              },
          .read_file = kube::Surroundings::real().read_file,
          .observer = [this](std::string_view operation, std::string_view code,
                             bool throttled) { count_azure(operation, code, throttled); }};
}

int OperatorProcess::run() {
  if (!listen()) return 2;
  start();
  loop_.run();
  return exit_code_;
}

bool OperatorProcess::listen() {
  auto metrics = net::HttpServer::listen(loop_.get_executor(), config_.metrics_address,
                                         {{"/metrics", [this] { return metrics_page(); }}});
  auto health = net::HttpServer::listen(loop_.get_executor(), config_.health_address,
                                        {{"/healthz", [] { return net::ServerAnswer{.body = "ok\n"}; }},
                                         {"/readyz", [this] { return readiness(); }}});
  for (auto* server : {&metrics, &health}) {
    if (!*server) log_.error("cannot listen", {{"error", server->error().message}});
  }
  if (!metrics || !health) return false;
  metrics_server_ = std::move(*metrics);
  health_server_ = std::move(*health);
  log_.info("azure-blob-operator starts", {{"version", ABO_VERSION},
                                           {"server", config_.kubernetes.server},
                                           {"metricsPort", metrics_server_->port()},
                                           {"healthPort", health_server_->port()}});
  return true;
}

void OperatorProcess::start() {
  signals_.emplace(loop_.get_executor(), [this](int signal) {
    log_.info("stopping", {{"signal", signal}});
    stop(0);
  });
  side_scope_.spawn(events_.run());
  side_scope_.spawn(stay_small());
  controller_.watch();
  if (election_) {
    side_scope_.spawn(lead());
  } else {
    poll_scope_.spawn(act());
  }
}

// Everything that may create. The resources of a predecessor are listed after the lease was won, so that whatever it
// left unrecorded is seen before anything new is made.
Task<void> OperatorProcess::act() {
  if (stopping_) co_return;
  metrics_.leader.with().set(1);
  if (config_.leader_elect) log_.info("leading");
  co_await kube::until(stop_signal_, runs_.start(config_.settings.kinds));
  if (!stopping_) co_await controller_.run();
}

Task<void> OperatorProcess::lead() {
  co_await election_->run();
  if (stopping_) co_return;
  log_.error("the lease was lost; ending, so that nothing is done beside the new leader");
  stop(1);
}

Task<void> OperatorProcess::stay_small() {
  while (!stopping_) {
    co_await stop_signal_.wait(memory_distance);
    if (!stopping_) runtime::give_back_idle_memory();
  }
}

// A task that should live as long as the process ended by an exception: a bug. Whoever restarts us begins from what
// is stored, which is all we know anyway.
void OperatorProcess::give_up(std::string_view what) {
  metrics_.bugs.with().add();
  log_.error("internal error; ending", {{"error", what}});
  stop(1);
}

void OperatorProcess::stop(int exit_code) {
  if (stopping_) return;
  stopping_ = true;
  exit_code_ = exit_code;
  stop_signal_.notify_all();
  controller_.wake();
  asio::co_spawn(loop_, shut_down(), asio::detached);
}

Task<void> OperatorProcess::shut_down() {
  co_await join(poll_scope_, poll_grace);
  co_await join(watch_scope_, 0s);
  events_.close();
  if (election_) side_scope_.spawn(election_->release());
  co_await join(side_scope_, side_grace);
  co_await close_server(metrics_server_);
  co_await close_server(health_server_);
  signals_->close();
  log_.info("stopped");
  loop_.stop();
}

net::ServerAnswer OperatorProcess::metrics_page() {
  return {.body = registry_.expose(), .content_type = runtime::kExpositionType};
}

net::ServerAnswer OperatorProcess::readiness() const {
  if (controller_.synced()) return {.body = "ok\n"};
  return {.status = 503, .body = "the watchers have not been listed yet\n"};
}

}  // namespace abo::cli
