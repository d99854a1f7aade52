// The metrics every Prometheus client library gives of its process, read from /proc when somebody scrapes.
#pragma once

#include "runtime/metrics.h"

namespace abo::runtime {

void add_process_metrics(Registry& registry);

}  // namespace abo::runtime
