#include "tests/model/exhaustive.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/existing.h"
#include "tests/model/fingerprint.h"
#include "tests/model/oracle.h"

namespace abo::model {
namespace {

constexpr std::size_t tick = 1;  // in time_steps: a second
constexpr Millis start = 1'000'000;

Rules small_world(Mutant mutant, const Bounds& bounds) {
  Rules rules;
  rules.mutant = mutant;
  rules.operators = 2;
  rules.lease.duration = std::chrono::seconds{2};
  rules.settle_margin = std::chrono::seconds{2};
  rules.blobs = 3;
  rules.page = 4;
  rules.batch = 2;
  rules.clock_error = {-5000, 5000};
  if (bounds.b_waits) std::swap(rules.clock_error[0], rules.clock_error[1]);
  rules.coarse = true;
  return rules;
}

// Open addressing, 16 bytes a state: tens of millions fit into a gigabyte.
class Visited {
 public:
  // False when it was there already.
  bool insert(Fingerprint f) {
    if (f == Fingerprint{}) f.low = 1;
    if (2 * (size_ + 1) > slots_.size()) grow();
    Fingerprint& slot = find(f);
    if (slot == f) return false;
    slot = f;
    ++size_;
    return true;
  }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  Fingerprint& find(const Fingerprint& f) {
    std::size_t at = f.low & (slots_.size() - 1);
    while (slots_[at] != Fingerprint{} && slots_[at] != f) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    std::vector<Fingerprint> old(std::max<std::size_t>(1024, slots_.size() * 2));
    slots_.swap(old);
    for (const Fingerprint& f : old) {
      if (f != Fingerprint{}) find(f) = f;
    }
  }
  std::vector<Fingerprint> slots_;
  std::uint64_t size_ = 0;
};

// What may still happen, out of Bounds.
struct Left {
  int stops, crashes, retires, lost_answers, edits;
  [[nodiscard]] std::uint64_t packed() const {
    std::uint64_t out = 0;
    for (int one : {stops, crashes, retires, lost_answers, edits})
      out = out * 16 + static_cast<std::uint64_t>(one);
    return out;
  }
};

struct Node {
  State state;
  Left left;
  bool wrote = false;        // a blob: a page or the end of the tick must follow
  std::uint8_t elected = 0;  // bit by operator: its election had its turn in this tick
  std::uint8_t thawed = 0;   // bit by operator: continued in this tick, so that its election may come late

  [[nodiscard]] std::uint64_t extra() const { return (left.packed() * 4 + elected) * 2 + (wrote ? 1 : 0); }
};

class Explorer {
 public:
  Explorer(Mutant mutant, const Bounds& bounds) : simulation_(small_world(mutant, bounds)), bounds_(bounds) {}

  Explored run() {
    Node root{begin(),
              {bounds_.stops, bounds_.crashes, bounds_.retires, bounds_.lost_answers, bounds_.edits}};
    visit(root);
    out_.states = visited_.size();
    return std::move(out_);
  }

 private:
  // Both stand by, and the watcher has its first checkpoint.
  [[nodiscard]] State begin() const {
    State state = simulation_.begin();
    state.world.cluster.watcher.checkpoint = checkpoint::begin_with_all("c");
    for (int i = 0; i < bounds_.existing; ++i) {
      state.world.blobs.begin_write(std::string(1, static_cast<char>('a' + i)), start);
      state.world.blobs.finish_write(std::string(1, static_cast<char>('a' + i)), start);
    }
    restart(state);
    return state;
  }

  // A process that ended is there again at once: it can do nothing before it leads.
  void restart(State& state) const {
    for (Operator& op : state.operators) {
      if (op.at == At::Down) op.step(state.world, simulation_.rules(), Fault::None, 0);
    }
  }

  // False: the search is over.
  bool visit(const Node& node) {
    if (!node.state.world.violation.empty()) return found(node.state.world.violation);
    if (!visited_.insert(fingerprint(node.state, node.extra()))) return true;
    if (visited_.size() >= bounds_.max_states) {
      out_.complete = false;
      return false;
    }
    if (node.state.world.now - start >= bounds_.ticks * 1000) return rest(node.state);
    for (const Operator& op : node.state.operators) {
      if (must_elect(node, op)) return elect(node, op.index) && stop(node, op.index);
    }
    if (!visit_steps(node) || !visit_writes(node) || !end_tick(node)) return false;
    return node.wrote || (visit_stops(node) && visit_requests(node) && visit_troubles(node));
  }

  static bool has(std::uint8_t bits, int index) { return (bits >> index & 1) != 0; }
  static std::uint8_t bit(int index) { return static_cast<std::uint8_t>(1 << index); }

