#include "controllers/pass_plan.h"

#include <fmt/format.h>

namespace abo::controllers {

Result<PassPlan> PassPlan::make(std::string_view spec_json, std::string_view ns, const KindPolicy& kinds) {
  auto value = parse_json(spec_json);
  if (!value) return pass(value);
  auto spec = api::decode_spec(*value);
  if (!spec) return pass(spec);
  auto filter = filter::Filter::compile(*spec);
  if (!filter) return pass(filter);
  auto parsed =
      render::Template::parse(spec->job_template.text, spec->job_template.kind, ns, filter->group_names());
  if (!parsed) return pass(parsed);
  if (auto allowed = kinds.check(parsed->api_version(), parsed->kind()); !allowed) return pass(allowed);
  return PassPlan{std::move(*spec), std::move(*filter), std::move(*parsed)};
}

render::Source source_of(const api::Spec& spec, const azure::ContainerUrl& container, WatcherName watcher) {
  return {.watcher_name = std::move(watcher.name),
          .watcher_namespace = std::move(watcher.ns),
          .watcher_uid = std::move(watcher.uid),
          .storage_account = container.account,
          .container_name = spec.container_name,
          .container_url = container.text(),
          .owned = spec.deletion_policy == api::DeletionPolicy::Delete};
}

render::Blob blob_of(const filter::Filter& filter, listing::BlobItem blob, TriggerKey key) {
  render::Blob out{.item = std::move(blob), .key = key, .groups = {}};
  const auto& names = filter.group_names();
  auto values = filter.groups(out.item.name);
  for (std::size_t i = 0; i < names.size(); ++i) out.groups.push_back({names[i], std::move(values[i])});
  return out;
}

std::string warnings(const PassPlan& plan) {
  std::string out;
  for (const std::string& warning : plan.template_.warnings()) out += fmt::format(" Warning: {}", warning);
  return out;
}

}  // namespace abo::controllers
