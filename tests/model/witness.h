// What the world knows of an operator's polls because it served them: when a listing began and which page was its last,
// what it let fail, what it told and what changed meanwhile. A poll that nothing disturbed from its first page to the end
// of its pass must have led to the creation of each version that stayed visible for as long as the listing took, whatever
// became of the blob afterwards; a creation that was refused, or whose answer was lost, comes later. Where the pass ends is
// taken from the step that the operator is at; what it concluded is asked of nobody.
#pragma once

#include <string>
#include <vector>

#include "tests/model/rules.h"

namespace abo::model {

inline constexpr int nobody = -1;  // in place of an operator

// The time of a listing, from the first page to the last.
struct Listed {
  Millis from = 0, to = 0;
};

struct Witness {
  int incarnation = 0;
  // Between two passes the watches told it everything, and nobody else has changed the watcher or made an object since.
  bool informed = false;
  // A poll by an informed operator has begun, and of all that the pass did so far nothing failed.
  bool undisturbed = false;
  Millis from = 0;         // of the listing
  std::vector<int> there;  // versions that were visible as it began
  std::vector<int> rows;   // versions that its pages held, repeats included
  std::vector<int> shown;  // after the last page: those that the pass must take
  // Names that creations of this pass were told to be taken. If such a holder goes, the pass may begin again.
  std::vector<std::string> taken;
  Listed last;             // the last listing that was served to its end
  Millis leads_since = 0;  // its last write of the lease that it heard of was sent then

  void disturb();
};

}  // namespace abo::model
