"""What counts as a pass decides what a campaign promises: a part of one must never pass for the whole."""

from testing.blob_sweeps import Sweep

from passes import passes


def sweep(began, prefix="", delimiter="", complete=True):
    return Sweep(prefix, delimiter, began, began + 0.5, complete)


def told(*sweeps, failures=()):
    return [(each.began, each.over, each.complete) for each in passes(sweeps, failures)]


def test_a_small_container_is_passed_in_one_sweep_and_the_last_is_not_over():
    assert told() == told(sweep(1)) == []
    assert told(sweep(1), sweep(2), sweep(3)) == [(1, 2, True), (2, 3, True)]


def test_a_large_one_is_passed_in_parts_that_count_together():
    split = [sweep(1, "", "/"), sweep(2, "in/", "/"), sweep(3, "in/a"), sweep(4, "out/")]
    assert told(*split) == []
    assert told(*split, sweep(5, "", "/"), sweep(6, "in/")) == [(1, 5, True)]
    assert told(*split, sweep(5), sweep(6)) == [(1, 6, True)]


def test_a_whole_listing_after_an_opened_root_is_no_pass_of_its_own():
    assert told(sweep(1, "", "/"), sweep(2), sweep(3, "", "/"), sweep(4)) == [(1, 3, True)]
    assert told(sweep(1, "", "/"), sweep(2), sweep(3), sweep(4)) == [(1, 3, True), (3, 4, True)]


def test_a_pass_is_complete_only_if_every_part_is():
    for broken in range(4):
        split = [sweep(at, prefix, delimiter, at != broken)
                 for at, (prefix, delimiter) in enumerate([("", "/"), ("in/", "/"), ("in/a", ""), ("out/", "")])]
        assert told(*split, sweep(9, "", "/")) == [(0, 9, False)]


def test_a_part_that_was_refused_and_never_began_is_missing_too():
    split = [sweep(1, "", "/"), sweep(2, "in/"), sweep(5, "", "/"), sweep(6, "in/"), sweep(8, "", "/")]
    assert told(*split, failures=[3]) == [(1, 5, False), (5, 8, True)]
    assert told(*split, failures=[0.5, 9]) == [(1, 5, True), (5, 8, True)]


def test_parts_of_an_unseen_root_belong_to_no_pass():
    assert told(sweep(1, "in/"), sweep(2, "", "/"), sweep(3, "in/"), sweep(4)) == []
    assert told(sweep(1, "in/", complete=False), sweep(2), sweep(3)) == [(2, 3, True)]
