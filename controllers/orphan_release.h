// Takes our finalizer off the resources of watchers that are no more, so that nothing hangs on it: step 10 of the
// exactly-once protocol (docs/exactly-once.md). Nothing is recorded for them: without its watcher a checkpoint has no
// meaning. What does not go is tried again, ever more slowly, for as long as the operator runs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controllers/api_outage.h"
#include "controllers/services.h"
#include "kube/sleeper.h"

namespace abo::controllers {

class OrphanRelease {
 public:
  // is_orphan: the watches know all watchers of that owner key's namespace, and none with this key. All outlive run().
  OrphanRelease(Services& services, kube::Sleeper& sleeper, ApiOutage& outage,
                std::function<bool(const std::string& owner)> is_orphan);

  // The watchers of a namespace are known, a watcher went, a pass of one that is gone has ended, or resources of an unknown owner were seen.
  void look();

  // Returns when stop was asked for.
  [[nodiscard]] Task<void> run();

 private:
  [[nodiscard]] std::vector<std::string> orphans() const;
  [[nodiscard]] Task<void> release_due();
  [[nodiscard]] Task<void> release_owner(std::string owner);
  [[nodiscard]] std::optional<MonoTime> next_due() const;
  [[nodiscard]] Task<Result<bool>> exists(std::string ns, std::string owner);

  Services& services_;
  kube::Sleeper& sleeper_;
  ApiOutage& outage_;
  std::function<bool(const std::string&)> is_orphan_;
  kube::Signal changed_;
  bool look_again_ = false;
};

}  // namespace abo::controllers
