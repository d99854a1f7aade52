#include "cli/preview.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>

#include <random>

#include "azure/blob_client.h"
#include "cli/cluster.h"
#include "cli/environment_credential.h"
#include "cli/preview_report.h"
#include "cli/preview_subject.h"
#include "cli/progress_line.h"
#include "cli/text_table.h"
#include "controllers/settings.h"
#include "controllers/watcher_access.h"
#include "controllers/watcher_identity.h"
#include "kube/api_connection.h"
#include "kube/signal.h"
#include "kube/sleeper.h"
#include "net/curl_transport.h"
#include "runtime/signals.h"
#include "runtime/system_clock.h"
#include "runtime/task_scope.h"

namespace abo::cli {
namespace {

constexpr int failed = 1, wrong_call = 2, interrupted = 130;
constexpr std::chrono::milliseconds between_progress{100};

// One call of the command. Everything that it speaks to is a member and outlives the one task that runs.
class Preview {
 public:
  Preview(const PreviewOptions& options, controllers::Settings settings, std::ostream& out, std::ostream& err)
      : options_(options),
        settings_(std::move(settings)),
        out_(out),
        err_(err),
        around_(kube::Surroundings::real()),
        transport_(loop_.get_executor(), {.ca_file = options.ca_file}),
        tokens_(transport_, clock_,
                {.environment = settings_.identities,
                 .service_account_token =
                     [this](azure::ServiceAccountToken account) {
                       return controllers::service_account_token(*client_, std::move(account));
                     }}),
        blobs_(transport_, clock_,
               {.sleep = [this](std::chrono::milliseconds time) { return sleeper_.sleep(time); },
                .seed = std::random_device{}(),
                .tokens = &tokens_,
                .observer =
                    [this](std::string_view, std::string_view code, bool) {
                      if (code != "200") survey_->page_failed();
                    },
                .on_page = [this](const azure::Listing& so_far) { page_done(so_far); }}),
        report_{.price_per_10k = options.price_per_10k},
        scope_(loop_.get_executor(), [this](std::string_view what) {
          fail_with(fmt::format("internal error: {}", what));
          done_ = true;
        }) {}

  int run() {
    runtime::Signals signals(loop_.get_executor(), [this](int) {
      exit_code_ = interrupted;
      stop_.notify_all();
    });
    scope_.spawn(until_stopped(signals));
    // Not run(): idle connections are watched for as long as they are kept.
    while (!done_ && loop_.run_one() > 0) continue;
    loop_.poll();
    progress_.wipe();
    bool listed = survey_ && (report_.complete || exit_code_ == interrupted);
    if (listed) print(report_, std::move(*survey_), options_.output, out_);
    return exit_code_;
  }

 private:
  Task<void> until_stopped(runtime::Signals& signals) {
    co_await kube::until(stop_, work());
    signals.close();
    done_ = true;
  }

  // ---- the sentence ----

  Task<void> work() {
    auto subject = co_await find_subject();
    if (!subject) co_return;
    auto access = co_await access_of(*subject);
    if (!access) co_return fail_with(access.error());
    report_.ns = subject->watcher.ns;
    report_.name = subject->watcher.name;
    report_.stored = subject->stored;
    auto source = controllers::source_of(subject->plan.spec, access->container, subject->watcher);
    auto survey = Survey::make({std::move(subject->plan), std::move(source), std::move(subject->checkpoint),
                                std::move(subject->replay_wish)},
                               {.rows = options_.limit, .only = options_.only});
    if (!survey) co_return fail_with(survey.error());
    survey_ = std::move(*survey);
    co_await list(std::move(*access));
  }

  Task<void> list(azure::Access access) {
    progress_.show(fmt::format("asking {}", access.container.text()));
    started_ = clock_.mono();
    auto listed = co_await blobs_.list(std::move(access), survey_->plan().spec.blob_prefix,
                                       [this](const listing::BlobView& blob) { survey_->offer(blob); });
    if (exit_code_ == interrupted) co_return;
    if (!listed) co_return fail_with(listed.error());
    report_.listing = *listed;
    report_.took = elapsed();
    report_.complete = true;
  }

