#include "tests/model/simulation.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/model/oracle.h"

namespace abo::model {
namespace {

std::string blob_name(int index) {
  return std::string(1, static_cast<char>('a' + index));
}

Operator& op_of(State& state, const Choice& choice) {
  return state.operators[static_cast<std::size_t>(choice.who)];
}

const Operator& op_of(const State& state, const Choice& choice) {
  return state.operators[static_cast<std::size_t>(choice.who)];
}

// Faults that the next request of an operator can meet.
std::vector<Fault> faults_of(At at) {
  switch (at) {
    case At::LoadHeld:
    case At::LoadKnown:
    case At::LoadReplay:
    case At::LoadBegin:
    case At::LoadStay:
    case At::Sweep:
    case At::Create:
    case At::Reread:
    case At::LoadReport:
      return {Fault::Refused};
    case At::Page:
    case At::Release:
      return {Fault::Refused, Fault::AnswerLost};
    case At::Write:
      return {Fault::Refused, Fault::AnswerLost, Fault::CarriedLate};
    case At::Down:
    case At::Standby:
    case At::StartList:
    case At::Idle:
      return {};
  }
  return {};
}

Choice make(Act act, std::size_t who, std::size_t arg = 0, Fault fault = Fault::None) {
  return {act, static_cast<std::int16_t>(who), static_cast<std::int16_t>(arg), fault};
}

}  // namespace

State Simulation::begin() const {
  State state;
  state.world.now = 1'000'000;
  for (int i = 0; i < rules_.operators; ++i) {
    state.operators.emplace_back();
    state.operators.back().index = i;
  }
  return state;
}

// ---- what could happen ----

std::vector<Choice> Simulation::choices(const State& state) const {
  std::vector<Choice> out;
  for (const Operator& op : state.operators) add_operator_choices(state, op, out);
  add_request_choices(state, out);
  add_world_choices(state, out);
  return out;
}

void Simulation::add_operator_choices(const State& state, const Operator& op,
                                      std::vector<Choice>& out) const {
  auto who = static_cast<std::size_t>(op.index);
  if (op.frozen) {
    out.push_back(make(Act::Thaw, who));
  } else {
    if (op.may_step(state.world, rules_)) {
      std::vector<std::size_t> args{0};
      if (op.at == At::Create) args = op.ready_jobs(state.world);
      if (op.at == At::Page && op.pass.first_page && rules_.date_skew > 0) args.push_back(1);
      for (std::size_t arg : args) {
        out.push_back(make(Act::Step, who, arg));
        for (Fault fault : faults_of(op.at)) out.push_back(make(Act::Step, who, arg, fault));
      }
    }
    if (op.at != At::Down && op.at != At::Standby) out.push_back(make(Act::RunPass, who));
    if (op.election) {
      for (Fault fault : {Fault::None, Fault::Refused, Fault::AnswerLost})
        out.push_back(make(Act::Elect, who, 0, fault));
    }
    bool watches = op.at != At::Down && op.at != At::Standby && op.at != At::StartList;
    if (watches) out.push_back(make(Act::Watch, who));
    if (op.at == At::Idle || op.at == At::Standby) out.push_back(make(Act::Retire, who));
    if (op.at != At::Down) out.push_back(make(Act::Freeze, who));
  }
  if (op.at != At::Down) out.push_back(make(Act::Crash, who));
}

void Simulation::add_request_choices(const State& state, std::vector<Choice>& out) const {
  const Cluster& cluster = state.world.cluster;
  for (std::size_t i = 0; i < cluster.requests.size(); ++i) {
    if (cluster.requests[i].flying) {
      for (Act act : {Act::Carry, Act::Drop, Act::Refuse}) out.push_back(make(act, i));
    }
    if (cluster.requests[i].answer != CreateRequest::Answer::Unknown) out.push_back(make(Act::LoseAnswer, i));
  }
  for (std::size_t i = 0; i < cluster.late_writes.size(); ++i) out.push_back(make(Act::CarryStatus, i));
}

void Simulation::add_world_choices(const State& state, std::vector<Choice>& out) const {
  const World& world = state.world;
  for (int i = 0; i < rules_.blobs; ++i) {
    bool writing = world.blobs.is_writing(blob_name(i));
    for (Act act :
         {writing ? Act::FinishWrite : Act::BeginWrite, Act::DeleteBlob, Act::Undelete, Act::TakeName})
      out.push_back(make(act, static_cast<std::size_t>(i)));
  }
  for (std::size_t i = 0; i < world.cluster.objects.size(); ++i) {
    const Object& object = world.cluster.objects[i];
    if (!object.going || !object.held) out.push_back(make(Act::DeleteObject, i));
  }
  out.push_back(make(Act::EditSpec, 0));
  out.push_back(make(Act::EditLabels, 0));
  if (world.wishes.size() < max_wishes) {
    for (std::size_t i = 0; i <= no_more_replay; ++i) out.push_back(make(Act::AskReplay, 0, i));
  }
  for (std::size_t i = 0; i < std::size(time_steps); ++i) out.push_back(make(Act::Advance, i));
  if (!rules_.elects()) return;
  for (std::size_t i = 0; i < std::size(election_seconds); ++i) out.push_back(make(Act::Elections, i));
}

// A schedule that lost a step while it was shrunk may ask for what cannot be.
bool Simulation::is_possible(const State& state, const Choice& choice) const {
  auto all = choices(state);
  return std::ranges::find(all, choice) != all.end();
}

// ---- making it happen ----

bool Simulation::apply(State& state, const Choice& choice) const {
  if (!is_possible(state, choice)) return false;
  carry_out(state, choice);
  return true;
}

void Simulation::carry_out(State& state, const Choice& choice) const {
  World& world = state.world;
  Cluster& cluster = world.cluster;
  auto who = static_cast<std::size_t>(choice.who);
  switch (choice.act) {
    case Act::Step:
      step(state, op_of(state, choice), choice.fault, static_cast<std::size_t>(choice.arg));
      break;
    case Act::Elect:
      op_of(state, choice).elect(world, rules_, choice.fault);
      break;
    case Act::Watch:
      watch(state, op_of(state, choice));
      break;
    case Act::Crash:
      op_of(state, choice).crash();
      break;
    case Act::Freeze:
      op_of(state, choice).frozen = true;
      break;
    case Act::Thaw:
      op_of(state, choice).frozen = false;
      break;
    case Act::Retire:
      op_of(state, choice).retire(world, rules_);
      break;
    case Act::Carry:
      world.carry_out(cluster.requests[who]);
      break;
    case Act::Drop:
    case Act::Refuse: {
      CreateRequest& request = cluster.requests[who];
      request.flying = false;
      if (request.answer == CreateRequest::Answer::None)
        request.answer =
            choice.act == Act::Drop ? CreateRequest::Answer::Unknown : CreateRequest::Answer::Refused;
      break;
    }
    case Act::LoseAnswer: {
      CreateRequest& request = cluster.requests[who];
      world.lose_answer(request);
      // Without an election nothing covers a request that arrives after its sender gave up: see rules.h.
      if (!rules_.elects()) request.flying = false;
      break;
    }
    case Act::CarryStatus: {
      LateWrite late = cluster.late_writes[who];
      cluster.late_writes.erase(cluster.late_writes.begin() + choice.who);
      world.replace_status(nobody, late.revision, late.checkpoint, late.listed);
      break;
    }
    case Act::BeginWrite:
      world.blobs.begin_write(blob_name(choice.who), world.now);
      break;
    case Act::FinishWrite:
      world.blobs.finish_write(blob_name(choice.who), world.now);
      break;
    case Act::DeleteBlob:
      world.blobs.remove(blob_name(choice.who), world.now);
      break;
    case Act::Undelete:
      world.blobs.undelete(blob_name(choice.who));
      break;
    case Act::DeleteObject:
      cluster.remove(cluster.objects[who].uid);
      break;
    case Act::TakeName:
      (void)cluster.create(rules_.shared_name && choice.who < 2 ? "ab" : blob_name(choice.who), Made::foreign,
                           no_replay, false);
      break;
    case Act::EditSpec:
      world.edit_spec();
      break;
    case Act::EditLabels:
      world.edit_labels();
      break;
    case Act::AskReplay: {
      auto back = static_cast<std::size_t>(choice.arg);
      bool none = back == no_more_replay;
      auto since = world.service_time() - std::chrono::seconds{none ? 0 : replay_seconds[back]};
      world.wish_for(none ? std::nullopt : std::optional(since));
      break;
    }
    case Act::RunPass:
      run_to_rest(state, op_of(state, choice), 0);
      break;
    case Act::Advance:
      world.advance(time_steps[who], rules_);
      break;
    case Act::Elections:
      for (int second = 0; second < election_seconds[who]; ++second) {
        world.advance(1000, rules_);
        for (Operator& op : state.operators) {
          for (int i = 0; i < 2 && op.election && !op.frozen; ++i) op.elect(world, rules_, Fault::None);
        }
      }
      break;
  }
  forget_requests(state);
  if (world.violation.empty()) world.violation = broken_now(world, rules_);
}

void Simulation::step(State& state, Operator& op, Fault fault, std::size_t arg) const {
  World& world = state.world;
  bool repeats = op.at == At::Page && fault == Fault::AnswerLost;
  if (fault != Fault::None && !repeats && op.at != At::Release) world.witness(op.index).disturb();
  if (op.at == At::Create) world.watch_over_creations(op.index, rules_);
  op.step(world, rules_, fault, arg);
  if (op.at == At::Idle || op.at == At::LoadReport) world.pass_ended(op.index);
}

void Simulation::watch(State& state, Operator& op) const {
  op.watch(state.world, rules_);
  if (op.at == At::Idle) state.world.witness(op.index).informed = true;
}

// Requests that are over and whose answer nobody waits for.
void Simulation::forget_requests(State& state) const {
  std::erase_if(state.world.cluster.requests, [&](const CreateRequest& request) {
    if (request.flying) return false;
    const Operator& sender = state.operators[static_cast<std::size_t>(request.sender)];
    bool waits = std::ranges::any_of(sender.pass.batch, [&](const Job& job) {
      return job.state == Job::State::Sent && job.request == request.id;
    });
    return sender.incarnation != request.incarnation || sender.at == At::Down || !waits;
  });
}

// ---- to rest ----

void Simulation::settle(State& state) const {
  for (int turn = 0; state.world.violation.empty(); ++turn) {
    if (settle_turn(state, turn)) return;
  }
}

bool Simulation::settle_turn(State& state, int turn) const {
  World& world = state.world;
  for (int i = 0; i < rules_.blobs; ++i) world.blobs.finish_write(blob_name(i), world.now);
  for (CreateRequest& request : world.cluster.requests) {
    if (request.flying) world.carry_out(request);
  }
  forget_requests(state);
  for (Operator& op : state.operators) {
    op.frozen = false;
    for (int i = 0; i < 4 && op.election; ++i) op.elect(world, rules_, Fault::None);
    run_to_rest(state, op, 2);
  }
  std::vector<Object> objects = world.cluster.objects;
  for (const Object& object : objects) world.cluster.remove(object.uid);
  if (world.violation.empty()) world.violation = broken_now(world, rules_);
  std::chrono::milliseconds lease = rules_.lease.duration + rules_.lease.slack;
  std::chrono::milliseconds wait = rules_.settle_margin + rules_.min_age + std::chrono::seconds{8};
  Millis rest = lease.count() + rules_.recording_hold() + wait.count();
  if (turn * 1000 >= rest) {
    if (world.violation.empty()) world.violation = broken_at_rest(world, rules_);
    return true;
  }
  world.advance(1000, rules_);
  return false;
}

// What it was in the middle of, then so many whole passes.
void Simulation::run_to_rest(State& state, Operator& op, int passes) const {
  World& world = state.world;
  constexpr int longest = 400;
  for (int i = 0; i < longest && op.may_step(world, rules_); ++i) {
    if (op.at == At::Idle) {
      if (passes-- == 0) return;
      watch(state, op);
    }
    std::size_t job = op.at == At::Create ? op.ready_jobs(world).front() : 0;
    step(state, op, Fault::None, job);
    for (CreateRequest& request : world.cluster.requests) {
      if (request.flying) world.carry_out(request);
    }
    forget_requests(state);
    if (world.violation.empty()) world.violation = broken_now(world, rules_);
    if (!world.violation.empty()) return;
  }
}

// ---- in words ----

std::string Simulation::describe(const State& state, const Choice& choice) const {
  auto name = [](int index) { return std::string(1, static_cast<char>('A' + index)); };
  std::string fault;
  switch (choice.fault) {
    case Fault::None:
      break;
    case Fault::Refused:
      fault = " (fails, nothing done)";
      break;
    case Fault::AnswerLost:
      fault = " (done, answer lost; a page: the next repeats a row)";
      break;
    case Fault::CarriedLate:
      fault = " (given up, arrives later)";
      break;
  }
  const Cluster& cluster = state.world.cluster;
  auto who = static_cast<std::size_t>(choice.who);
  auto request = [&] {
    const CreateRequest& r = cluster.requests[who];
    return fmt::format("{}'s create of {} for version {}", name(r.sender), r.name, r.version);
  };
  auto object = [&] { return cluster.made[static_cast<std::size_t>(cluster.objects[who].uid)].name; };
  switch (choice.act) {
    case Act::Step: {
      const Operator& op = op_of(state, choice);
      std::string job;
      if (op.at == At::Create) {
        const Job& j = op.pass.batch[static_cast<std::size_t>(choice.arg)];
        job = fmt::format(": version {} {} under the {} name", j.version,
                          j.state == Job::State::Ready  ? "sent"
                          : j.state == Job::State::Sent ? "hears its answer"
                                                        : "looks at the holder",
                          j.fallback() ? "fallback" : "first");
      }
      return fmt::format("{} {}{}{}", name(choice.who), to_string(op.at), job, fault);
    }
    case Act::Elect:
      return fmt::format(
          "{}'s election: {}{}", name(choice.who),
          op_of(state, choice).election->in_flight ? "its write is answered" : "looks or writes", fault);
    case Act::Watch:
      return fmt::format("{}'s watches bring news", name(choice.who));
    case Act::Crash:
      return fmt::format("{} is killed", name(choice.who));
    case Act::Freeze:
      return fmt::format("{} is stopped", name(choice.who));
    case Act::Thaw:
      return fmt::format("{} is continued", name(choice.who));
    case Act::Retire:
      return fmt::format("{} ends cleanly", name(choice.who));
    case Act::Carry:
      return request() + " is carried out";
    case Act::Drop:
      return request() + " is lost on its way";
    case Act::LoseAnswer:
      return request() + ": its sender gives up";
    case Act::Refuse:
      return request() + " is refused for now";
    case Act::CarryStatus:
      return "a late status write arrives";
    case Act::BeginWrite:
      return fmt::format("version {} begins to be written, of blob {}", state.world.blobs.history.size(),
                         blob_name(choice.who));
    case Act::FinishWrite:
      return fmt::format("the new version of blob {} becomes visible", blob_name(choice.who));
    case Act::DeleteBlob:
      return fmt::format("blob {} is deleted", blob_name(choice.who));
    case Act::Undelete:
      return fmt::format("blob {} is undeleted", blob_name(choice.who));
    case Act::DeleteObject:
      return fmt::format("object {} is deleted", object());
    case Act::TakeName:
      return fmt::format("somebody takes the name for blob {}", blob_name(choice.who));
    case Act::EditSpec:
      return "somebody edits the spec";
    case Act::EditLabels:
      return "somebody edits the watcher's labels";
    case Act::AskReplay:
      return choice.arg == static_cast<int>(no_more_replay)
                 ? "somebody takes the wish for a replay away"
                 : fmt::format("somebody wishes for a replay of {} s",
                               replay_seconds[static_cast<std::size_t>(choice.arg)]);
    case Act::RunPass:
      return fmt::format("{} goes on to the end of its pass", name(choice.who));
    case Act::Elections:
      return fmt::format("{} s pass; whoever is not stopped keeps up its election",
                         election_seconds[choice.who]);
    case Act::Advance:
      return fmt::format("{} ms pass", time_steps[choice.who]);
  }
  return "?";
}

}  // namespace abo::model
