// How large one object may be as JSON: one that is larger ends the list or the watch it stands in, for all.
#pragma once

#include <cstddef>

namespace abo::kube {

// etcd takes objects of 1.5 MiB, of which JSON may write every byte as six: "<" as \u003c. That makes 9 MiB.
inline constexpr std::size_t object_limit = 16U << 20;

}  // namespace abo::kube
