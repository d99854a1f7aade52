// Tries everything that can happen in a small world of two leaders and up to three blobs, two versions of each: depth
// first, every state once. Time goes in ticks of a second; a lease is of two, and a finalizer stays for three. After the
// last tick everything comes to rest on one course (Simulation::settle): so a release, a deletion and what follows from them
// are tried in every order only in worlds of more than three ticks.
//
// What is left out, and why nothing is lost by it:
// - A process's own steps that touch nothing shared (planning, hearing an answer) are taken together with its next step
//   that does: until then nobody could tell the difference.
// - Only a listing sees blobs, and only the clock stamps them: a blob is written right before a page is asked for or a
//   tick ends. One whose write is slow and that becomes visible after its stamp is one that is written right before the
//   end of the tick, after the tick's last listing.
// - Only a creation and a look at its holder care for an object that is not held any more: it is deleted right before
//   one of them, or at the end. A delete of a held object waits for its finalizer anyway.
// - The two processes are alike but for their clocks: A is the first to lead.
// What is left out and bounds the claim: the numbers in Bounds; a checkpoint is there at the start; a process that is not
// stopped begins each tick with its election, look and write in one step, and then does all it can; a listing is one page;
// one create of a process is under way at a time; watches bring their news when a pass begins. And no further than the
// known limit (oracle.h): nothing is concluded from what comes after it. The random search has none of these limits but
// the last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/model/simulation.h"

namespace abo::model {

// In ticks, from the creation on; with less time nothing is let go before everything comes to rest.
inline constexpr int finalizer_stays = 3;

struct Bounds {
  int ticks = 3;
  int blobs = 3;  // a, b, c; the template names a resource by the blob, so a second version meets the first
  int existing = 3;        // blobs that are there from the start
  int writes = 3;          // of further versions, at any time ...
  bool any_order = false;  // ... in the order a, b, c, a, b, c, or in any; at most two of each blob
  int stops = 1;           // of a process, for as long as it takes
  int crashes = 1;
  int retires = 1;  // clean exits
  int lost_answers = 1;
  int edits = 0;  // of the watcher by somebody else
  // The processes' own clocks are 10 s apart. What A postponed is due for B at once, or else when everything comes to
  // rest.
  bool b_waits = false;
  std::uint64_t max_states = UINT64_MAX;
};

struct Explored {
  std::uint64_t states = 0;
  std::uint64_t steps = 0;
  std::uint64_t rests = 0;  // states from which everything was let come to rest
  // What the steps among the ticks did, not counting what came to rest:
  std::uint64_t releases = 0;   // finalizers that went
  std::uint64_t deletions = 0;  // objects that went
  std::uint64_t limits = 0;  // times that the known limit was met (oracle.h); nothing more is concluded there
  bool complete = true;      // false: max_states
  std::string violation;     // the first; the search ends there
  std::string story;         // how it came about
};

[[nodiscard]] Explored explore(Mutant mutant, const Bounds& bounds);

}  // namespace abo::model