  // A process that is not stopped begins a tick with its election.
  static bool must_elect(const Node& node, const Operator& op) {
    bool first = op.index == 0 || node.state.world.cluster.lease.has_value();
    return first && !op.frozen && !has(node.elected, op.index) && !has(node.thawed, op.index);
  }

  bool elect(Node next, int index) {
    next.elected |= bit(index);
    return go(std::move(next), {{Act::Elect, static_cast<std::int16_t>(index)}});
  }

  bool stop(const Node& node, int index) {
    return spend(node, &Left::stops, {Act::Freeze, static_cast<std::int16_t>(index)});
  }

  bool visit_stops(const Node& node) {
    for (const Operator& op : node.state.operators) {
      if (op.frozen) {
        Node next = node;
        next.thawed |= bit(op.index);
        if (!go(std::move(next), {{Act::Thaw, static_cast<std::int16_t>(op.index)}})) return false;
      } else {
        bool may_elect = has(node.thawed, op.index) && !has(node.elected, op.index);
        if (may_elect && !elect(node, op.index)) return false;
        if (op.at != At::Standby && !stop(node, op.index)) return false;
      }
    }
    return true;
  }

  // Takes this choice as one of those that are left, if any is.
  bool spend(const Node& node, int Left::* kind, Choice choice) {
    if (node.left.*kind == 0) return true;
    Node next = node;
    --(next.left.*kind);
    return go(std::move(next), {choice});
  }

  // Takes these choices and goes on from there.
  bool go(Node next, std::initializer_list<Choice> choices) {
    auto length = path_.size();
    for (const Choice& choice : choices) take(next.state, choice);
    bool on = visit(next);
    path_.resize(length);
    return on;
  }

  void take(State& state, const Choice& choice) {
    ++out_.steps;
    path_.push_back(choice);
    if (choice.act == Act::DeleteObject) ++out_.deletions;
    auto held = held_objects(state);
    simulation_.carry_out(state, choice);
    if (held_objects(state) < held) ++out_.releases;
    restart(state);
  }
  static std::ptrdiff_t held_objects(const State& state) {
    return std::ranges::count(state.world.cluster.objects, true, &Object::held);
  }

  bool visit_steps(const Node& node) {
    for (const Operator& op : node.state.operators) {
      if (op.frozen || !may_step(node.state, op)) continue;
      if (!go_on(node, op.index, Fault::None)) return false;
      if (op.at == At::Write && !lose_answer(node, op.index)) return false;
      if (looks_at_free_object(node.state, op) && !go_on(node, op.index, Fault::None, true)) return false;
    }
    return true;
  }

  bool lose_answer(const Node& node, int index) {
    if (node.left.lost_answers == 0) return true;
    Node next = node;
    --next.left.lost_answers;
    return go_on(std::move(next), index, Fault::AnswerLost);
  }

  // The first creation of the batch that is not over goes on; the others wait for it.
  static bool may_step(const State& state, const Operator& op) {
    if (op.at != At::Create) return op.at != At::Standby;
    auto ready = op.ready_jobs(state.world);
    return std::ranges::find(ready, first_job(op)) != ready.end();
  }
  static std::size_t first_job(const Operator& op) {
    auto open = [](const Job& job) { return job.state != Job::State::Done; };
    return static_cast<std::size_t>(std::ranges::find_if(op.pass.batch, open) - op.pass.batch.begin());
  }

  // Touches nothing shared: begins a pass, or hears an answer.
  static bool is_local(const Operator& op) {
    if (op.at == At::Idle) return true;
    return op.at == At::Create && op.pass.batch[first_job(op)].state == Job::State::Sent;
  }

  // One step of an operator, with those before it that touch nothing shared.
  bool go_on(Node next, int index, Fault fault, bool object_goes = false) {
    auto who = static_cast<std::int16_t>(index);
    auto length = path_.size();
    Operator& op = next.state.operators[static_cast<std::size_t>(index)];
    while (is_local(op) && may_step(next.state, op)) {
      if (op.at == At::Idle) take(next.state, {Act::Watch, who});
      take(next.state, step_of(op));
    }
    bool shared = may_step(next.state, op) && (!next.wrote || op.at == At::Page);
    if (object_goes) {
      const Object* holder = looked_at(next.state, op);
      shared = shared && holder && !holder->held;
      if (shared) take(next.state, delete_of(next.state, *holder));
    }
    bool on = true;
    if (shared) {
      next.wrote = false;
      Choice choice = step_of(op);
      choice.fault = fault;
      take(next.state, choice);
      on = visit(next);
    }
    path_.resize(length);
    return on;
  }

  static Choice step_of(const Operator& op) {
    auto job = op.at == At::Create ? first_job(op) : 0;
    return {Act::Step, static_cast<std::int16_t>(op.index), static_cast<std::int16_t>(job)};
  }

