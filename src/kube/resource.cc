#include "kube/resource.h"

#include "base/percent_encoding.h"

namespace abo::kube {

std::string Resource::path(std::string_view ns) const {
  std::string out = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (namespaced && !ns.empty()) out += "/namespaces/" + percent_encode(ns);
  return out + "/" + plural;
}

std::string Resource::path(std::string_view ns, std::string_view name) const {
  return path(ns) + "/" + percent_encode(name);
}

std::string Resource::status_path(std::string_view ns, std::string_view name) const {
  return path(ns, name) + "/status";
}

std::string with_query(std::string path, Query query) {
  char separator = path.find('?') == path.npos ? '?' : '&';
  for (const auto& [key, value] : query) {
    if (value.empty()) continue;
    path += separator;
    path += key;
    path += '=';
    path += percent_encode(value);
    separator = '&';
  }
  return path;
}

}  // namespace abo::kube
