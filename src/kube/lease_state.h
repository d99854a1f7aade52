// Who leads, decided from what was seen of one Lease object. Pure: the elector (lease.h) is its shell. Follows client-go's leader election: time is
// never compared between machines, only how long this process has watched a record without its changing.
//
// Why it is safe: whoever wants to take over waits `duration` from the moment it saw the record last change, which is
// not before the holder wrote it, which is not before the holder began to write it. So a holder that counts `duration`
// from the beginning of its last successful write, on a clock that runs through suspend, stops first; the slack covers
// the difference of two clocks' speed and the time a checked request spends in the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/time.h"

namespace abo::kube {

// 12 s, not client-go's 15: a candidate sees the holder's last renewal up to a second late, and that it is too old up to
// a second late again, and what we promise is to take over within 15 s of a kill.
struct LeaseTimes {
  std::chrono::seconds duration{12};  // a record unchanged for so long may be taken over
  std::chrono::milliseconds renew_every{2'000};
  std::chrono::milliseconds look_every{1'000};  // of a candidate
  std::chrono::milliseconds slack{2'000};
  std::chrono::milliseconds request_timeout{
      4'000};  // one that hangs leaves time for another within the duration
};

// spec of a coordination.k8s.io/v1 Lease, and what identifies its state.
struct LeaseRecord {
  std::string holder;  // "" when it was released
  std::chrono::seconds duration{0};
  std::string acquired;  // texts: they are never compared with a clock
  std::string renewed;
  std::int64_t transitions = 0;
  std::string resource_version;
};

[[nodiscard]] LeaseRecord lease_record(const json::object& lease);

class LeaseState {
 public:
  enum class Next : std::uint8_t {
    Create,  // there is no Lease
    Take,    // nobody holds it, or its holder was silent for too long: write our name over it
    Renew,   // it is ours
    Wait,    // somebody else leads
  };

  LeaseState(std::string identity, LeaseTimes times) : identity_(std::move(identity)), times_(times) {}

  // The Lease as it was read at `at` (nothing: it does not exist), and what to do about it.
  Next observe(std::optional<LeaseRecord> record, MonoTime at);

  // The Lease we should write now: Create's, Take's, Renew's or the release's body.
  [[nodiscard]] json::object to_write(WallTime now, bool release) const;

  // A write of ours that began at `began` was answered with this record.
  void wrote(LeaseRecord record, MonoTime began, MonoTime at);
  // We let go.
  void lost() { led_since_.reset(); }

  // We led and nobody is known to have taken over. It does not say that a write may be sent now.
  [[nodiscard]] bool is_leader() const { return led_since_.has_value(); }
  // True as long as nobody can have taken over: for the check right before a write (exactly-once, protocol step 4).
  [[nodiscard]] bool held_safely(MonoTime at) const;
  [[nodiscard]] const std::string& holder() const { return record_.holder; }
  [[nodiscard]] const std::string& resource_version() const { return record_.resource_version; }
  // When the record was first seen as it is, and since when we may count on it: what decides, besides the record.
  [[nodiscard]] MonoTime observed() const { return observed_; }
  [[nodiscard]] std::optional<MonoTime> led_since() const { return led_since_; }

 private:
  [[nodiscard]] bool ours() const { return record_.holder == identity_; }

  std::string identity_;
  LeaseTimes times_;
  LeaseRecord record_;
  bool exists_ = false;
  MonoTime observed_{};                // when record_ was first seen as it is
  std::optional<MonoTime> led_since_;  // begin of our last successful write
};

}  // namespace abo::kube
