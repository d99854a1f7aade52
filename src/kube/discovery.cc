#include "kube/discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/percent_encoding.h"
#include "base/text.h"
#include "kube/kube_error.h"

namespace abo::kube {
namespace {

constexpr std::chrono::minutes kFresh{10};
constexpr std::chrono::seconds kAskAgain{10};
// Asked twice: an aggregated API whose server hangs must not hold up the others.
constexpr std::chrono::seconds kPatience{5};
constexpr std::size_t kMaxVersions = 64;  // templates choose the versions, so their number needs a limit

// "batch/v1" → group, version; "v1" → "", version.
std::pair<std::string, std::string> split(const std::string& api_version) {
  std::size_t slash = api_version.find('/');
  if (slash == api_version.npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

const Resource* pick(const std::vector<Resource>& resources, const std::string& kind) {
  auto found = std::ranges::find(resources, kind, &Resource::kind);
  return found == resources.end() ? nullptr : &*found;
}

bool serves(const json::array& resources, std::string_view name) {
  return std::ranges::any_of(resources, [&](const json::value& value) {
    const json::object* entry = value.if_object();
    return entry && find_string(*entry, {"name"}) == name;
  });
}

}  // namespace

std::vector<Resource> resources_of(const std::string& api_version, const json::object& list) {
  std::vector<Resource> out;
  const json::array* served = abo::find_array(list, {"resources"});
  if (!served) return out;
  auto [group, version] = split(api_version);
  for (const json::value& value : *served) {
    const json::object* entry = value.if_object();
    if (!entry) continue;
    std::string name{find_string(*entry, {"name"})};
    if (name.empty() || name.find('/') != name.npos) continue;
    bool has_status = serves(*served, name + "/status");
    out.push_back({group, version, std::move(name), std::string{find_string(*entry, {"kind"})},
                   find_bool(*entry, {"namespaced"}), has_status});
  }
  return out;
}

Task<Result<std::vector<Resource>>> Discovery::served(std::string api_version) {
  auto [group, version] = split(api_version);
  std::string path = group.empty() ? "/api/" + percent_encode(version)
                                   : "/apis/" + percent_encode(group) + "/" + percent_encode(version);
  Result<json::object> list = co_await client_.get(std::move(path), kPatience);
  if (!list) co_return pass(list);
  co_return resources_of(api_version, *list);
}

Task<Result<void>> Discovery::fetch(std::string api_version) {
  auto list = co_await served(api_version);
  bool not_served = !list && list.error().kind == ErrorKind::NotFound;
  if (!list && !not_served) co_return pass(list);
  if (by_version_.size() >= kMaxVersions) by_version_.clear();
  by_version_[api_version] = {list ? std::move(*list) : std::vector<Resource>{}, clock_.mono()};
  co_return Result<void>{};
}

Task<Result<Resource>> Discovery::find(std::string api_version, std::string kind) {
  if (api_version.empty() || api_version.front() == '/' || api_version.back() == '/') {
    co_return fail(
        ErrorKind::Invalid, Reason::InvalidTemplate,
        fmt::format("apiVersion \"{}\" is not of the form group/version", bounded_text(api_version, 80)));
  }
  auto cached = by_version_.find(api_version);
  const Resource* known = cached == by_version_.end() ? nullptr : pick(cached->second.resources, kind);
  bool usable = cached != by_version_.end() &&
                clock_.mono() - cached->second.fetched <
                    (known ? MonoClock::duration{kFresh} : MonoClock::duration{kAskAgain});
  if (!usable) {
    if (auto fetched = co_await fetch(api_version); !fetched) co_return pass(fetched);
    cached = by_version_.find(api_version);
    known = cached == by_version_.end() ? nullptr : pick(cached->second.resources, kind);
  }
  if (known) co_return *known;
  co_return fail(
      ErrorKind::NotFound, Reason::KindNotFound,
      fmt::format(
          "the cluster serves no {} in {}: install its CRD or mend apiVersion and kind in the template "
          "(kubectl api-resources lists what there is)",
          bounded_text(kind, 80), bounded_text(api_version, 80)));
}

}  // namespace abo::kube
