// The judge. Slow and obvious: it knows the history of the blobs, the audit log of the API server and what the world did to
// each poll (witness.h), and nothing of checkpoints or keys, or of what an operator concluded.
#pragma once

#include <string>
#include <string_view>

#include "tests/model/world.h"

namespace abo::model {

// A law that is broken now, whatever may still come; "" when none is. Cheap enough for every step.
[[nodiscard]] std::string broken_now(const World& world, const Rules& rules);

// What broken_now() says of the one limit that is excused; nothing more is concluded from such a world. A version was
// created by two processes under its two names, the ordinary one had met something else's object, and one of the requests
// was sent by a leader and carried out when it was the leader no more: the name was free for one try and not for the
// other, so the finalizer on one name could not keep the other request out (docs/exactly-once.md, "Known limits"). What
// one process does twice is never excused: it knows that an answer is missing.
inline constexpr std::string_view known_limit = "known limit: two names";

// A law that is broken when everything has come to rest: a version that is still there, or that an undisturbed poll
// showed, and was not created; or an object that hangs on our finalizer.
[[nodiscard]] std::string broken_at_rest(const World& world, const Rules& rules);

// The law that a violation breaks, of whatever version: "created twice".
[[nodiscard]] std::string_view law(std::string_view violation);

}  // namespace abo::model
