#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <map>

#include "cli/output_format.h"
#include "cli/render_command.h"
#include "cli/run.h"
#include "cli/validate.h"

namespace abo::cli {
namespace {

const std::map<std::string, OutputFormat> formats = {
    {"table", OutputFormat::Table}, {"json", OutputFormat::Json}, {"yaml", OutputFormat::Yaml}};

std::string upper(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// -o, --output of a command.
void add_format(CLI::App& command, OutputFormat& format, std::string help) {
  auto set = [&format](const std::string& text) {
    auto at = formats.find(text);
    if (at == formats.end()) throw CLI::ValidationError("--output", "is one of table, json and yaml");
    format = at->second;
  };
  command.add_option_function<std::string>("-o,--output", set, std::move(help))->type_name("FORMAT");
}

// Every flag has an environment variable: --settle-margin of `run` is AZURE_BLOB_OPERATOR_SETTLE_MARGIN, those of other
// commands carry the command's name as well, so that what is set for one does not surprise another.
void name_environment(CLI::App& command) {
  std::string prefix = "AZURE_BLOB_OPERATOR_";
  if (command.get_name() != "run") prefix += upper(command.get_name()) + "_";
  for (CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames()[0] == "help") continue;
    option->envname(prefix + upper(option->get_lnames()[0]));
  }
}

void add_run(CLI::App& app, RunOptions& o, int& exit_code) {
  CLI::App* command = app.add_subcommand("run", "Run the operator until it is stopped");
  command
      ->add_option("--namespace", o.namespaces, "Watch this namespace only; may be repeated (default: all)")
      ->delimiter(',');
  command->add_option(
      "--kubeconfig", o.kubeconfig,
      "Kubeconfig file (default: in a Pod its ServiceAccount, else $KUBECONFIG or ~/.kube/config)");
  command->add_option("--context", o.context, "Context of the kubeconfig (default: the current one)");
  command->add_flag("--leader-elect", o.leader_elect,
                    "Of several replicas let only the holder of a Lease act");
  command->add_option("--leader-election-namespace", o.leader_election_namespace,
                      "Namespace of that Lease (default: the Pod's own, else \"default\")");
  command
      ->add_option("--metrics-address", o.metrics_address,
                   "Where /metrics is served; port 0 takes a free one")
      ->capture_default_str();
  command->add_option("--health-address", o.health_address, "Where /healthz and /readyz are served")
      ->capture_default_str();
  command->add_option("--log-level", o.log_level, "debug, info, warn or error")->capture_default_str();
  command->add_option("--log-format", o.log_format, "json or text")->capture_default_str();
  command
      ->add_option("--max-concurrent-polls", o.max_concurrent_polls,
                   "Polls that may run at the same time, over all watchers")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("--allowed-endpoint", o.allowed_endpoints,
                   "Blob endpoint that watchers may use besides Azure's own, as an origin: "
                   "http://127.0.0.1:10000 or https://*.blob.example.internal; may be repeated")
      ->delimiter(',');
  command
      ->add_option("--allowed-kind", o.allowed_kinds,
                   "Kind that templates may create: \"batch/v1 Job\", \"argoproj.io Workflow\"; may be "
                   "repeated (default: these two)")
      ->delimiter(',');
  command->add_option(
      "--default-service-account", o.default_service_account,
      "Create resources as this ServiceAccount of the watcher's namespace where the watcher names none");
  command
      ->add_option(
          "--settle-margin", o.settle_margin_seconds,
          "Seconds after which a listing surely shows a blob; younger blobs are remembered one by one")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command
      ->add_option("--idle-status-interval", o.idle_status_interval_seconds,
                   "Seconds between refreshes of an idle watcher's status")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->add_option(
      "--ca-file", o.ca_file,
      "PEM file with certificate authorities to trust for blob endpoints besides the system's");
  command
      ->add_flag("--per-watcher-metrics", o.per_watcher_metrics,
                 "Metrics of each watcher, labelled with its namespace and name; with "
                 "--per-watcher-metrics=false they are summed up")
      ->default_str("true");
  name_environment(*command);
  command->callback([&o, &exit_code] { exit_code = run(o); });
}

struct ValidateFlags {
  std::vector<std::string> files;
  OutputFormat format = OutputFormat::Table;
};

void add_validate(CLI::App& app, ValidateFlags& flags, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "validate", "Check watchers in files, without a cluster; exit code 1 when one is wrong");
  command->add_option("FILE", flags.files, "YAML files; - is the standard input")->required();
  add_format(*command, flags.format, "table (the default), json or yaml");
  name_environment(*command);
  command->callback(
      [&flags, &exit_code] { exit_code = validate(flags.files, flags.format, std::cout, std::cerr); });
}

struct RenderFlags {
  std::string file;
  RenderOptions options;
};

void add_render(CLI::App& app, RenderFlags& flags, int& exit_code) {
  CLI::App* command = app.add_subcommand("render",
                                         "Print what would be created for a blob, without a cluster or "
                                         "Azure. To look at, not to apply: the owner "
                                         "reference carries a placeholder UID");
  RenderOptions& o = flags.options;
  command->add_option("FILE", flags.file, "YAML file with the watcher; - is the standard input")->required();
  command->add_option("--blob", o.blob, "Full name of the blob, such as raw/mydata.csv")->required();
  command->add_option("--etag", o.etag, "Its ETag")->capture_default_str();
  command->add_option("--size", o.size, "Its size in bytes")->capture_default_str();
  command->add_option("--last-modified", o.last_modified, "When it was last changed, RFC 3339")
      ->capture_default_str();
  command->add_option("--content-type", o.content_type, "Its content type")->capture_default_str();
  command->add_option("--uid", o.uid, "UID of the watcher")->capture_default_str();
  command->add_option("--watcher", o.watcher, "Which watcher, when the file holds several");
  add_format(*command, o.output, "yaml (the default) or json");
  name_environment(*command);
  command->callback(
      [&flags, &exit_code] { exit_code = render(flags.file, flags.options, std::cout, std::cerr); });
}

}  // namespace

int command_line(int argc, char** argv) {
  CLI::App app(
      "Starts work in Kubernetes for every new or updated blob in Azure Blob Storage, exactly once per "
      "version.",
      "azure-blob-operator");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("azure-blob-operator " ABO_VERSION));
  app.footer(
      "Every flag can be given as an environment variable too: --settle-margin of run as\n"
      "AZURE_BLOB_OPERATOR_SETTLE_MARGIN, --blob of render as AZURE_BLOB_OPERATOR_RENDER_BLOB.");
  int exit_code = 0;
  RunOptions run_options;
  ValidateFlags validate_flags;
  RenderFlags render_flags;
  add_run(app, run_options, exit_code);
  add_validate(app, validate_flags, exit_code);
  add_render(app, render_flags, exit_code);
  app.add_subcommand("version", "Print the version")->callback([] {
    std::cout << "azure-blob-operator " ABO_VERSION "\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return exit_code;
}

}  // namespace abo::cli
