// What a pass works with: the outside world, by reference, so that tests can bring another one. Everything in it
// outlives every pass.
#pragma once

#include <functional>

#include "azure/blob_client.h"
#include "base/time.h"
#include "controllers/run_tracker.h"
#include "controllers/settings.h"
#include "controllers/telemetry.h"
#include "kube/client.h"
#include "kube/signal.h"
#include "kube/sleeper.h"

namespace abo::controllers {

struct Services {
  const Clock& clock;
  kube::Sleeper& sleeper;
  kube::Client& kube;
  azure::BlobClient& blobs;
  RunTracker& runs;
  Telemetry& telemetry;
  const Settings& settings;
  std::function<double()> random;  // numbers from [0, 1)
  std::function<bool()> may_act;   // the lease is ours, safely
  std::function<bool()> stopping;  // SIGTERM came: finish what is begun, begin nothing
  kube::Signal& stop_signal;       // notified when stopping turns true
};

}  // namespace abo::controllers
