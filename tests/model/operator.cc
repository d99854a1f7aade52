#include "tests/model/operator.h"

#include <algorithm>

#include "tests/model/pass_step.h"

namespace abo::model {
namespace {

// ---- the election (src/kube/lease.cc) ----

class ElectionStep {
 public:
  ElectionStep(Operator& me, World& world, const Rules& rules, Fault fault)
      : me_(me),
        election_(*me.election),
        cluster_(world.cluster),
        world_(world),
        rules_(rules),
        fault_(fault) {}

  void take() {
    if (election_.in_flight) return answer();
    bool leads = election_.state.is_leader();
    if (leads && !election_.looks) {
      begin_write();
      if (rules_.coarse) answer();
      return;
    }
    look(leads);
  }

 private:
  void look(bool led_until_now) {
    election_.looks = false;
    if (fault_ == Fault::Refused) return end_attempt();
    auto next = election_.state.observe(cluster_.lease, me_.mono(world_, rules_));
    bool replaced = led_until_now && !election_.state.is_leader();
    if (replaced && rules_.mutant != Mutant::LeadsAgainInOneBreath) return end_attempt();
    if (next == kube::LeaseState::Next::Wait) return end_attempt();
    begin_write();
    if (rules_.coarse) answer();
  }

  void begin_write() {
    json::object lease{{"spec", election_.state.to_write(me_.wall(world_, rules_), false)}};
    election_.record = kube::lease_record(lease);
    if (rules_.coarse) election_.record.acquired = election_.record.renewed = "";  // nobody compares them
    election_.based_on = election_.state.resource_version();
    election_.began = me_.mono(world_, rules_);
    election_.in_flight = true;
  }

  void answer() {
    election_.in_flight = false;
    if (fault_ == Fault::Refused) return end_attempt();
    Millis sent = (election_.began.time_since_epoch() - me_.mono(world_, rules_).time_since_epoch()).count();
    bool stored = world_.replace_lease(me_.index, election_.based_on, election_.record, world_.now + sent,
                                       fault_ == Fault::None);
    if (stored && fault_ == Fault::None) {
      election_.state.wrote(election_.record, election_.began, me_.mono(world_, rules_));
    } else if (!stored && election_.state.is_leader()) {
      election_.looks = true;  // in the same attempt
      if (rules_.coarse) look(true);
      return;
    }
    end_attempt();
  }

  // The rest of a turn of LeaderElection::run().
  void end_attempt() {
    if (election_.led && !election_.state.is_leader()) return me_.crash();  // the process ends
    if (!election_.state.is_leader() || election_.led) return;
    election_.led = true;
    me_.at = At::StartList;
  }

