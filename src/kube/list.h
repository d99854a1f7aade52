// One complete, consistent list of a resource, page by page, each object handed over as it is decoded: no
// page, let alone the list, is ever held. Reads through to etcd (no resourceVersion), so what it says is the
// present.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "kube/client.h"

namespace abo::kube {

struct ListOptions {
  std::string label_selector{};
  std::string field_selector{};
  bool metadata_only = false;
  int page_size = 500;
};

using OnItem = std::function<Result<void>(json::object&&)>;

// Returns the list's resourceVersion, from which a watch may go on. path: Resource::path(ns).
// Objects of typed lists come without apiVersion and kind. Errors: the client's; Gone when the continue token
// expired between two pages: begin again, from the start; UnknownOutcome InvalidResponse when a page is no
// list or a token repeats; and on_item's own. Items seen before an error are part of no consistent list.
[[nodiscard]] Task<Result<std::string>> list(Client& client, std::string path, ListOptions options,
                                             OnItem on_item);

}  // namespace abo::kube