  // ---- whose container ----

  Task<std::optional<Subject>> find_subject() {
    if (is_file(options_.subject)) {
      auto found = subject_from_file(options_, home(), err_, exit_code_);
      if (found) exit_code_ = 0;
      co_return found;
    }
    auto named = parse_watcher_name(options_, home());
    if (!named) {
      fail_with(named.error(), wrong_call);
      co_return std::nullopt;
    }
    if (auto connected = connect(); !connected) {
      fail_with(connected.error(), wrong_call);
      co_return std::nullopt;
    }
    progress_.show(fmt::format("reading watcher {}/{}", named->ns, named->name));
    auto object = co_await client_->get(kube::resources::watchers().path(named->ns, named->name));
    if (!object) {
      fail_with(about_watcher(std::move(object.error()), *named));
      co_return std::nullopt;
    }
    auto subject = subject_from_object(*object);
    if (!subject) {
      fail_with(subject.error());
      co_return std::nullopt;
    }
    co_return std::move(*subject);
  }

  Error about_watcher(Error error, const NamedWatcher& named) {
    if (error.kind == ErrorKind::NotFound) {
      error.message = fmt::format(
          "there is no file {}, and the cluster ({}) has no AzureBlobWatcher {} in namespace {}; another "
          "namespace is chosen with --namespace or NAMESPACE/NAME",
          options_.subject, connection_->config().server, named.name, named.ns);
    }
    return error;
  }

  // ---- with which credential ----

  Task<Result<azure::Access>> access_of(const Subject& subject) {
    const api::Spec& spec = subject.plan.spec;
    auto own = environment_credential(around_);
    if (spec.credentials_secret.empty() && !spec.identity) {
      report_.credential = "none (anonymous)";
      co_return resolve(spec, nullptr);
    }
    if (spec.identity && own) co_return resolve(spec, &*own);
    if (spec.identity && spec.identity->service_account_name.empty()) {
      co_return fail(
          ErrorKind::Forbidden, Reason::IdentityNotAllowed,
          fmt::format("spec.identity is the operator's own identity, which this command cannot take; set {} "
                      "for yours",
                      environment_credentials));
    }
    if (own && !subject.stored) co_return resolve(spec, &*own);
    auto access = co_await by_secret(subject);
    if (access || !is_about_secret(access.error())) co_return access;
    if (own) co_return resolve(spec, &*own);
    Error error = std::move(access.error());
    error.message =
        fmt::format("{}. Or set {} for a credential of your own", error.message, environment_credentials);
    co_return std::unexpected(std::move(error));
  }

  // The Secret could not be had, whatever is in it.
  static bool is_about_secret(const Error& error) {
    return error.reason == Reason::SecretNotFound || error.reason == Reason::Forbidden ||
           error.reason == Reason::ApiServerUnavailable;
  }

  Task<Result<azure::Access>> by_secret(const Subject& subject) {
    const api::Spec& spec = subject.plan.spec;
    std::string where_is_it =
        spec.identity ? fmt::format("ServiceAccount {} of namespace {}", spec.identity->service_account_name,
                                    subject.watcher.ns)
                      : fmt::format("Secret {} of namespace {}", spec.credentials_secret, subject.watcher.ns);
    if (auto connected = connect(); !connected) {
      Error error = std::move(connected.error());
      error.reason = Reason::ApiServerUnavailable;
      error.message =
          fmt::format("the credential is {}, and there is no cluster to ask: {}", where_is_it, error.message);
      co_return std::unexpected(std::move(error));
    }
    report_.credential = where_is_it;
    progress_.show(fmt::format("reading {}", report_.credential));
    controllers::WatcherRow row;
    row.ns = subject.watcher.ns;
    row.name = subject.watcher.name;
    row.uid = subject.watcher.uid;
    auto access =
        co_await controllers::watcher_access(*client_, clock_, settings_, spec, subject.generation, row);
    if (!access && !spec.identity && access.error().reason == Reason::Forbidden) {
      access.error().message = fmt::format("you may not read {} (get on secrets)", report_.credential);
    }
    co_return access;
  }

