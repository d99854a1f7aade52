#include "cli/render_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/time.h"
#include "base/yaml_writer.h"
#include "cli/watcher_file.h"

namespace abo::cli {
namespace {

// Which of the file's watchers is meant; nothing, and a sentence on `err`, when that is not clear.
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

render::Source source_of(const Watcher& watcher, const std::string& uid, std::ostream& err) {
  render::Source source{
      .watcher_name = watcher.name,
      .watcher_namespace = watcher.name_space.empty() ? "default" : watcher.name_space,
      .watcher_uid = uid,
      .storage_account = "unknown",
      .container_name = watcher.spec.container_name,
      .container_url = "https://unknown.blob.core.windows.net/" + watcher.spec.container_name,
      .owned = watcher.spec.deletion_policy == api::DeletionPolicy::Delete};
  if (watcher.url) {
    source.storage_account = watcher.url->account;
    source.container_url = watcher.url->text();
  } else {
    err << "note: the account stands in the Secret, which render does not read; \"unknown\" stands for it\n";
  }
  return source;
}

render::Blob blob_of(const Watcher& watcher, const render::Source& source, listing::BlobItem item) {
  render::Blob blob{.key = TriggerKey::of(source.watcher_uid, source.container_url, item.name, item.etag)};
  auto values = watcher.filter.groups(item.name);
  const auto& names = watcher.filter.group_names();
  for (std::size_t i = 0; i < values.size(); ++i) blob.groups.push_back({names[i], values[i]});
  blob.item = std::move(item);
  return blob;
}

// Would a poll have taken this blob at all?
void note_filters(const Watcher& watcher, const listing::BlobItem& item, std::ostream& err) {
  std::string reason;
  if (!item.name.starts_with(watcher.spec.blob_prefix)) {
    reason = "PrefixDoesNotMatch";
  } else if (auto verdict = watcher.filter.judge(listing::view(item)); verdict != filter::Verdict::Matches) {
    reason = filter::to_string(verdict);
  }
  if (!reason.empty()) err << "note: the filters would leave this blob out: " << reason << '\n';
}

std::string quote_free(std::string etag) {
  std::erase(etag, '"');
  return etag;
}

}  // namespace

int render(const std::string& file, const RenderOptions& options, std::ostream& out, std::ostream& err) {
  auto last_modified = parse_rfc3339(options.last_modified);
  if (options.blob.empty() || options.size < 0 || !last_modified) {
    err << "error: render needs a blob's name, a size of 0 or more, and a time such as "
           "2026-01-01T00:00:00Z\n";
    return 2;
  }
  auto text = read_input(file);
  if (!text) {
    err << "error: " << text.error().message << '\n';
    return 2;
  }
  auto checked = check_watchers(file == "-" ? "stdin" : file, *text);
  for (const Finding& finding : checked.findings) {
    if (finding.severity != Severity::Note) err << to_text(finding) << '\n';
  }
  if (checked.has_errors()) return 1;
  const Watcher* watcher = choose(checked.watchers, options.watcher, err);
  if (!watcher) return 2;

  render::Source source = source_of(*watcher, options.uid, err);
  listing::BlobItem item{.name = options.blob,
                         .etag = quote_free(options.etag),
                         .last_modified = *last_modified,
                         .size = options.size,
                         .content_type = options.content_type};
  note_filters(*watcher, item, err);
  auto rendered = watcher->job.render(source, blob_of(*watcher, source, std::move(item)));
  if (!rendered) {
    err << fmt::format("error: {}: {}\n", to_string(rendered.error().reason), rendered.error().message);
    return 1;
  }
  if (options.output == OutputFormat::Json) {
    out << json::serialize(rendered->object) << '\n';
  } else {
    out << to_yaml(rendered->object);
  }
  return 0;
}

}  // namespace abo::cli
