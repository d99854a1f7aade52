// What a watcher's conditions say, in kstatus's sense: Ready is the answer to "does it work?"; Reconciling is
// True while the operator is still trying by itself; Stalled is True when somebody has to mend something
// first.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "report/status.h"

namespace abo::report {

enum class Health : std::uint8_t { Ready, Retrying, Stalled, Suspended };

struct Verdict {
  Health health = Health::Ready;
  Reason reason = Reason::PollSucceeded;
  std::string message;  // what is the case and, unless all is well, what to do
};

[[nodiscard]] Verdict verdict_of(const Error& error);

// Sets the three conditions. A condition's transition time changes only with its status.
void set_conditions(Status& status, const Verdict& verdict, std::int64_t generation, WallTime now);

// The Ready condition, or nullptr.
[[nodiscard]] const Condition* ready(const Status& status);

// True when a new Event should be told: Ready's status or reason differ. The message alone makes none, since
// it may hold counts that change with every poll.
[[nodiscard]] bool turned(const Status& before, const Status& after);

}  // namespace abo::report
