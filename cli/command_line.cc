#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>

#include "base/duration.h"
#include "base/text.h"
#include "cli/completion.h"
#include "cli/help_page.h"
#include "cli/man_page.h"
#include "cli/output_format.h"
#include "cli/preview.h"
#include "cli/render_command.h"
#include "cli/run.h"
#include "cli/validate.h"

namespace abo::cli {
namespace {

using namespace std::chrono_literals;

const std::map<std::string, OutputFormat> formats = {
    {"table", OutputFormat::Table}, {"json", OutputFormat::Json}, {"yaml", OutputFormat::Yaml}};
const std::map<std::string, Only> blobs_shown = {
    {"all", Only::All}, {"triggering", Only::Triggering}, {"rejected", Only::Rejected}};
const std::map<std::string, Shell> shells = {
    {"bash", Shell::Bash}, {"zsh", Shell::Zsh}, {"fish", Shell::Fish}};

std::string upper(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

// One of a few words. Help and completion know them by the name that the value gets.
CLI::Option* one_of(CLI::Option* option, std::vector<std::string> words) {
  std::string name;
  for (const std::string& word : words) name += (name.empty() ? "" : "|") + word;
  auto check = [words, name](const std::string& text) {
    return std::ranges::find(words, text) == words.end() ? text + " is none of " + name : std::string();
  };
  return option->check(check)->type_name(name);
}

// The same, as a value of an enum.
template <class Enum>
CLI::Option* add_choice(CLI::App& command, std::string name, Enum& value,
                        const std::map<std::string, Enum>& by_word, std::vector<std::string> words,
                        std::string help) {
  auto set = [&value, &by_word](const std::string& text) {
    if (auto at = by_word.find(text); at != by_word.end()) value = at->second;
  };
  return one_of(command.add_option_function<std::string>(std::move(name), set, std::move(help)),
                std::move(words));
}

// -o, --output of a command.
void add_format(CLI::App& command, OutputFormat& format, const char* initial) {
  add_choice(command, "-o,--output", format, formats, {"table", "json", "yaml"}, "How to print it")
      ->default_str(initial);
}

// A length of time in whole seconds.
void add_duration(CLI::App& command, std::string name, std::chrono::seconds& value,
                  std::chrono::seconds least, std::chrono::seconds most, std::string help) {
  auto check = [least, most](const std::string& text) -> std::string {
    auto duration = parse_duration(text);
    if (!duration) {
      return fmt::format("\"{}\" is no duration: write 30s, 5m, 1h or 1m30s (a plain number is seconds)",
                         bounded_text(text, 80));
    }
    if (*duration < least || *duration > most) {
      return fmt::format("must be between {} and {}, got {}", format_duration(least), format_duration(most),
                         text);
    }
    return *duration % 1s == 0s ? "" : text + " is not a whole number of seconds";
  };
  auto set = [&value](const std::string& text) {
    if (auto duration = parse_duration(text)) value = std::chrono::floor<std::chrono::seconds>(*duration);
  };
  command.add_option_function<std::string>(std::move(name), set, std::move(help))
      ->check(check)
      ->type_name("DURATION")
      ->default_str(format_duration(value));
}

// A flag that may be repeated, or hold several values between commas. It takes one argument each time: what follows is a
// FILE or a mistake, no further value.
void add_list(CLI::App& command, std::string name, std::vector<std::string>& values, std::string value_name,
              std::string help) {
  command.add_option(std::move(name), values, std::move(help))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name(std::move(value_name));
}

// What holds for all flags of a command, which has them all by now. One that takes a single value takes the last that is
// given, so that an alias or a wrapper can be overruled.
// Every flag has an environment variable: --settle-margin of `run` is AZURE_BLOB_OPERATOR_SETTLE_MARGIN, those of other
// commands carry the command's name as well, so that what is set for one does not surprise another.
void finish(CLI::App& command) {
  std::string prefix = "AZURE_BLOB_OPERATOR_";
  if (command.get_name() != "run") prefix += upper(command.get_name()) + "_";
  for (CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || option->get_lnames()[0] == "help") continue;
    if (option->get_items_expected_max() <= 1) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    option->envname(prefix + upper(option->get_lnames()[0]));
  }
}

void add_run(CLI::App& app, RunOptions& o, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "run",
      "Run the operator until it is stopped\n\n"
      "It finishes what is begun and exits with 0 within 10 s of SIGTERM or SIGINT. Exit "
      "code 1: the lease was lost; 2: a flag or the kubeconfig cannot work, or an "
      "address cannot be listened at. Proxies are taken from HTTPS_PROXY, http_proxy and NO_PROXY.");
  command->footer(
      "# on the kubeconfig's current context, readable\nazure-blob-operator run --log-format text\n"
      "# for two teams, against Azurite\n"
      "azure-blob-operator run --namespace team-a,team-b --allowed-endpoint http://127.0.0.1:10000");
  add_list(*command, "--namespace", o.namespaces, "NAME",
           "Watch this namespace only; may be repeated (default: all)");
  command
      ->add_option(
          "--kubeconfig", o.kubeconfig,
          "Kubeconfig file (default: in a Pod its ServiceAccount, else $KUBECONFIG or ~/.kube/config)")
      ->type_name("FILE");
  command->add_option("--context", o.context, "Context of the kubeconfig (default: the current one)")
      ->type_name("NAME");
  command->add_flag("--leader-elect", o.leader_elect,
                    "Of several replicas let only the holder of a Lease act");
  command
      ->add_option("--leader-election-namespace", o.leader_election_namespace,
                   "Namespace of that Lease (default: the Pod's own, else \"default\")")
      ->type_name("NAME");
  command
      ->add_option("--metrics-address", o.metrics_address,
                   "Where /metrics is served; port 0 takes a free one")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  command->add_option("--health-address", o.health_address, "Where /healthz and /readyz are served")
      ->capture_default_str()
      ->type_name("HOST:PORT");
  one_of(command->add_option("--log-level", o.log_level, "What is logged: this and what is worse"),
         {"debug", "info", "warn", "error"})
      ->capture_default_str();
  one_of(command->add_option("--log-format", o.log_format, "How it is logged, on standard error"),
         {"json", "text"})
      ->capture_default_str();
  command
      ->add_option("--max-concurrent-polls", o.max_concurrent_polls,
                   "Polls that may run at the same time, over all watchers")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  add_list(*command, "--allowed-endpoint", o.allowed_endpoints, "ORIGIN",
           "Blob endpoint that watchers may use besides Azure's own, as an origin: "
           "http://127.0.0.1:10000 or https://*.blob.example.internal; may be repeated");
  add_list(*command, "--allowed-kind", o.allowed_kinds, "KIND",
           "Kind that templates may create: \"batch/v1 Job\", \"argoproj.io Workflow\"; may be "
           "repeated (default: these two)");
  command->add_flag("--allow-operator-identity", o.allow_operator_identity,
                    "Let watchers use the operator's own Azure identity (spec.identity without "
                    "serviceAccountName); everyone who may write a watcher then reads what it may read");
  command
      ->add_option(
          "--default-service-account", o.default_service_account,
          "Create resources as this ServiceAccount of the watcher's namespace where the watcher names none")
      ->type_name("NAME");
  add_duration(*command, "--settle-margin", o.settle_margin, 1s, 1h,
               "Age at which a listing surely shows a blob, as in 30s, 5m, 1m30s; younger blobs are "
               "remembered one by one");
  add_duration(*command, "--idle-status-interval", o.idle_status_interval, 1s, 24h,
               "Time between refreshes of an idle watcher's status");
  command
      ->add_option("--ca-file", o.ca_file,
                   "PEM file with certificate authorities to trust for blob endpoints besides the system's")
      ->type_name("FILE");
  command
      ->add_flag("--per-watcher-metrics", o.per_watcher_metrics,
                 "Metrics of each watcher, labelled with its namespace and name; with "
                 "--per-watcher-metrics=false they are summed up")
      ->default_str("true");
  finish(*command);
  command->callback([&o, &exit_code] { exit_code = run(o); });
}

struct ValidateFlags {
  std::vector<std::string> files;
  OutputFormat format = OutputFormat::Table;
};

void add_validate(CLI::App& app, ValidateFlags& flags, int& exit_code) {
  CLI::App* command = app.add_subcommand(
      "validate",
      "Check watchers in files, without a cluster\n\n"
      "Schema, patterns, template and variables are checked as the operator would; other kinds in a file are "
      "skipped. "
      "Exit code 0: good, perhaps with warnings; 1: an error in a watcher; 2: a file could not be read.");
  command->footer(
      "# before applying\nazure-blob-operator validate watcher.yaml\n"
      "# what a chart makes\nhelm template . | azure-blob-operator validate -");
  command->add_option("FILE", flags.files, "YAML files; - is the standard input")->required();
  add_format(*command, flags.format, "table");
  finish(*command);
  command->callback(
      [&flags, &exit_code] { exit_code = validate(flags.files, flags.format, std::cout, std::cerr); });
}

struct RenderFlags {
  std::string file;
  RenderOptions options;
};

void add_render(CLI::App& app, RenderFlags& flags, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("render",
                         "Print what would be created for a blob, without a cluster or Azure\n\n"
                         "To look at, not to apply: the owner reference carries a placeholder UID, and the "
                         "hash in a name depends on the "
                         "watcher's real UID and the blob's real ETag. Exit code 0; 1: the watcher or the "
                         "blob cannot be rendered; 2: a "
                         "wrong call or an unreadable file.");
  command->footer(
      "azure-blob-operator render watcher.yaml --blob raw/mydata.csv\n"
      "# only its name\nazure-blob-operator render watcher.yaml --blob raw/mydata.csv -o table");
  RenderOptions& o = flags.options;
  command->add_option("FILE", flags.file, "YAML file with the watcher; - is the standard input")->required();
  command->add_option("--blob", o.blob, "Full name of the blob, such as raw/mydata.csv")
      ->required()
      ->type_name("NAME");
  command->add_option("--etag", o.etag, "Its ETag")->capture_default_str()->type_name("ETAG");
  command->add_option("--size", o.size, "Its size in bytes")->capture_default_str()->type_name("BYTES");
  command->add_option("--last-modified", o.last_modified, "When it was last changed, RFC 3339")
      ->capture_default_str()
      ->type_name("TIME");
  command->add_option("--content-type", o.content_type, "Its content type")
      ->capture_default_str()
      ->type_name("TYPE");
  command->add_option("--uid", o.uid, "UID of the watcher")->capture_default_str()->type_name("UID");
  command->add_option("--watcher", o.watcher, "Which watcher, when the file holds several")
      ->type_name("NAME");
  add_format(*command, o.output, "yaml");
  finish(*command);
  command->callback(
      [&flags, &exit_code] { exit_code = render(flags.file, flags.options, std::cout, std::cerr); });
}

void add_preview_flags(CLI::App& command, PreviewOptions& o) {
  command
      .add_option("-n,--namespace", o.name_space,
                  "Namespace of the watcher (default: the kubeconfig context's)")
      ->type_name("NAME");
  command
      .add_option(
          "--kubeconfig", o.kubeconfig,
          "Kubeconfig file (default: in a Pod its ServiceAccount, else $KUBECONFIG or ~/.kube/config)")
      ->type_name("FILE");
  command.add_option("--context", o.context, "Context of the kubeconfig (default: the current one)")
      ->type_name("NAME");
  add_list(command, "--allowed-endpoint", o.allowed_endpoints, "ORIGIN",
           "Blob endpoint to send the credential to although it is not Azure's own, as an origin: "
           "http://127.0.0.1:10000; may be repeated");
  command
      .add_option("--ca-file", o.ca_file,
                  "PEM file with certificate authorities to trust for blob endpoints besides the system's")
      ->type_name("FILE");
  command.add_option("--watcher", o.watcher, "Which watcher, when the file holds several")->type_name("NAME");
  add_choice(command, "--only", o.only, blobs_shown, {"all", "triggering", "rejected"}, "Blobs to show")
      ->default_str("all");
  command.add_option("--limit", o.limit, "How many of them to show, the newest first; 0 shows all")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--price-per-10k", o.price_per_10k,
                  "What 10,000 list operations cost you, to show what polling costs in 30 days")
      ->check(CLI::NonNegativeNumber)
      ->type_name("PRICE");
}

