#include "cli/preview_subject.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/render_command.h"
#include "cli/watcher_file.h"
#include "controllers/replay_request.h"
#include "render/names.h"

namespace abo::cli {
namespace {

// Which kinds the operator may create is its own flag's business; see the report's notes.
controllers::KindPolicy any_kind() {
  return controllers::KindPolicy({{.group = "*", .version = "", .kind = "*"}});
}

}  // namespace

bool is_file(const std::string& subject) {
  std::error_code ignored;
  auto found = std::filesystem::status(subject, ignored);
  if (subject == "-" || (exists(found) && !is_directory(found))) return true;
  bool path = subject.starts_with('/') || subject.starts_with("./") || subject.starts_with("../");
  return path || subject.ends_with(".yaml") || subject.ends_with(".yml") || subject.ends_with(".json");
}

std::optional<Subject> subject_from_file(const PreviewOptions& options, const std::string& home,
                                         std::ostream& err, int& exit_code) {
  exit_code = 2;
  auto text = read_input(options.subject);
  if (!text) {
    err << "error: " << text.error().message << '\n';
    return std::nullopt;
  }
  auto checked = check_watchers(options.subject == "-" ? "stdin" : options.subject, *text);
  for (const Finding& finding : checked.findings) {
    if (finding.severity != Severity::Note) err << to_text(finding) << '\n';
  }
  if (checked.has_errors()) {
    exit_code = 1;
    return std::nullopt;
  }
  const Watcher* chosen = choose(checked.watchers, options.watcher, err);
  if (!chosen) return std::nullopt;
  auto& watcher = checked.watchers[static_cast<std::size_t>(chosen - checked.watchers.data())];
  std::string ns = !watcher.name_space.empty()   ? watcher.name_space
                   : !options.name_space.empty() ? options.name_space
                                                 : home;
  return Subject{.watcher = {std::move(ns), std::move(watcher.name), RenderOptions::placeholder_uid},
                 .checkpoint = std::nullopt,
                 .plan = {std::move(watcher.spec), std::move(watcher.filter), std::move(watcher.job)}};
}

Result<NamedWatcher> parse_watcher_name(const PreviewOptions& options, const std::string& home) {
  const std::string& text = options.subject;
  std::size_t slash = text.find('/');
  NamedWatcher named{.ns = options.name_space.empty() ? home : options.name_space, .name = text};
  if (slash != text.npos) named = {text.substr(0, slash), text.substr(slash + 1)};
  if (slash != text.npos && !options.name_space.empty() && options.name_space != named.ns) {
    return fail(ErrorKind::Invalid, Reason::InvalidSpec,
                fmt::format("{} names another namespace than --namespace {}", text, options.name_space));
  }
  bool legal = render::is_legal(named.name, {}) &&
               render::is_legal(named.ns, {.form = render::NameForm::Label, .limit = 63});
  if (legal) return named;
  return fail(
      ErrorKind::Invalid, Reason::InvalidSpec,
      fmt::format("\"{}\" is neither a file nor the name of a watcher (NAME or NAMESPACE/NAME)", text));
}

Result<Subject> subject_from_object(const json::object& object) {
  auto text = [&](std::string_view field) { return std::string(find_string(object, {"metadata", field})); };
  const json::object* spec = find_object(object, {"spec"});
  auto plan =
      controllers::PassPlan::make(spec ? json::serialize(*spec) : "null", text("namespace"), any_kind());
  if (!plan) return pass(plan);
  Subject subject{.watcher = {text("namespace"), text("name"), text("uid")},
                  .generation = find_int(object, {"metadata", "generation"}).value_or(0),
                  .stored = true,
                  .checkpoint = std::nullopt,
                  .replay_wish = std::string(controllers::replay_wish(object)),
                  .plan = std::move(*plan)};
  const json::value* stored = find(object, {"status", "checkpoint"});
  if (!stored || stored->is_null()) return subject;
  auto read = checkpoint::from_json(*stored);
  if (!read) return pass(read);
  subject.checkpoint = std::move(*read);
  return subject;
}

}  // namespace abo::cli
