#include "cli/watcher_file.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <optional>

#include "api/v1alpha1/check.h"
#include "base/nearest.h"
#include "controllers/replay_request.h"
#include "render/yaml_reader.h"

namespace abo::cli {
namespace {

constexpr std::size_t max_file_bytes = 16 << 20;

// "spec.jobTemplate.kind" -> "/spec/jobTemplate/kind". Lists do not occur in a spec.
std::string pointer_of(std::string_view path) {
  std::string pointer = "/";
  for (char c : path) pointer += c == '.' ? '/' : c;
  return pointer;
}

// "spec.jobTemplate" is above "spec.jobTemplate.kind".
bool is_at_or_above(std::string_view path, std::string_view other) {
  return other.starts_with(path) && (other.size() == path.size() || other[path.size()] == '.');
}

// "line 3, column 5: what is wrong" as the YAML reader and the template say it.
struct Place {
  std::size_t line = 0;  // 0: the text names none
  std::size_t column = 0;
  std::string message;
};

Place split_place(const std::string& text) {
  static const RE2 form(R"((?s)(?:jobTemplate\.template, )?line (\d+)(?:, column (\d+))?: (.*))");
  Place place;
  std::string column;
  if (!RE2::FullMatch(text, form, &place.line, &column, &place.message)) return {0, 0, text};
  if (!column.empty()) place.column = std::stoul(column);
  return place;
}

// `blobPattern "[" is not ...` -> `"[" is not ...`: a finding's path says which field it is.
std::string without_subject(std::string_view message, std::string_view subject) {
  bool named = message.starts_with(subject) && message.substr(subject.size()).starts_with(' ');
  return std::string(named ? message.substr(subject.size() + 1) : message);
}

std::string_view line_of_text(std::string_view text, std::size_t number) {
  for (; number > 1; --number) {
    std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// A warning about a template begins with the path in it: "spec.containers[0].args[1]: ...". Puts its line before.
std::string with_line(std::string_view template_text, const std::string& warning) {
  render::YamlOptions options;
  options.record_lines = true;
  auto document = render::read_yaml_document(template_text, options);
  if (!document) return warning;
  for (const auto& [pointer, line] : document->lines) {
    if (!pointer.empty() && warning.starts_with(render::readable_path(pointer) + ": ")) {
      return fmt::format("line {}: {}", line, warning);
    }
  }
  return warning;
}

// Reads the documents of one file, one after the other, and collects what it finds.
class FileChecker {
 public:
  FileChecker(std::string name, std::string_view text) : name_(std::move(name)), text_(text) {}

  WatcherFile check() {
    render::YamlOptions options;
    options.max_bytes = max_file_bytes;
    options.record_lines = true;
    options.reason = Reason::InvalidSpec;
    auto documents = render::read_yaml_documents(text_, options);
    if (!documents) {
      Place place = split_place(documents.error().message);
      result_.findings.push_back({.file = name_,
                                  .line = std::max<std::size_t>(place.line, 1),
                                  .column = place.column,
                                  .message = std::move(place.message)});
      return std::move(result_);
    }
    for (const render::YamlDocument& document : *documents) {
      document_ = &document;
      object(document.value, "");
    }
    return std::move(result_);
  }

 private:
  // A whole manifest, or an item of a List: `at_` is where in the document it stands.
  void object(const json::value& value, const std::string& at) {
    at_ = at;
    const json::object* manifest = value.if_object();
    if (!manifest)
      return note(Severity::Error, "", "is no Kubernetes object: a mapping with apiVersion and kind is");
    std::string_view api_version = find_string(*manifest, {"apiVersion"});
    std::string_view kind = find_string(*manifest, {"kind"});
    if (kind == "List" || kind == fmt::format("{}List", api::kind)) return items(*manifest, at);
    bool ours = kind == api::kind || api_version.starts_with(fmt::format("{}/", api::group));
    if (ours) return watcher(*manifest, api_version, kind);
    if (kind.empty() || api_version.empty()) {
      return note(Severity::Error, kind.empty() ? "kind" : "apiVersion", "is required");
    }
    note(Severity::Note, "",
         fmt::format("skipped: {} {} is no {}", kind, find_string(*manifest, {"metadata", "name"}),
                     api::kind));
  }

  void items(const json::object& list, const std::string& at) {
    const json::array* items = find_array(list, {"items"});
    if (!items) return note(Severity::Error, "items", "is required in a List");
    for (std::size_t i = 0; i < items->size(); ++i) object((*items)[i], fmt::format("{}/items/{}", at, i));
  }

  void watcher(const json::object& manifest, std::string_view api_version, std::string_view kind) {
    ++result_.watcher_count;
    std::size_t errors_before = errors_;
    envelope(manifest, api_version, kind);
    const json::value* spec = manifest.if_contains("spec");
    if (!spec) return note(Severity::Error, "spec", "is required");
    auto problems = api::check_spec(*spec);
    for (const api::Problem& problem : problems) note(Severity::Error, problem.path, problem.message);
    // What is wrong in one field keeps no other from being looked at.
    auto right = [&problems](std::initializer_list<std::string_view> paths) {
      return std::ranges::none_of(problems, [&](const api::Problem& problem) {
        return std::ranges::any_of(paths, [&](auto path) { return is_at_or_above(problem.path, path); });
      });
    };
    api::Spec decoded = api::read_unchecked(*spec);
    std::optional<azure::ContainerUrl> url;
    if (right({"spec.storageAccount", "spec.containerName", "spec.endpoint"})) url = container_url(decoded);
    std::optional<filter::Filter> compiled;
    if (right({"spec.blobPattern", "spec.blobExcludePattern"})) compiled = compile(decoded);
    std::string name_space(find_string(manifest, {"metadata", "namespace"}));
    if (!right({"spec.jobTemplate.kind"})) decoded.job_template.kind.clear();
    std::optional<render::Template> job;
    if (right({"spec.jobTemplate.template"})) job = parse_template(decoded, name_space, compiled);
    if (!job || errors_ > errors_before) return;
    result_.watchers.push_back({std::string(find_string(manifest, {"metadata", "name"})),
                                std::move(name_space), std::move(decoded), std::move(url),
                                std::move(*compiled), std::move(*job)});
  }

  // Everything around the spec.
  void envelope(const json::object& manifest, std::string_view api_version, std::string_view kind) {
    static constexpr std::array<std::string_view, 5> known = {"apiVersion", "kind", "metadata", "spec",
                                                              "status"};
    for (const auto& member : manifest) {
      std::string_view key = member.key();
      if (std::ranges::find(known, key) != known.end()) continue;
      auto meant = nearest(key, known);
      note(Severity::Error, std::string(key),
           meant.empty() ? "unknown field" : fmt::format("unknown field; did you mean {}?", meant));
    }
    std::string version = fmt::format("{}/{}", api::group, api::version);
    if (api_version != version) note(Severity::Error, "apiVersion", fmt::format("must be {}", version));
    if (kind != api::kind) note(Severity::Error, "kind", fmt::format("must be {}", api::kind));
    if (find_string(manifest, {"metadata", "name"}).empty())
      note(Severity::Error, "metadata.name", "is required");
    replay(manifest);
  }

  // The operator goes on without such a replay, so it is no error here either.
  void replay(const json::object& manifest) {
    std::string_view wish = controllers::replay_wish(manifest);
    if (wish.empty() || controllers::replay_since(wish)) return;
    std::size_t line = document_->line_of(at_ + "/metadata/annotations/mlops.example.com~1replay-since");
    add({Severity::Warning, name_, line, 0, "metadata.annotations",
         fmt::format("the annotation {} {}", controllers::replay_annotation, controllers::no_time)});
  }

  // Without account and endpoint it is for a connection string to say, which is not here.
  std::optional<azure::ContainerUrl> container_url(const api::Spec& spec) {
    if (spec.storage_account.empty() && spec.endpoint.empty()) return std::nullopt;
    auto url = azure::container_url(spec.storage_account, spec.container_name, spec.endpoint);
    if (url) return std::move(*url);
    note(Severity::Error, "spec.endpoint", without_subject(url.error().message, "endpoint"));
    return std::nullopt;
  }

  // Each pattern by itself first, so that both can be found wrong at once.
  std::optional<filter::Filter> compile(const api::Spec& spec) {
    api::Spec only_include = spec, only_exclude = spec;
    only_include.blob_exclude_pattern.clear();
    only_exclude.blob_pattern.clear();
    auto include = filter::Filter::compile(only_include);
    auto exclude = filter::Filter::compile(only_exclude);
    if (!include)
      note(Severity::Error, "spec.blobPattern", without_subject(include.error().message, "blobPattern"));
    if (!exclude)
      note(Severity::Error, "spec.blobExcludePattern",
           without_subject(exclude.error().message, "blobExcludePattern"));
    auto both = filter::Filter::compile(spec);
    return both ? std::optional(std::move(*both)) : std::nullopt;
  }

  // Without a filter its groups are not known, so nothing is said about ${MATCH_...}.
  std::optional<render::Template> parse_template(const api::Spec& spec, const std::string& name_space,
                                                 const std::optional<filter::Filter>& filter) {
    auto job =
        render::Template::parse_with_all_errors(spec.job_template.text, spec.job_template.kind, name_space,
                                                filter ? filter->group_names() : std::vector<std::string>{});
    if (!job) {
      for (const Error& error : job.error()) {
        bool of_a_group = error.message.contains("unknown variable ${MATCH_");
        if (filter || !of_a_group) note_in_template(Severity::Error, error.message);
      }
      return std::nullopt;
    }
    for (const std::string& warning : job->warnings()) {
      note_in_template(Severity::Warning, with_line(spec.job_template.text, warning));
    }
    return std::move(*job);
  }

  void note(Severity severity, std::string path, std::string message) {
    std::size_t line = document_->line_of(at_ + (path.empty() ? "" : pointer_of(path)));
    add({severity, name_, line, 0, std::move(path), std::move(message)});
  }

  // A template in a literal block stands in the file line by line; in any other form only its first line is known.
  void note_in_template(Severity severity, const std::string& message) {
    const std::string path = "spec.jobTemplate.template";
    std::size_t key_line = document_->line_of(at_ + pointer_of(path));
    Place place = split_place(message);
    static const RE2 literal_block(R"(:\s+(?:[!&]\S+\s+)*\|[-+0-9]*\s*(?:#.*)?$)");
    std::string_view key_text = line_of_text(text_, key_line);
    bool literal = RE2::PartialMatch(re2::StringPiece(key_text.data(), key_text.size()), literal_block);
    if (place.line > 0 && literal)
      return add({severity, name_, key_line + place.line, 0, path, place.message});
    add({severity, name_, key_line, 0, path, message});
  }

  void add(Finding finding) {
    if (finding.severity == Severity::Error) ++errors_;
    auto& all = result_.findings;
    all.insert(std::ranges::upper_bound(all, finding.line, {}, &Finding::line), std::move(finding));
  }

  std::string name_;
  std::string_view text_;
  const render::YamlDocument* document_ = nullptr;
  std::string at_;
  std::size_t errors_ = 0;
  WatcherFile result_;
};

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::Error:
      return "error";
    case Severity::Warning:
      return "warning";
    case Severity::Note:
      return "note";
  }
  return "";
}

std::string to_text(const Finding& finding) {
  std::string text = fmt::format("{}:{}:", finding.file, finding.line);
  if (finding.column > 0) text += fmt::format("{}:", finding.column);
  if (finding.severity != Severity::Error) text += fmt::format(" {}:", to_string(finding.severity));
  if (!finding.path.empty()) text += fmt::format(" {}:", finding.path);
  return text + " " + finding.message;
}

bool WatcherFile::has_errors() const {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.severity == Severity::Error; });
}

