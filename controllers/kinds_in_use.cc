#include "controllers/kinds_in_use.h"

#include <fmt/format.h>

#include <algorithm>

#include "controllers/concurrently.h"
#include "kube/list.h"
#include "render/object_names.h"

namespace abo::controllers {
namespace {

// Asked twice: an aggregated API whose server hangs must not hold up the start. Lists may take longer: one that finds nothing of ours
// has looked at every object of the kind.
constexpr std::chrono::seconds discovery_patience{5};

// One object is enough to know.
Task<Result<bool>> has_ours(kube::Client& client, std::string path) {
  bool found = false;
  kube::ListOptions options{.label_selector = our_label(), .metadata_only = true, .page_size = 1};
  auto listed = co_await kube::list(client, std::move(path), options, [&](json::object&&) {
    found = true;
    return Result<void>(fail(ErrorKind::Canceled, Reason::Canceled, "seen enough"));
  });
  if (found) co_return true;
  if (!listed) co_return pass(listed);
  co_return false;
}

Task<void> look(kube::Client& client, KindsInUse::Place place, KindsInUse& found) {
  auto ours = co_await has_ours(client, place.resource.path(place.ns));
  bool gone = !ours && ours.error().kind == ErrorKind::NotFound;  // since it was found
  if (!ours && !gone) found.note(ours.error());
  if (ours && *ours) found.places.push_back(std::move(place));
}

void take_new(std::vector<kube::Resource>& kinds, const KindRule& rule, std::vector<kube::Resource> served) {
  for (kube::Resource& resource : served) {
    bool known = std::ranges::find(kinds, resource.kind, &kube::Resource::kind) != kinds.end();
    bool wanted = resource.namespaced && (rule.kind == "*" || rule.kind == resource.kind);
    if (wanted && !known) kinds.push_back(std::move(resource));
  }
}

}  // namespace

std::string our_label() {
  return fmt::format("{}={}", render::managed_by_label, render::managed_by_value);
}

void KindsInUse::note(Error worse) {
  bool graver =
      !error || (disposition(worse) == Disposition::Retry && disposition(*error) != Disposition::Retry);
  if (graver) error = std::move(worse);
}

Task<Result<std::vector<KindRule>>> spelled_out(kube::Client& client, std::vector<KindRule> rules) {
  std::vector<KindRule> out;
  for (KindRule& rule : rules) {
    if (rule.group != "*") {
      out.push_back(std::move(rule));
      continue;
    }
    auto groups = co_await client.get("/apis", discovery_patience);
    if (!groups) co_return pass(groups);
    out.push_back({"", "v1", rule.kind});
    const json::array* entries = find_array(*groups, {"groups"});
    for (const json::value& group : entries ? *entries : json::array{}) {
      if (!group.is_object()) continue;
      out.push_back({std::string(find_string(group.get_object(), {"name"})), "", rule.kind});
    }
  }
  co_return out;
}

Task<Result<std::vector<std::string>>> versions_of(kube::Client& client, KindRule rule) {
  if (rule.group.empty()) co_return std::vector<std::string>{rule.version};
  if (!rule.version.empty()) co_return std::vector<std::string>{rule.group + "/" + rule.version};
  auto group = co_await client.get("/apis/" + rule.group, discovery_patience);
  if (!group) co_return pass(group);
  std::vector<std::string> out{std::string(find_string(*group, {"preferredVersion", "groupVersion"}))};
  const json::array* versions = find_array(*group, {"versions"});
  for (const json::value& version : versions ? *versions : json::array{}) {
    if (!version.is_object()) continue;
    std::string name{find_string(version.get_object(), {"groupVersion"})};
    if (name != out.front()) out.push_back(std::move(name));
  }
  std::erase(out, "");
  co_return out;
}

Task<KindsInUse> kinds_in_use(kube::Client& client, kube::Discovery& discovery, KindRule rule,
                              std::vector<std::string> namespaces) {
  KindsInUse found;
  auto versions = co_await versions_of(client, rule);
  if (!versions) {
    found.note(versions.error());
    co_return found;
  }
  std::vector<kube::Resource> kinds;
  for (const std::string& version : *versions) {
    auto served = co_await discovery.served(version);
    if (served) take_new(kinds, rule, std::move(*served));
    if (!served) found.note(served.error());
  }
  std::vector<KindsInUse::Place> places;
  for (const kube::Resource& kind : kinds) {
    for (const std::string& ns : namespaces) places.push_back({kind, ns});
  }
  co_await concurrently(places.size(), requests_in_flight,
                        [&](std::size_t i) { return look(client, places[i], found); });
  co_return found;
}

}  // namespace abo::controllers
