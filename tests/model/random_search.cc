#include "tests/model/random_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/model/oracle.h"

namespace abo::model {
namespace {

using Random = std::mt19937_64;

template <class T>
T pick(Random& random, std::initializer_list<T> of) {
  return of.begin()[random() % of.size()];
}

Rules draw_rules(Random& random, Mutant mutant) {
  Rules rules;
  rules.mutant = mutant;
  rules.operators = pick(random, {1, 2, 2});
  rules.blobs = pick(random, {1, 2, 3, 6});
  rules.shared_name = random() % 3 == 0;
  rules.ignore_existing = random() % 8 == 0;
  rules.date_skew = pick(random, {0, 0, 1});
  rules.min_age = std::chrono::seconds{pick(random, {0, 0, 0, 2, 6})};
  rules.page = pick<std::size_t>(random, {1, 2, 5000});
  rules.batch = pick<std::size_t>(random, {1, 2, 5});
  rules.selection = pick<std::size_t>(random, {1, 2, 4, 100});
  rules.clock_error = {pick<Millis>(random, {0, -9000, 7000}), pick<Millis>(random, {0, 5000, -3000})};
  rules.boot_time = {0, 3'600'000};
  return rules;
}

// How often each kind of thing happens: in every world some do not happen at all and some all the time, since most
// errors need two kinds of trouble often and the rest out of the way.
class Weights {
 public:
  Weights(Random& random, const Rules& rules) {
    of(Act::Step) = 24;
    of(Act::Elect) = rules.elects() ? pick(random, {1., 8.}) : 0;
    of(Act::Elections) = pick(random, {.5, 2.});
    of(Act::RunPass) = pick(random, {0., .5, 3.});
    of(Act::Watch) = 3;
    of(Act::Carry) = 12;
    of(Act::FinishWrite) = 6;
    of(Act::BeginWrite) = 3.0 / rules.blobs;
    of(Act::DeleteObject) = 3;
    of(Act::Advance) = 1;
    struct Trouble {
      Act act;
      double usual;
    };
    for (auto [act, usual] :
         {Trouble{Act::Crash, .4}, Trouble{Act::Freeze, rules.elects() ? 1. : .1}, Trouble{Act::Retire, .3},
          Trouble{Act::Drop, .7}, Trouble{Act::LoseAnswer, 1.}, Trouble{Act::Refuse, 1.},
          Trouble{Act::CarryStatus, 2.}, Trouble{Act::DeleteBlob, .2}, Trouble{Act::Undelete, .2},
          Trouble{Act::TakeName, .2}, Trouble{Act::EditSpec, .2}, Trouble{Act::EditLabels, .4}}) {
      of(act) = usual * pick(random, {0., 0., .3, 1., 3.});
    }
    of(Act::Thaw) = pick(random, {.3, 1., 3.});
    of(Act::Advance) *= pick(random, {0., .3, 1., 2.});
    of(Act::DeleteObject) *= pick(random, {.3, 1., 3.});
    fault_ = pick(random, {0., .05, .2});
    // Drawn apart, so that what else happens in a world is as it would be without. Of seven choices each.
    Random own = random;
    own.discard(1000);
    of(Act::AskReplay) = own() % 4 == 0 ? pick(own, {.02, .06, .2}) : 0;
  }

  // A process is mostly stopped in the middle of its work, and then the other one gets the time it needs.
  void look_at(const State& state) {
    bool stopped = std::ranges::any_of(state.operators, &Operator::frozen);
    now_ = weight_;
    if (!stopped) return;
    for (auto [act, factor] : {std::pair{Act::Freeze, .1},
                               {Act::Elections, 5.},
                               {Act::RunPass, 6.},
                               {Act::DeleteObject, 4.},
                               {Act::Retire, 3.},
                               {Act::Advance, .2},
                               {Act::Carry, .1}}) {
      now_[static_cast<std::size_t>(act)] *= factor;
    }
  }

  [[nodiscard]] double operator()(const State& state, const Choice& choice) const {
    double weight = now_[static_cast<std::size_t>(choice.act)];
    if (choice.act == Act::Advance) return weight * (choice.who == 0 ? 2 : choice.who == 3 ? .3 : 1);
    if (choice.act == Act::Freeze) {
      At at = state.operators[static_cast<std::size_t>(choice.who)].at;
      return weight * (at == At::Create || at == At::Write || at == At::LoadStay ? 8 : .3);
    }
    return choice.fault == Fault::None ? weight : weight * fault_;
  }

