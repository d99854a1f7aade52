#include "cli/render_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/time.h"
#include "cli/text_table.h"
#include "cli/watcher_file.h"
#include "controllers/pass_plan.h"

namespace abo::cli {
namespace {

azure::ContainerUrl container_of(const Watcher& watcher, std::ostream& err) {
  if (watcher.url) return *watcher.url;
  err << "note: the account stands in the Secret, which render does not read; \"unknown\" stands for it\n";
  return {.endpoint = {.scheme = "https", .host = "unknown.blob.core.windows.net", .port = 443},
          .account = "unknown",
          .container = watcher.spec.container_name};
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

void print_table(const json::object& object, std::ostream& out) {
  auto text = [&](std::initializer_list<std::string_view> path) {
    return std::string(find_string(object, path));
  };
  TextTable table({{"APIVERSION"}, {"KIND"}, {"NAMESPACE"}, {"NAME"}});
  table.add(
      {text({"apiVersion"}), text({"kind"}), text({"metadata", "namespace"}), text({"metadata", "name"})});
  table.print(out);
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

  std::string ns = watcher->name_space.empty() ? "default" : watcher->name_space;
  render::Source source =
      controllers::source_of(watcher->spec, container_of(*watcher, err), {ns, watcher->name, options.uid});
  listing::BlobItem item{.name = options.blob,
                         .etag = quote_free(options.etag),
                         .last_modified = *last_modified,
                         .size = options.size,
                         .content_type = options.content_type};
  note_filters(*watcher, item, err);
  auto key = TriggerKey::of(source.watcher_uid, source.container_url, item.name, item.etag);
  auto rendered = watcher->job.render(source, controllers::blob_of(watcher->filter, std::move(item), key));
  if (!rendered) {
    err << fmt::format("error: {}: {}\n", to_string(rendered.error().reason), rendered.error().message);
    return 1;
  }
  if (options.output == OutputFormat::Table) {
    print_table(rendered->object, out);
  } else {
    print_value(rendered->object, options.output, out);
  }
  return 0;
}

}  // namespace abo::cli