  // The object whose name is taken, when the operator is about to look at it.
  [[nodiscard]] const Object* looked_at(const State& state, const Operator& op) const {
    if (op.at != At::Create) return nullptr;
    const Job& job = op.pass.batch[first_job(op)];
    bool refused = job.state == Job::State::Sent || job.state == Job::State::Look;
    return refused ? state.world.cluster.holder(object_name(state.world, job.version, no_replay,
                                                            job.fallback(), simulation_.rules()))
                   : nullptr;
  }
  [[nodiscard]] bool looks_at_free_object(const State& state, const Operator& op) const {
    const Object* holder = looked_at(state, op);
    return holder && !holder->held;
  }

  static Choice delete_of(const State& state, const Object& object) {
    return {Act::DeleteObject, static_cast<std::int16_t>(&object - state.world.cluster.objects.data())};
  }

  bool visit_requests(const Node& node) {
    const Cluster& cluster = node.state.world.cluster;
    for (std::size_t i = 0; i < cluster.requests.size(); ++i) {
      const CreateRequest& request = cluster.requests[i];
      auto id = static_cast<std::int16_t>(i);
      const Object* holder = cluster.holder(request.name);
      bool free = holder && !holder->held;
      if (request.flying && !go(node, {{Act::Carry, id}})) return false;
      if (request.flying && free && !go(node, {delete_of(node.state, *holder), {Act::Carry, id}}))
        return false;
      bool unheard = request.answer != CreateRequest::Answer::Unknown;
      if (unheard && !spend(node, &Left::lost_answers, {Act::LoseAnswer, id})) return false;
    }
    return true;
  }

  bool visit_troubles(const Node& node) {
    for (const Operator& op : node.state.operators) {
      if (op.frozen) continue;
      auto who = static_cast<std::int16_t>(op.index);
      if (op.at != At::Standby && !spend(node, &Left::crashes, {Act::Crash, who})) return false;
      if (op.at == At::Idle && !spend(node, &Left::retires, {Act::Retire, who})) return false;
    }
    return spend(node, &Left::edits, {Act::EditLabels});
  }

  bool visit_writes(const Node& node) {
    const auto& history = node.state.world.blobs.history;
    if (history.size() >= static_cast<std::size_t>(bounds_.existing + bounds_.writes)) return true;
    Node next = node;
    next.wrote = true;
    auto next_blob = static_cast<std::int16_t>(history.size() % static_cast<std::size_t>(bounds_.blobs));
    for (std::int16_t blob = 0; blob < bounds_.blobs; ++blob) {
      auto versions =
          std::ranges::count(history, std::string(1, static_cast<char>('a' + blob)), &Version::name);
      bool turn = bounds_.any_order ? versions < 2 : next_blob == blob;
      if (turn && !go(next, {{Act::BeginWrite, blob}, {Act::FinishWrite, blob}})) return false;
    }
    return true;
  }

  // A process that is not stopped does in a tick all that it can, but that it need not begin another pass.
  bool end_tick(const Node& node) {
    for (const Operator& op : node.state.operators) {
      if (!op.frozen && op.at != At::Idle && may_step(node.state, op)) return true;
    }
    Node next = node;
    next.thawed = 0;
    next.wrote = false;
    next.elected = 0;
    return go(std::move(next), {{Act::Advance, tick}});
  }

  // Everything comes to rest; where two ways meet, one of them is enough.
  bool rest(State state) {
    ++out_.rests;
    for (int turn = 0;; ++turn) {
      bool last = simulation_.settle_turn(state, turn);
      if (!state.world.violation.empty()) return found(state.world.violation);
      if (last || !resting_.insert(fingerprint(state, static_cast<std::uint64_t>(turn)))) return true;
    }
  }

  bool found(const std::string& violation) {
    if (violation == known_limit) {
      ++out_.limits;
      return true;
    }
    out_.violation = violation;
    State state = begin();
    for (const Choice& choice : path_) {
      out_.story += fmt::format("  {:4.1f} s  {}\n", static_cast<double>(state.world.now - start) / 1000,
                                simulation_.describe(state, choice));
      simulation_.carry_out(state, choice);
      restart(state);
    }
    if (state.world.violation.empty()) out_.story += "  ... and then everything comes to rest\n";
    return false;
  }

  Simulation simulation_;
  Bounds bounds_;
  Visited visited_;
  Visited resting_;
  std::vector<Choice> path_;
  Explored out_;
};

}  // namespace

Explored explore(Mutant mutant, const Bounds& bounds) {
  return Explorer(mutant, bounds).run();
}

}  // namespace abo::model
