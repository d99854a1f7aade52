// A world, the operators in it and all that can happen next. The random and the exhaustive search differ only in which
// of the choices they take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/operator.h"
#include "tests/model/world.h"

namespace abo::model {

enum class Act : std::uint8_t {
  // operators
  Step,
  Elect,
  Watch,
  Crash,
  Freeze,
  Thaw,
  Retire,
  RunPass,  // the rest of its pass without a disturbance: many steps at once
  // requests on their way
  Carry,        // the API server carries a create out
  Drop,         // it never arrives
  LoseAnswer,   // the sender hears nothing and gives up; carried out or not
  Refuse,       // quota, admission
  CarryStatus,  // a status write that was given up on arrives
  // others
  BeginWrite,
  FinishWrite,
  DeleteBlob,
  Undelete,
  DeleteObject,  // TTL, or a user
  TakeName,      // somebody creates an object of his own under a name that a blob's would have
  EditSpec,
  EditLabels,  // only the resourceVersion changes
  AskReplay,   // the annotation replay-since is set, or taken away
  Advance,     // time passes, and nobody does anything
  Elections,   // seconds pass, and whoever is not frozen keeps up its election
};
inline constexpr std::size_t acts = static_cast<std::size_t>(Act::Elections) + 1;

struct Choice {
  Act act = Act::Step;
  std::int16_t who =
      0;  // the place of what the act is about: operator, request on its way, object, blob, step of time
  std::int16_t arg = 0;
  Fault fault = Fault::None;
  friend bool operator==(const Choice&, const Choice&) = default;
};

struct State {
  World world;
  std::vector<Operator> operators;
};

inline constexpr Millis time_steps[] = {100, 1000, 2500, 6500};
inline constexpr int election_seconds[] = {1, 3, 6};
// How far back a replay is asked for: from the time to come to all there is.
inline constexpr int replay_seconds[] = {-3, 0, 1, 3, 6, 100'000};
inline constexpr std::size_t no_more_replay = std::size(replay_seconds);
inline constexpr std::size_t max_wishes = 4;  // in one world

class Simulation {
 public:
  explicit Simulation(Rules rules) : rules_(rules) {}

  [[nodiscard]] const Rules& rules() const { return rules_; }
  [[nodiscard]] State begin() const;

  // Everything that could happen now.
  [[nodiscard]] std::vector<Choice> choices(const State& state) const;
  // One of choices(), carried out.
  void carry_out(State& state, const Choice& choice) const;
  // False, and nothing happens, when the choice is not possible now: a schedule that lost a step goes on without it.
  bool apply(State& state, const Choice& choice) const;

  // No more faults and no more writes: every actor runs to rest, everything that may be deleted is, and time passes until
  // nothing can change any more. Stops at a violation.
  void settle(State& state) const;
  // One turn of it; true when it was the last.
  bool settle_turn(State& state, int turn) const;

  [[nodiscard]] std::string describe(const State& state, const Choice& choice) const;

 private:
  void add_operator_choices(const State& state, const Operator& op, std::vector<Choice>& out) const;
  void add_request_choices(const State& state, std::vector<Choice>& out) const;
  void add_world_choices(const State& state, std::vector<Choice>& out) const;
  [[nodiscard]] bool is_possible(const State& state, const Choice& choice) const;
  // One step of an operator's pass, and what the world knows by it.
  void step(State& state, Operator& op, Fault fault, std::size_t arg) const;
  void watch(State& state, Operator& op) const;
  void forget_requests(State& state) const;
  void run_to_rest(State& state, Operator& op, int passes) const;

  Rules rules_;
};

}  // namespace abo::model
