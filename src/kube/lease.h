// Leader election by a Lease: the shell around lease_state.h. run() tries to lead, renews while it does, and returns
// when somebody else took over, or it was given back; the owner then ends the process (or runs it again). Release on a clean exit
// makes the next leader wait for a second instead of the whole duration. One event loop; everything outlives run().
#pragma once

#include <functional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "kube/client.h"
#include "kube/lease_state.h"
#include "kube/sleeper.h"
#include "net/task.h"

namespace abo::kube {

struct ElectionOptions {
  std::string ns;
  std::string name = "azure-blob-operator";
  std::string identity;  // unique among replicas and restarts: pod name and a random part
  LeaseTimes times{};
  std::function<void()> on_leading{};            // once, when the lease was won
  std::function<void(const Error&)> on_error{};  // a try failed and will be repeated
};

class LeaderElection {
 public:
  LeaderElection(Client& client, ElectionOptions options, const Clock& clock, Sleeper& sleeper,
                 std::function<double()> random);

  // Returns once leadership that was won is lost, or after release(). Cancellation ends it without releasing.
  [[nodiscard]] Task<void> run();

  // Gives the lease back if it is ours; run() ends by itself. For the end of a clean exit, when all writes are done.
  [[nodiscard]] Task<void> release();

  [[nodiscard]] bool is_leader() const { return state_.is_leader(); }
  // Whether a write may be sent right now: ours, with slack, by a clock that runs through suspend.
  [[nodiscard]] bool held_safely() const { return !released_ && state_.held_safely(clock_.mono()); }

 private:
  [[nodiscard]] Task<Result<LeaseState::Next>> look();
  [[nodiscard]] Task<Result<void>> write(LeaseState::Next how, bool release);
  [[nodiscard]] Task<Result<void>> attempt();

  Client& client_;
  ElectionOptions options_;
  const Clock& clock_;
  Sleeper& sleeper_;
  std::function<double()> random_;
  LeaseState state_;
  json::object lease_;  // as last read or written, so that others' labels and annotations stay
  bool released_ = false;
};

}  // namespace abo::kube
