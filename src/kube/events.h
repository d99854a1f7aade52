// Kubernetes Events on the objects they concern. record() notes one and returns at once; run(), a coroutine of the
// owner's scope, writes them one after another, so that Events never hold up the work they tell of. event_ledger.h
// decides what is written. A write that fails is told to a callback and not repeated: Events are best effort.
// One event loop; client, clock and this outlive run().
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/event_ledger.h"
#include "kube/signal.h"
#include "net/task.h"

namespace abo::kube {

class EventRecorder {
 public:
  struct Observer {
    std::function<void(const Error&)> failed{};  // a write; a namespace that ends or is gone is no failure
    std::function<void()> dropped{};             // too many waited
  };

  // name_suffix: eight random hex digits, which keep the names of two replicas' Events apart.
  EventRecorder(Client& client, const Clock& clock, std::string name_suffix, Observer observer);

  void record(Event event);

  // Writes until cancelled, or until close() was called and everything that is due was written.
  [[nodiscard]] Task<void> run();
  void close();

 private:
  [[nodiscard]] Task<void> write(EventWrite write);

  Client& client_;
  const Clock& clock_;
  Observer observer_;
  EventLedger ledger_;
  Signal noted_;
  bool closed_ = false;
};

}  // namespace abo::kube