void add_preview(CLI::App& app, PreviewOptions& o, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("preview",
                         "List a watcher's container and show which blobs would trigger, creating nothing\n\n"
                         "Filters, checkpoint and template are asked as by the operator. The credential is "
                         "the watcher's Secret, read "
                         "with your own rights in the cluster; for a file, AZURE_STORAGE_CONNECTION_STRING, "
                         "AZURE_STORAGE_KEY or "
                         "AZURE_STORAGE_SAS_TOKEN of the environment goes before it, and then no cluster is "
                         "asked. A watcher from a file "
                         "is looked at as if it were new.\n\n"
                         "Exit code 0; 1: the watcher is wrong or not there, or the container cannot be "
                         "listed; 2: a wrong call; 130: "
                         "interrupted, with what was seen until then.");
  command->footer(
      "# a watcher of the cluster\nazure-blob-operator preview -n ml processed-csv\n"
      "# one that is not applied yet, with a key of your own\nAZURE_STORAGE_KEY=... azure-blob-operator "
      "preview watcher.yaml\n"
      "# only what would trigger, for a program\n"
      "azure-blob-operator preview ml/processed-csv --only triggering --limit 0 -o json");
  command
      ->add_option(
          "FILE|NAME", o.subject,
          "YAML file with the watcher (- is the standard input), or NAME or NAMESPACE/NAME of one in the "
          "cluster")
      ->required();
  add_preview_flags(*command, o);
  add_format(*command, o.output, "table");
  finish(*command);
  command->callback([&o, &exit_code] { exit_code = preview(o, std::cout, std::cerr); });
}