  Result<azure::Access> resolve(const api::Spec& spec, const EnvironmentCredential* own) {
    azure::AccessRequest request{.storage_account = spec.storage_account,
                                 .container_name = spec.container_name,
                                 .endpoint = spec.endpoint,
                                 .secret_data = std::nullopt,
                                 .secret_name = {},
                                 .policy = settings_.endpoints};
    if (own) {
      report_.credential = own->variable;
      request.secret_data = own->data;
      request.credential_name = own->variable;
      bool placeless = request.storage_account.empty() && request.endpoint.empty();
      if (placeless && !own->data.contains("connectionString")) request.storage_account = own->account;
    }
    return azure::resolve_access(request, clock_.wall());
  }

  // ---- the cluster ----

  // The kubeconfig, read once and only when it is needed; nothing is sent yet.
  Result<void> connect() {
    if (client_) return {};
    auto cluster = cluster_of(options_.kubeconfig, options_.context);
    if (!cluster) return pass(cluster);
    connection_.emplace(loop_.get_executor(), std::move(*cluster), clock_);
    client_.emplace(connection_->transport(), connection_->config().server, clock_);
    return {};
  }

  std::string home() { return connect() ? connection_->config().ns : "default"; }

  // ---- what is said meanwhile ----

  void page_done(const azure::Listing& so_far) {
    survey_->page_done(so_far.service_date);
    report_.listing = so_far;
    report_.took = elapsed();
    if (!progress_.shown() || clock_.mono() - told_ < between_progress) return;
    told_ = clock_.mono();
    double seconds = std::max(std::chrono::duration<double>(elapsed()).count(), 0.001);
    progress_.show(
        fmt::format("{} blobs in {} pages, {} blobs/s", grouped(so_far.listed), grouped(so_far.pages),
                    grouped(static_cast<std::int64_t>(static_cast<double>(so_far.listed) / seconds))));
  }

  std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - started_);
  }

  void fail_with(const Error& error, int code = failed) {
    fail_with(fmt::format("{}: {}", to_string(error.reason), error.message), code);
  }
  void fail_with(const std::string& text, int code = failed) {
    if (exit_code_ == interrupted) return;
    progress_.wipe();
    err_ << "error: " << text << '\n';
    exit_code_ = code;
  }

  const PreviewOptions& options_;
  controllers::Settings settings_;
  std::ostream& out_;
  std::ostream& err_;
  kube::Surroundings around_;
  runtime::SystemClock clock_;
  boost::asio::io_context loop_{1};
  kube::TimerSleeper sleeper_;
  kube::Signal stop_;
  net::CurlTransport transport_;
  std::optional<kube::ApiConnection> connection_;
  std::optional<kube::Client> client_;
  azure::TokenStore tokens_;
  azure::BlobClient blobs_;
  std::optional<Survey> survey_;
  PreviewReport report_;
  ProgressLine progress_;
  MonoTime started_{};
  MonoTime told_{};
  int exit_code_ = 0;
  bool done_ = false;
  runtime::TaskScope scope_;
};

}  // namespace

int preview(const PreviewOptions& options, std::ostream& out, std::ostream& err) {
  auto policy = azure::EndpointPolicy::parse(options.allowed_endpoints);
  if (!policy) {
    err << "error: " << policy.error().message << '\n';
    return wrong_call;
  }
  auto identities = azure::IdentityEnvironment::read(kube::Surroundings::real().env);
  if (!identities) {
    err << "error: " << identities.error().message << '\n';
    return wrong_call;
  }
  controllers::Settings settings;
  settings.endpoints = std::move(*policy);
  settings.identities = std::move(*identities);
  Preview command(options, std::move(settings), out, err);
  return command.run();
}

}  // namespace abo::cli