Result<std::string> read_input(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    std::error_code ignored;
    if (!file || std::filesystem::is_directory(path, ignored)) {
      return fail(ErrorKind::NotFound, Reason::InvalidSpec, fmt::format("{}: cannot be read", path));
    }
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text;
  char chunk[64 << 10];
  while (text.size() <= max_file_bytes && (in.read(chunk, sizeof chunk) || in.gcount() > 0)) {
    text.append(chunk, static_cast<std::size_t>(in.gcount()));
  }
  if (text.size() > max_file_bytes) {
    return fail(ErrorKind::TooLarge, Reason::InvalidSpec,
                fmt::format("{}: larger than {} MiB", path, max_file_bytes >> 20));
  }
  return text;
}

const Watcher* choose(const std::vector<Watcher>& watchers, const std::string& name, std::ostream& err) {
  std::string names;
  for (const Watcher& watcher : watchers) {
    names += (names.empty() ? "" : ", ") + watcher.name;
    if (watcher.name == name) return &watcher;
  }
  if (name.empty() && watchers.size() == 1) return &watchers.front();
  if (watchers.empty()) {
    err << "error: the file holds no AzureBlobWatcher\n";
  } else if (name.empty()) {
    err << "error: the file holds " << watchers.size() << " watchers (" << names
        << "): choose one with --watcher\n";
  } else {
    err << "error: the file holds no watcher " << name << ", but " << names << "\n";
  }
  return nullptr;
}

WatcherFile check_watchers(const std::string& name, std::string_view text) {
  return FileChecker(name, text).check();
}

}  // namespace abo::cli
