// One simulated operator process and the one pass it is in: the protocol of docs/exactly-once.md as a machine that does
// one thing at a time to the world, so that anything may happen between any two of its steps. What is pure in the
// product is called, not imitated: the checkpoint's functions, candidate selection, what is recorded of held resources,
// which postponed blobs are due, and the lease's rules. What is imitated here is the order of the shell's steps; each
// function names the one it follows. A frozen process is simply one that takes no steps.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/advance.h"
#include "checkpoint/horizon.h"
#include "kube/lease_state.h"
#include "tests/model/world.h"

namespace abo::model {

// What goes wrong with the one request of a step.
enum class Fault : std::uint8_t {
  None,
  Refused,      // it did nothing: not reached, 503, a listing that broke off
  AnswerLost,   // it was carried out, but nobody hears of it; of a page: the next one repeats a row
  CarriedLate,  // of a status write: its answer is not waited for, and it arrives later
};

// The next thing an operator does to the world.
enum class At : std::uint8_t {
  Down,        // start the process
  Standby,     // the election must be won first
  StartList,   // list the resources of a predecessor
  Idle,        // begin a pass
  LoadHeld,    // GET the watcher, for the checkpoint that held resources are compared with
  LoadKnown,   // GET it, since the checkpoint is unknown
  Page,        // ask for the next page
  LoadReplay,  // GET it again before a replay begins
  LoadBegin,   // GET it again before a first checkpoint is written
  LoadStay,    // GET it again before the first creation
  Sweep,       // list our resources with a quorum, after an unknown outcome
  Create,      // work on the batch
  Write,       // replace the status
  Reread,      // GET it after a conflict or a lost answer
  Release,     // take one finalizer off
  LoadReport,  // GET it to report an idle poll
};

[[nodiscard]] std::string_view to_string(At at);

// A resource as the process's store holds it (controllers/run_store.h).
struct Seen {
  int uid = 0;
  bool held = false;
  Millis since = 0;  // when it was first seen held
};

// One creation of a batch.
struct Job {
  enum class State : std::uint8_t { Ready, Sent, Look, Done };
  int version = 0;
  std::uint32_t attempts = 0;
  bool fallback_first = false;
  WallTime under_way_until{};  // see checkpoint::Postponed
  State state = State::Ready;
  bool second = false;         // the other name's turn ...
  bool one_name_only = false;  // ... which it may not have
  bool unchecked = false;      // GoneHolderIsFree only
  int request = 0;
  checkpoint::Outcome outcome{};

  [[nodiscard]] bool fallback() const { return second != fallback_first; }
};

// The status document during a pass (controllers/status_document.h).
struct Document {
  bool loaded = false;
  Watcher found;
};

// Why the status is being written, or finalizers are being taken off.
enum class For : std::uint8_t { Held, Begin, Replay, Intent, Batch, Report };

struct Writing {
  For what = For::Held;
  checkpoint::Checkpoint next;
  std::optional<checkpoint::Checkpoint> base;
  int attempts = 0;
  bool answer_lost = false;
};

// Everything of one pass; a new pass begins with a new one.
struct Pass {
  int generation = 0;
  std::optional<ServiceTime> wish;
  bool begins = false;  // no checkpoint yet: this listing decides about what is there
  Document document;
  std::vector<int> held;  // uids, as record_held() found them
  // The listing.
  std::string marker;
  bool from_marker = false;
  bool first_page = true;
  std::vector<int> listed;  // versions, repeats included
  checkpoint::Horizon horizon;
  // The work.
  checkpoint::Replays replays;  // whose keys its creations have
  checkpoint::Checkpoint next;  // as far as this pass has come
  std::vector<int> candidates;  // versions
  bool truncated = false;
  std::vector<checkpoint::Outcome> outcomes;
  std::size_t takeable = 0;
  std::size_t first = 0;  // of the batch after this one
  std::vector<Job> due;   // postponed blobs whose time has come
  bool retries = false;   // the batch is of those
  std::vector<Job> batch;
  bool begin_again = false;
  bool halted = false;
  // Writing and letting go.
  Writing writing;
  std::vector<int> to_release;  // uids
  For release_for = For::Held;
  std::optional<checkpoint::Checkpoint> settled;
};

struct Election {
  kube::LeaseState state;
  bool led = false;
  bool looks = false;  // the Lease was not as we left it
  bool in_flight = false;
  kube::LeaseRecord record;  // of the write in flight
  std::string based_on;
  MonoTime began{};
};

struct Operator {
  int index = 0;
  int incarnation = 0;
  At at = At::Down;
  bool frozen = false;  // of the random search: takes no steps for a while
  // Between passes (controllers/watcher_row.h); all of it is lost in a crash.
  std::vector<Seen> store;
  int generation = 0;  // as the watch told
  std::optional<ServiceTime> wish;
  Watcher cached;  // what the watch brought; only CachedCheckpoint believes it
  std::optional<checkpoint::Checkpoint> checkpoint;
  std::optional<checkpoint::Position> settled;
  bool sweep = false;
  std::map<std::uint64_t, MonoTime> under_way;  // by trigger key
  std::optional<Election> election;
  Pass pass;

  // True when step() would do something: not down or waiting for an election or an answer.
  [[nodiscard]] bool may_step(const World& world, const Rules& rules) const;
  // Jobs of the batch that could do something now.
  [[nodiscard]] std::vector<std::size_t> ready_jobs(const World& world) const;

  // One step of the pass. `arg`: the job of the batch; of a first page: seconds by which its Date is ahead.
  void step(World& world, const Rules& rules, Fault fault, std::size_t arg);
  // One step of the election: look and begin a write, or hear what became of it.
  void elect(World& world, const Rules& rules, Fault fault);
  // What the watches have to tell: the store and the spec as they are now.
  void watch(const World& world, const Rules& rules);
  // kill -9. Only what is stored survives.
  void crash();
  // A clean exit between two passes; the lease is given back.
  void retire(World& world, const Rules& rules);

  [[nodiscard]] MonoTime mono(const World& world, const Rules& rules) const;
  [[nodiscard]] WallTime wall(const World& world, const Rules& rules) const;
  // The lease is ours, safely (Services::may_act).
  [[nodiscard]] bool may_act(const World& world, const Rules& rules) const;
};

// The name that the template gives: a function of the blob alone, and the other one, of the version (its key) too.
[[nodiscard]] std::string object_name(const World& world, int version, Epoch epoch, bool fallback,
                                      const Rules& rules);

}  // namespace abo::model