void add_version(CLI::App& app, OutputFormat& format) {
  CLI::App* command = app.add_subcommand("version", "Print the version");
  add_format(*command, format, "table");
  finish(*command);
  command->callback([&format] {
    if (format == OutputFormat::Table) {
      std::cout << "azure-blob-operator " ABO_VERSION "\n";
    } else {
      print_value(json::object{{"version", ABO_VERSION}}, format, std::cout);
    }
  });
}

void add_completion(CLI::App& app, Shell& shell) {
  CLI::App* command =
      app.add_subcommand("completion", "Print a script that makes a shell complete this command line");
  command->footer(
      "# this shell, now\nsource <(azure-blob-operator completion bash)\n"
      "# every shell from now on\n"
      "azure-blob-operator completion bash > ~/.local/share/bash-completion/completions/azure-blob-operator\n"
      "azure-blob-operator completion zsh > \"${fpath[1]}/_azure-blob-operator\"\n"
      "azure-blob-operator completion fish > ~/.config/fish/completions/azure-blob-operator.fish");
  add_choice(*command, "SHELL", shell, shells, {"bash", "zsh", "fish"}, "For which shell")->required();
  command->callback([&shell] { std::cout << completion(describe_program(), shell); });
}

void add_man(CLI::App& app) {
  CLI::App* command = app.add_subcommand("man", "Print the manual page");
  command->footer(
      "azure-blob-operator man | man -l -\n"
      "azure-blob-operator man > ~/.local/share/man/man1/azure-blob-operator.1");
  command->callback([] { std::cout << man_page(describe_program(), ABO_VERSION); });
}

