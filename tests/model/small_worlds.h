// Small worlds that more than one test tries on every course.
#pragma once

#include "tests/model/exhaustive.h"

namespace abo::model {

// One blob, but time enough for two leaders to follow each other, and for what they made to be let go and deleted.
inline constexpr Bounds takeover_and_release{.ticks = 6,
                                             .blobs = 1,
                                             .existing = 1,
                                             .writes = 0,
                                             .stops = 1,
                                             .crashes = 0,
                                             .retires = 1,
                                             .lost_answers = 0};

// A sender whose connection is lost lives on, and waits with the other name ...
inline constexpr Bounds creation_is_given_up_on{.ticks = 5,
                                                .blobs = 1,
                                                .existing = 1,
                                                .writes = 1,
                                                .stops = 0,
                                                .crashes = 0,
                                                .retires = 0,
                                                .lost_answers = 1};
// ... but who is killed cannot: the known limit of two names (oracle.h).
inline constexpr Bounds creation_is_slow{.ticks = 6,
                                         .blobs = 1,
                                         .existing = 1,
                                         .writes = 1,
                                         .stops = 0,
                                         .crashes = 1,
                                         .retires = 0,
                                         .lost_answers = 0};

}  // namespace abo::model
