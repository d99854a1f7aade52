// Whether the API server is away, and when it is back. While it is, nothing is begun: one question a second stands for
// what every watcher would ask, so an outage costs neither side anything, and its end is seen within seconds. The
// question reads watchers through to the store, since a server may answer and yet have lost its store.
#pragma once

#include <functional>

#include "controllers/services.h"
#include "kube/sleeper.h"
#include "runtime/task_scope.h"

namespace abo::controllers {

class ApiOutage {
 public:
  // on_end: work may begin again. All outlive it; its questions run in `scope`.
  ApiOutage(Services& services, kube::Sleeper& sleeper, runtime::TaskScope& scope,
            std::function<void()> on_end);

  // Work failed for want of the API server. Asked at once, so that one bad answer to one watcher delays nobody else.
  void suspect();
  [[nodiscard]] bool lasts() const { return asking_; }

 private:
  [[nodiscard]] Task<void> ask_until_it_answers();
  [[nodiscard]] Task<Result<void>> ask();

  Services& services_;
  kube::Sleeper& sleeper_;
  runtime::TaskScope& scope_;
  std::function<void()> on_end_;
  bool asking_ = false;
};

// True for an error that says the API server was not there, or did not answer as one.
[[nodiscard]] bool api_is_away(const Error& error);

}  // namespace abo::controllers