  Operator& me_;
  Election& election_;
  Cluster& cluster_;
  World& world_;
  const Rules& rules_;
  Fault fault_;
};

}  // namespace

std::string_view to_string(At at) {
  switch (at) {
    case At::Down:
      return "starts";
    case At::Standby:
      return "stands by";
    case At::StartList:
      return "lists resources";
    case At::Idle:
      return "begins a pass";
    case At::LoadHeld:
      return "reads the watcher to compare what is held";
    case At::LoadKnown:
      return "reads the checkpoint";
    case At::Page:
      return "asks for a page";
    case At::LoadReplay:
      return "reads the watcher before a replay";
    case At::LoadBegin:
      return "reads the watcher before its first checkpoint";
    case At::LoadStay:
      return "reads the watcher before the first creation";
    case At::Sweep:
      return "sweeps with a quorum";
    case At::Create:
      return "works on its batch";
    case At::Write:
      return "writes the status";
    case At::Reread:
      return "reads the watcher after a failed write";
    case At::Release:
      return "takes a finalizer off";
    case At::LoadReport:
      return "reads the watcher to report";
  }
  return "?";
}

std::string object_name(const World& world, int version, Epoch epoch, bool fallback, const Rules& rules) {
  const Version& v = world.blobs.history[static_cast<std::size_t>(version)];
  bool shared = rules.shared_name && (v.name == "a" || v.name == "b");
  std::string name = shared ? "ab" : v.name;
  if (fallback) name += "-" + v.etag;
  if (fallback && epoch != no_replay) name += "-" + std::to_string(epoch);
  return name;
}

MonoTime Operator::mono(const World& world, const Rules& rules) const {
  return MonoTime{std::chrono::milliseconds{world.now + rules.boot_time[static_cast<std::size_t>(index)]}};
}

WallTime Operator::wall(const World& world, const Rules& rules) const {
  return WallTime{std::chrono::milliseconds{world.now + rules.clock_error[static_cast<std::size_t>(index)]}};
}

bool Operator::may_act(const World& world, const Rules& rules) const {
  if (!rules.elects() || rules.mutant == Mutant::NoLeaseCheckAtSend) return true;
  return election && election->state.held_safely(mono(world, rules));
}

bool Operator::may_step(const World& world, const Rules& rules) const {
  auto in_flight_of_the_dead = [&](const CreateRequest& r) {
    return r.flying && r.incarnation != incarnation;
  };
  switch (at) {
    case At::Standby:
      return false;
    // Without an election nothing protects a process from a request of its predecessor that is still on its way:
    // what was sent before a crash arrives, or is lost, before the next process is up.
    case At::StartList:
      return rules.elects() || std::ranges::none_of(world.cluster.requests, in_flight_of_the_dead);
    case At::Create:
      return !ready_jobs(world).empty();
    case At::Down:
    case At::Idle:
    case At::LoadHeld:
    case At::LoadKnown:
    case At::Page:
    case At::LoadReplay:
    case At::LoadBegin:
    case At::LoadStay:
    case At::Sweep:
    case At::Write:
    case At::Reread:
    case At::Release:
    case At::LoadReport:
      return true;
  }
  return false;
}

std::vector<std::size_t> Operator::ready_jobs(const World& world) const {
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < pass.batch.size(); ++i) {
    const Job& job = pass.batch[i];
    auto unanswered = [&](const CreateRequest& r) {
      return r.id == job.request && r.answer == CreateRequest::Answer::None;
    };
    bool waits = job.state == Job::State::Sent && std::ranges::any_of(world.cluster.requests, unanswered);
    if (job.state != Job::State::Done && !waits) ready.push_back(i);
  }
  return ready;
}

void Operator::step(World& world, const Rules& rules, Fault fault, std::size_t arg) {
  Step(*this, world, rules, fault, arg).take();
  // What nobody reads any more would only be copied, millions of times.
  if (at == At::Idle) pass = {};
  if (at != At::Write && at != At::Reread) pass.writing = {};
}

void Operator::elect(World& world, const Rules& rules, Fault fault) {
  ElectionStep(*this, world, rules, fault).take();
}

void Operator::watch(const World& world, const Rules& rules) {
  std::vector<Seen> now;
  for (const Object& object : world.cluster.objects) {
    if (world.cluster.made[static_cast<std::size_t>(object.uid)].version == Made::foreign) continue;
    if (rules.coarse && !object.held) continue;  // only spares sweep() a look
    auto before = std::ranges::find(store, object.uid, &Seen::uid);
    bool was_held = before != store.end() && before->held;
    now.push_back({.uid = object.uid, .held = object.held, .since = was_held ? before->since : world.now});
  }
  store = std::move(now);
  generation = world.cluster.watcher.generation;
  wish = world.cluster.watcher.wish;
  if (rules.mutant == Mutant::CachedCheckpoint) cached = world.cluster.watcher;
  if (at == At::Idle && checkpoint != world.cluster.watcher.checkpoint) checkpoint.reset();
}

void Operator::crash() {
  Operator fresh;
  fresh.index = index;
  fresh.incarnation = incarnation;
  *this = std::move(fresh);
}

void Operator::retire(World& world, const Rules& rules) {
  if (election && election->state.is_leader() && !election->in_flight && !election->looks) {
    json::object lease{{"spec", election->state.to_write(wall(world, rules), true)}};
    auto record = kube::lease_record(lease);
    (void)world.cluster.replace_lease(election->state.resource_version(), record);
  }
  crash();
}

}  // namespace abo::model
