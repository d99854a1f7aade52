#include "kube/lease_state.h"

#include <algorithm>
#include <utility>

namespace abo::kube {

LeaseRecord lease_record(const json::object& lease) {
  LeaseRecord out;
  out.holder = find_string(lease, {"spec", "holderIdentity"});
  auto seconds = find_int(lease, {"spec", "leaseDurationSeconds"}).value_or(0);
  out.duration = std::chrono::seconds{std::clamp<std::int64_t>(seconds, 0, 3600)};
  out.acquired = find_string(lease, {"spec", "acquireTime"});
  out.renewed = find_string(lease, {"spec", "renewTime"});
  out.transitions = find_int(lease, {"spec", "leaseTransitions"}).value_or(0);
  out.resource_version = find_string(lease, {"metadata", "resourceVersion"});
  return out;
}

LeaseState::Next LeaseState::observe(std::optional<LeaseRecord> record, MonoTime at) {
  bool existed = std::exchange(exists_, record.has_value());
  if (!record) {
    record_ = {};
    led_since_.reset();
    return Next::Create;
  }
  if (!existed || record->resource_version != record_.resource_version) observed_ = at;
  record_ = std::move(*record);
  if (!ours()) led_since_.reset();
  // After a restart under the same name the record is ours, but nobody counted since when: taking it starts the count.
  if (ours()) return Next::Renew;
  if (record_.holder.empty()) return Next::Take;
  std::chrono::seconds theirs = std::max(record_.duration, times_.duration);
  return at - observed_ >= theirs ? Next::Take : Next::Wait;
}

json::object LeaseState::to_write(WallTime now, bool release) const {
  std::string time = format_rfc3339_micros(now);
  bool change = !ours();
  json::object spec{
      {"holderIdentity", release ? "" : identity_},
      {"leaseDurationSeconds", release ? 1 : times_.duration.count()},
      {"acquireTime", change || record_.acquired.empty() ? time : record_.acquired},
      {"renewTime", time},
      {"leaseTransitions", record_.transitions + (exists_ && change ? 1 : 0)},
  };
  return spec;
}

void LeaseState::wrote(LeaseRecord record, MonoTime began, MonoTime at) {
  exists_ = true;
  record_ = std::move(record);
  observed_ = at;
  if (ours()) {
    led_since_ = began;
  } else {
    led_since_.reset();
  }
}

bool LeaseState::held_safely(MonoTime at) const {
  return led_since_ && at - *led_since_ < times_.duration - times_.slack;
}

}  // namespace abo::kube
