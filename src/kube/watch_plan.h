// What a reflector does next: the state machine of list and watch without its sockets. Told how each step ended, it
// says which one follows and how long to wait before it. Pure but for being a value that changes.
//
// The rules, after client-go's Reflector and the API concepts page:
//   - list first; then watch from the list's resourceVersion, from the last event's or bookmark's afterwards;
//   - a watch that ended politely is opened again at once, unless it lived less than a second: then with back-off, or a
//     server that closes every watch would be asked in a hot loop;
//   - 410 Gone, by status or as an event, means list again, the first time at once; any other failure keeps the step and backs off;
//   - the wait doubles from 0.5 s to 6 s, with ±25 % of jitter: about one attempt in six seconds during an outage, and
//     the first success within ten of the server's return. Retry-After wins when it is longer, up to 30 s;
//   - a watch that lived and spoke (or ended politely) puts the wait back to the beginning;
//   - after half an hour of watching, the end of a watch is followed by a list. A watch is trusted to tell everything, but
//     a proxy that drops one event would otherwise leave a ghost for ever: a deleted resource that counts as active. A
//     list costs about 3 kB for each object that carries our label, so ten thousand of them 17 kB a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace abo::kube {

class WatchPlan {
 public:
  enum class Step : std::uint8_t { List, Watch };

  [[nodiscard]] Step step() const { return step_; }
  [[nodiscard]] const std::string& resource_version() const { return version_; }

  // Each returns how long to wait before the next step. jitter is from [0, 1).
  std::chrono::milliseconds list_ended(const Result<std::string>& version, double jitter);
  std::chrono::milliseconds watch_ended(const Result<void>& how, MonoClock::duration lived, double jitter);

  // A watch is being opened; an event or bookmark of that version arrived.
  void watch_begins() { spoke_ = false; }
  void advance(std::string_view version);

 private:
  std::chrono::milliseconds back_off(const Error* error, double jitter);

  Step step_ = Step::List;
  std::string version_;
  std::chrono::milliseconds wait_{};
  bool spoke_ = false;             // this watch said something
  bool relisted_ = false;          // since the last watch that lived
  MonoClock::duration watched_{};  // since the last list
};

}  // namespace abo::kube
