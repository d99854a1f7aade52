#include "controllers/kind_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace abo::controllers {
namespace {

struct GroupVersion {
  std::string group;
  std::string version;
};

GroupVersion split(std::string_view api_version) {
  auto slash = api_version.find('/');
  if (slash == api_version.npos) return {"", std::string(api_version)};
  return {std::string(api_version.substr(0, slash)), std::string(api_version.substr(slash + 1))};
}

bool looks_like_version(std::string_view text) {
  return text.size() >= 2 && text[0] == 'v' && text[1] >= '0' && text[1] <= '9' &&
         text.find('.') == text.npos;
}

bool allows(const KindRule& rule, const GroupVersion& gv, std::string_view kind) {
  bool group = rule.group == "*" || rule.group == gv.group;
  bool version = rule.version.empty() || rule.version == gv.version;
  return group && version && (rule.kind == "*" || rule.kind == kind);
}

}  // namespace

Result<KindRule> parse_kind_rule(std::string_view text) {
  if (text == "*") return KindRule{"*", "", "*"};
  auto space = text.find(' ');
  std::string_view kind = space == text.npos ? std::string_view{} : text.substr(space + 1);
  if (space == 0 || kind.empty() || kind.find_first_of(" /") != kind.npos) {
    return fail(
        ErrorKind::Invalid, Reason::InvalidSpec,
        fmt::format(
            "--allowed-kind \"{}\": the form is \"GROUP[/VERSION] KIND\", for example \"batch/v1 Job\", "
            "\"argoproj.io Workflow\" or \"v1 Pod\"",
            text));
  }
  std::string_view place = text.substr(0, space);
  if (place.find('/') != place.npos || looks_like_version(place)) {
    auto [group, version] = split(place);
    return KindRule{group, version, std::string(kind)};
  }
  return KindRule{std::string(place), "", std::string(kind)};
}

KindPolicy KindPolicy::defaults() {
  return KindPolicy({{"batch", "v1", "Job"}, {"argoproj.io", "", "Workflow"}});
}

Result<void> KindPolicy::check(std::string_view api_version, std::string_view kind) const {
  auto gv = split(api_version);
  if (gv.group == "rbac.authorization.k8s.io" || gv.group == "authorization.openshift.io" ||
      (gv.group == "mlops.example.com" && kind == "AzureBlobWatcher")) {
    return fail(ErrorKind::Forbidden, Reason::KindNotAllowed,
                fmt::format("a template may not create {} {}; no setting allows it", api_version, kind));
  }
  auto matches = [&](const KindRule& rule) { return allows(rule, gv, kind); };
  if (std::ranges::any_of(rules_, matches)) return {};
  return fail(
      ErrorKind::Forbidden, Reason::KindNotAllowed,
      fmt::format(
          "the operator is not allowed to create {0} {1}; start it with --allowed-kind \"{0} {1}\" and "
          "give its ServiceAccount the rights (create, get, list, watch, patch, delete)",
          api_version, kind));
}

}  // namespace abo::controllers