 private:
  double& of(Act act) { return weight_[static_cast<std::size_t>(act)]; }

  std::array<double, acts> weight_{};
  std::array<double, acts> now_{};
  double fault_ = 0;
};

Choice draw(Random& random, Weights& weights, const State& state, const std::vector<Choice>& choices) {
  weights.look_at(state);
  std::vector<double> until;
  double all = 0;
  for (const Choice& choice : choices) until.push_back(all += weights(state, choice));
  double at = std::uniform_real_distribution<double>(0, all)(random);
  auto drawn = std::ranges::upper_bound(until, at) - until.begin();
  return choices[std::min(static_cast<std::size_t>(drawn), choices.size() - 1)];
}

// Plays one world; the schedule is what happened before it was let come to rest.
Found play(Mutant mutant, std::uint64_t seed, Searched& count) {
  Random random(seed);
  Found found{.seed = seed, .violation = {}, .rules = draw_rules(random, mutant), .schedule = {}};
  Weights weights(random, found.rules);
  Simulation simulation(found.rules);
  State state = simulation.begin();
  auto length = pick<std::size_t>(random, {60, 150, 300});
  while (found.schedule.size() < length && state.world.violation.empty()) {
    found.schedule.push_back(draw(random, weights, state, simulation.choices(state)));
    simulation.carry_out(state, found.schedule.back());
  }
  simulation.settle(state);
  count.steps += found.schedule.size();
  count.creations += state.world.cluster.audit.size();
  count.promises += static_cast<std::uint64_t>(std::ranges::count_if(
      state.world.blobs.history, [](const Version& v) { return v.promised && !v.visible(); }));
  found.violation = state.world.violation;
  return found;
}

std::string replay(const Rules& rules, const std::vector<Choice>& schedule) {
  Simulation simulation(rules);
  State state = simulation.begin();
  for (const Choice& choice : schedule) {
    simulation.apply(state, choice);
    if (!state.world.violation.empty()) return state.world.violation;
  }
  simulation.settle(state);
  return state.world.violation;
}

}  // namespace

Searched search(Mutant mutant, std::uint64_t from, std::uint64_t count, std::string_view wanted) {
  Searched out;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    Found played = play(mutant, seed, out);
    ++out.worlds;
    if (played.violation == known_limit) ++out.limits;
    if (played.violation.empty() || played.violation == known_limit) continue;
    if (!wanted.empty() && law(played.violation) != wanted) continue;
    played.worlds = out.worlds;
    out.found = std::move(played);
    break;
  }
  return out;
}

std::string replay(const Found& found, Mutant mutant) {
  Rules rules = found.rules;
  rules.mutant = mutant;
  return replay(rules, found.schedule);
}

Found shrink(Found found) {
  for (std::size_t chunk = std::max<std::size_t>(1, found.schedule.size() / 2);;
       chunk = std::max<std::size_t>(1, chunk / 2)) {
    bool shorter = false;
    for (std::size_t at = 0; at < found.schedule.size();) {
      auto fewer = found.schedule;
      auto begin = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(chunk, fewer.size() - at)));
      std::string violation = replay(found.rules, fewer);
      if (law(violation) == law(found.violation)) {
        found.schedule = std::move(fewer);
        found.violation = std::move(violation);
        shorter = true;
      } else {
        at += chunk;
      }
    }
    if (chunk == 1 && !shorter) return found;
  }
}

std::string story(const Found& found) {
  Simulation simulation(found.rules);
  State state = simulation.begin();
  std::string out = fmt::format(
      "{} (seed {}, mutant {}): {} operator(s), {} blobs{}{}, margin {} s, pages of {}, batches of {}, "
      "selections of {}\n",
      found.violation, found.seed, to_string(found.rules.mutant), found.rules.operators, found.rules.blobs,
      found.rules.shared_name ? ", a and b share a name" : "",
      found.rules.ignore_existing ? ", existing ones ignored" : "", found.rules.settle_margin.count(),
      found.rules.page, found.rules.batch, found.rules.selection);
  for (const Choice& choice : found.schedule) {
    std::string words =
        fmt::format("  {:7.1f} s  {}\n", static_cast<double>(state.world.now - 1'000'000) / 1000,
                    simulation.describe(state, choice));
    if (simulation.apply(state, choice)) out += words;
  }
  if (state.world.violation.empty()) out += "  ... and then everything comes to rest\n";
  return out;
}

}  // namespace abo::model
