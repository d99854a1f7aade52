"""A short campaign, with another seed each time, of less than five minutes whatever happens (Size.total); `make chaos` is
the long one. CHAOS_SEED replays."""

import os
import secrets

from campaign import MODES, run


def test_nothing_is_missed_and_nothing_is_doubled():
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    mode = MODES["all"]
    assert run(mode, mode.quick, seed), f"replay with CHAOS_SEED={seed}"
