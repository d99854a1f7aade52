// One step of one operator's pass. The declarations are in the order of a pass, under the files of the product whose steps
// they follow; operator.h is what others see.
#pragma once

#include <vector>

#include "checkpoint/candidates.h"
#include "controllers/run_store.h"
#include "tests/model/operator.h"

namespace abo::model {

using checkpoint::Candidate;
using checkpoint::Checkpoint;
using checkpoint::Outcome;
using controllers::HeldRun;

inline constexpr std::string_view watcher_uid = "w";
inline constexpr std::string_view container = "c";
// One step of one operator: the operator, the world it acts on, and what goes wrong.
class Step {
 public:
  Step(Operator& me, World& world, const Rules& rules, Fault fault, std::size_t arg)
      : me_(me),
        pass_(me.pass),
        world_(world),
        cluster_(world.cluster),
        rules_(rules),
        fault_(fault),
        arg_(arg) {}

  void take();

 private:
  [[nodiscard]] bool is(Mutant mutant) const;
  [[nodiscard]] bool refused() const;

  // ---- the process (cli/operator_process.cc, controllers/run_tracker.cc) ----

  void start();
  void start_list();

  // ---- the sentence (blob_pass.cc) ----

  void begin_pass();

  // record_held()
  void record_held();
  void absorb();
  void know_checkpoint();
  void begin_listing();
  void list();
  void page();

  // begin_replay(), restart()
  [[nodiscard]] std::optional<Checkpoint> replayed(const Checkpoint& from) const;
  void replay();
  [[nodiscard]] Checkpoint settled_checkpoint() const;

  // The end of begin(): what becomes of the blobs that were there.
  void begin();
  void choose();

  // trigger(), up to the first creation
  void trigger(Checkpoint known, checkpoint::Selection selection);
  void advance();

  // The end of stay_current().
  void stay_swept();
  void sweep();
  void stay_recorded();
  void next_batch();
  void begin_batch(std::vector<Job> jobs);

  // What the batch came to, into the next checkpoint.
  void settle();
  void batch_done();

  // After the commit and the release that follows it.
  void after_batch();

  // ---- one creation (trigger_stage.cc, resource_creator.cc) ----

  void job(Job& job);
  [[nodiscard]] bool must_stop() const;
  void send(Job& job);
  void hear(Job& job);
  void look(Job& job);
  void keep(Job& job, int uid, bool held);
  // note_under_way(), under_way_for()
  void note_under_way(const Job& job);
  [[nodiscard]] std::chrono::milliseconds under_way_for(const Job& job) const;
  void postpone(Job& job, Reason reason, bool unknown);
  static void finish(Job& job, Outcome::Kind kind);

  // ---- the stored watcher (stored_watcher.cc, status_document.cc) ----

  [[nodiscard]] bool load();
  [[nodiscard]] bool read_again();
  void begin_write(Checkpoint next, For what);
  void write();
  void reread();
  void unwritten();
  void written();

  // ---- letting go (held_runs.cc, finalizer.cc) ----

  void release(std::vector<int> uids, For what);
  void release_one();
  void released();

  // ---- the end of a pass ----

  // What we knew is old: the next pass begins with a read.
  void end_old();
  void fail();
  void end_well();

  // report_once(): a refused one stands for those that are not due.
  void report();

  // ---- values ----

  [[nodiscard]] const Made& made(int uid) const;
  [[nodiscard]] listing::BlobItem item(int version) const;
  [[nodiscard]] Epoch epoch(int version) const;
  [[nodiscard]] checkpoint::Identity identity() const;
  [[nodiscard]] TriggerKey key_of(int version) const;
  [[nodiscard]] TriggerKey key_of(const Made& made) const;  // as its annotation says
  [[nodiscard]] Candidate candidate(int version) const;
  [[nodiscard]] std::vector<Candidate> candidates_of(const std::vector<int>& versions) const;
  [[nodiscard]] std::vector<int> held_uids() const;

  // What the annotations of these objects say.
  [[nodiscard]] std::vector<HeldRun> runs(const std::vector<int>& uids) const;
  [[nodiscard]] std::vector<int> recorded(const Checkpoint& known) const;

  Operator& me_;
  Pass& pass_;
  World& world_;
  Cluster& cluster_;
  const Rules& rules_;
  Fault fault_;
  std::size_t arg_;
};

}  // namespace abo::model
