// The model from the command line, for long runs and for looking into one world:
//   model-search random [--seed N] [--worlds N] [--mutant NAME]
//   model-search exhaustive [--ticks N] [--blobs N] [--existing N] [--writes N] [--any-order yes] [--stops N] [--crashes N]
//                           [--retires N] [--lost-answers N] [--edits N] [--b-waits yes] [--max-states N] [--mutant NAME]
// The mutant limit-not-excused shows the one known limit (oracle.h), with --ticks 6 --blobs 1 --existing 1 --writes 1
// --stops 0 --retires 0 --lost-answers 0.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "tests/model/exhaustive.h"
#include "tests/model/random_search.h"

namespace abo::model {
namespace {

int random(std::uint64_t seed, std::uint64_t worlds, Mutant mutant) {
  auto began = std::chrono::steady_clock::now();
  Searched searched = search(mutant, seed, worlds);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print(
      "{}: {} worlds, {} steps, {} creations, {} versions judged that were gone in the end, {} met the known "
      "limit, "
      "in {:.1f} s ({:.0f} worlds/s)\n",
      to_string(mutant), searched.worlds, searched.steps, searched.creations, searched.promises,
      searched.limits, seconds, static_cast<double>(searched.worlds) / seconds);
  if (!searched.found) return 0;
  fmt::print("world {} of seed {}: {}\n{}", searched.found->worlds, searched.found->seed,
             searched.found->violation, story(shrink(*searched.found)));
  return 1;
}

int exhaust(const Bounds& bounds, Mutant mutant) {
  auto began = std::chrono::steady_clock::now();
  Explored explored = explore(mutant, bounds);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print(
      "{}: {} states, {} steps, among them {} finalizers and {} objects that went, {} brought to rest, {} "
      "times at "
      "the known limit, {} in {:.1f} s: {}\n{}",
      to_string(mutant), explored.states, explored.steps, explored.releases, explored.deletions,
      explored.rests, explored.limits, explored.complete ? "complete" : "given up", seconds,
      explored.violation.empty() ? "0 violations" : explored.violation, explored.story);
  return explored.violation.empty() ? 0 : 1;
}

}  // namespace
}  // namespace abo::model

int main(int argc, char** argv) {
  using namespace abo::model;
  std::uint64_t seed = 1, worlds = 1000;
  Mutant mutant = Mutant::None;
  Bounds bounds;
  bool all = argc > 1 && std::string(argv[1]) == "exhaustive";
  for (int i = 1; i + 1 < argc; ++i) {
    std::string flag = argv[i];
    if (flag == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--worlds") worlds = std::strtoull(argv[i + 1], nullptr, 10);
    auto number = [&](const char* name, int& value) {
      if (flag == name) value = std::atoi(argv[i + 1]);
    };
    number("--ticks", bounds.ticks);
    number("--blobs", bounds.blobs);
    number("--existing", bounds.existing);
    number("--writes", bounds.writes);
    if (flag == "--any-order") bounds.any_order = std::string(argv[i + 1]) == "yes";
    number("--stops", bounds.stops);
    number("--crashes", bounds.crashes);
    number("--retires", bounds.retires);
    number("--lost-answers", bounds.lost_answers);
    number("--edits", bounds.edits);
    if (flag == "--b-waits") bounds.b_waits = std::string(argv[i + 1]) == "yes";
    if (flag == "--max-states") bounds.max_states = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--mutant") {
      for (int m = 0; m <= static_cast<int>(Mutant::LimitNotExcused); ++m)
        if (to_string(static_cast<Mutant>(m)) == argv[i + 1]) mutant = static_cast<Mutant>(m);
    }
  }
  return all ? exhaust(bounds, mutant) : random(seed, worlds, mutant);
}