// CLI11's own help is replaced by ours.
class HelpFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const CLI::App* root = app;
    while (root->get_parent()) root = root->get_parent();
    ProgramDoc program = describe(*root);
    for (const CommandDoc& command : program.commands) {
      if (app != root && command.name == app->get_name()) return help_page(program, command);
    }
    return help_page(program);
  }
};

// The command that the arguments name: no flag before it takes a value.
CLI::App* chosen(CLI::App& app, const std::vector<std::string>& arguments) {
  auto word = std::ranges::find_if(arguments, [](const std::string& text) { return !text.starts_with('-'); });
  if (word == arguments.end()) return nullptr;
  auto named = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == *word; });
  return named.empty() ? nullptr : named.front();
}

// CLI11 reads the variables of all commands; one that is wrong is the business of its own.
void forget_variables_of_others(CLI::App& app, const CLI::App* command) {
  for (CLI::App* other : app.get_subcommands({})) {
    if (other == command) continue;
    for (CLI::Option* option : other->get_options()) option->envname("");
  }
}

// "-o=json" as "-o json", and "--ca-file=" as "--ca-file ''": CLI11 would take "=json" for the value, and the next argument
// for the missing one.
std::vector<std::string> plainly_spelled(const CLI::App& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> plain;
  bool flags = true;
  for (const std::string& argument : arguments) {
    flags = flags && argument != "--";
    std::size_t equals = argument.find('=');
    bool awkward =
        argument.starts_with("--") ? equals + 1 == argument.size() : argument.starts_with('-') && equals == 2;
    const CLI::Option* option =
        flags && awkward ? command.get_option_no_throw(argument.substr(0, equals)) : nullptr;
    if (option && option->get_items_expected_max() > 0) {
      plain.push_back(argument.substr(0, equals));
      plain.push_back(argument.substr(equals + 1));
    } else {
      plain.push_back(argument);
    }
  }
  return plain;
}

// The parser and where it puts what it reads.
class Program {
 public:
  Program() {
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_help_flag("-h,--help", "Say this");
    app.require_subcommand(1);
    app.set_version_flag("--version", std::string("azure-blob-operator " ABO_VERSION), "Print the version");
    add_run(app, run_options, exit_code);
    add_validate(app, validate_flags, exit_code);
    add_render(app, render_flags, exit_code);
    add_preview(app, preview_options, exit_code);
    add_completion(app, shell);
    add_man(app);
    add_version(app, version_format);
    app.footer(
        "azure-blob-operator run --namespace ml\n"
        "azure-blob-operator validate watcher.yaml\n"
        "azure-blob-operator preview watcher.yaml");
  }

  CLI::App app{
      "Starts work in Kubernetes for every new or updated blob in Azure Blob Storage, exactly once per "
      "version",
      "azure-blob-operator"};
  int exit_code = 0;
  RunOptions run_options;
  ValidateFlags validate_flags;
  RenderFlags render_flags;
  PreviewOptions preview_options;
  OutputFormat version_format = OutputFormat::Table;
  Shell shell = Shell::Bash;
};

}  // namespace

ProgramDoc describe_program() {
  Program program;
  return describe(program.app);
}

int command_line(int argc, char** argv) {
  Program program;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const CLI::App* command = chosen(program.app, arguments);
  forget_variables_of_others(program.app, command);
  if (command) arguments = plainly_spelled(*command, arguments);
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    program.app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return program.app.exit(error) == 0 ? 0 : 2;
  }
  return program.exit_code;
}

}  // namespace abo::cli
