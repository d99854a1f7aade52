// Everything a poll needs that can be worked out before Azure is asked: the spec decoded, its patterns compiled, its
// template parsed and its kind found and allowed. Made anew for each poll, but for watchers that poll so often that it is
// worth its memory (some 20 kB).
#pragma once

#include <string>

#include "api/v1alpha1/azure_blob_watcher.h"
#include "azure/endpoint.h"
#include "base/error.h"
#include "controllers/kind_policy.h"
#include "filter/filter.h"
#include "render/render.h"

namespace abo::controllers {

struct PassPlan {
  api::Spec spec;
  filter::Filter filter;
  render::Template template_;

  // Errors: Invalid with InvalidSpec, InvalidPattern or InvalidTemplate; Forbidden with KindNotAllowed.
  static Result<PassPlan> make(std::string_view spec_json, std::string_view ns, const KindPolicy& kinds);
};

// What rendering needs to know besides the template. Whoever renders (a pass, `render`, `preview`) asks here, so that all
// make the same object.
struct WatcherName {
  std::string ns;
  std::string name;
  std::string uid;
};
[[nodiscard]] render::Source source_of(const api::Spec& spec, const azure::ContainerUrl& container,
                                       WatcherName watcher);
[[nodiscard]] render::Blob blob_of(const filter::Filter& filter, listing::BlobItem blob, TriggerKey key);

// What the Ready condition must say although all works: the template's warnings.
[[nodiscard]] std::string warnings(const PassPlan& plan);

}  // namespace abo::controllers
