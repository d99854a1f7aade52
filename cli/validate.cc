#include "cli/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/watcher_file.h"

namespace abo::cli {
namespace {

struct Report {
  std::size_t files = 0;
  std::size_t watchers = 0;
  std::size_t unreadable = 0;
  std::vector<Finding> findings;

  [[nodiscard]] std::size_t count(Severity severity) const {
    return static_cast<std::size_t>(std::ranges::count(findings, severity, &Finding::severity));
  }
};

std::string counted(std::size_t number, std::string_view word) {
  return fmt::format("{} {}{}", number, word, number == 1 ? "" : "s");
}

std::string summary(const Report& report) {
  std::string text =
      fmt::format("{} in {}: ", counted(report.watchers, "watcher"), counted(report.files, "file"));
  std::size_t errors = report.count(Severity::Error), warnings = report.count(Severity::Warning);
  std::string verdict = errors > 0 ? counted(errors, "error") : report.unreadable > 0 ? "" : "ok";
  auto tell = [&](std::string part) { verdict += (verdict.empty() ? "" : ", ") + std::move(part); };
  if (warnings > 0) tell(counted(warnings, "warning"));
  if (report.unreadable > 0) tell(counted(report.unreadable, "file") + " could not be read");
  return text + verdict;
}

json::object to_json(const Finding& finding) {
  json::object object = {
      {"severity", to_string(finding.severity)}, {"file", finding.file}, {"line", finding.line}};
  if (finding.column > 0) object["column"] = finding.column;
  if (!finding.path.empty()) object["path"] = finding.path;
  object["message"] = finding.message;
  return object;
}

json::object to_json(const Report& report) {
  json::array findings;
  for (const Finding& finding : report.findings) findings.push_back(to_json(finding));
  return {{"files", report.files},
          {"watchers", report.watchers},
          {"unreadable", report.unreadable},
          {"errors", report.count(Severity::Error)},
          {"warnings", report.count(Severity::Warning)},
          {"findings", std::move(findings)}};
}

void print(const Report& report, OutputFormat format, std::ostream& out) {
  switch (format) {
    case OutputFormat::Json:
    case OutputFormat::Yaml:
      return print_value(to_json(report), format, out);
    case OutputFormat::Table:
      for (const Finding& finding : report.findings) out << to_text(finding) << '\n';
      out << summary(report) << '\n';
      return;
  }
}

void add(Report& report, const std::string& name, WatcherFile checked) {
  ++report.files;
  report.watchers += checked.watcher_count;
  // Whoever asks for validation of nothing has probably named the wrong file.
  if (checked.watcher_count == 0 && !checked.has_errors()) {
    checked.findings.push_back(
        {.severity = Severity::Warning, .file = name, .line = 1, .message = "holds no AzureBlobWatcher"});
  }
  std::ranges::move(checked.findings, std::back_inserter(report.findings));
}

}  // namespace

int validate(const std::vector<std::string>& files, OutputFormat format, std::ostream& out,
             std::ostream& err) {
  if (files.empty()) {
    err << "validate: name at least one file, or - for the standard input\n";
    return 2;
  }
  Report report;
  for (const std::string& file : files) {
    auto text = read_input(file);
    if (!text) {
      err << text.error().message << '\n';
      ++report.unreadable;
      continue;
    }
    std::string name = file == "-" ? "stdin" : file;
    add(report, name, check_watchers(name, *text));
  }
  print(report, format, out);
  if (report.unreadable > 0) return 2;
  return report.count(Severity::Error) > 0 ? 1 : 0;
}

}  // namespace abo::cli
