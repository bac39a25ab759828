"""The guide through an enrolment: drawn crops, virtual time."""

import numpy as np

from station.vision.guide import ENOUGH, LIMIT_NS, PATIENCE_NS, SECOND_NS, WANTED, Guide

FRAME_NS = SECOND_NS // 5


def view(number: int, noise: int = 0) -> np.ndarray:
    """One side of a package; another number is another print."""
    print_ = np.random.default_rng(number).integers(40, 216, (8, 8, 3))
    crop = np.kron(print_, np.ones((28, 28, 1))).astype(int)
    return np.clip(crop + np.random.default_rng(noise).integers(-3, 4, crop.shape), 0, 255).astype(np.uint8)


def test_five_views_that_lie_still_are_kept_one_each() -> None:
    guide, t_ns = Guide(), 0
    for number in range(WANTED):
        assert not guide.ended(t_ns)
        for noise in range(3):
            guide.show(t_ns := t_ns + FRAME_NS, view(number, noise), 1)
        assert len(guide.kept) == number + 1
    assert guide.ended(t_ns)


def test_what_moves_is_not_kept() -> None:
    guide = Guide()
    told = [guide.show(number * FRAME_NS, view(number), 1) for number in range(10)]
    assert guide.kept == []
    assert set(told) == {"hold still"}


def test_what_looks_the_same_from_all_sides_is_kept_all_the_same_within_the_limit() -> None:
    guide, t_ns = Guide(), 0
    while not guide.ended(t_ns):
        guide.show(t_ns, view(1, t_ns), 1)
        t_ns += FRAME_NS
    assert len(guide.kept) == WANTED
    assert t_ns <= WANTED * PATIENCE_NS < LIMIT_NS


def test_half_a_minute_is_the_end_with_what_there_is() -> None:
    guide = Guide()
    for t_ns in (0, FRAME_NS):
        guide.show(t_ns, view(1), 1)
    guide.show(2 * FRAME_NS, None, 3)
    assert not guide.ended(LIMIT_NS - 1)
    assert guide.ended(LIMIT_NS)
    assert 0 < len(guide.kept) < ENOUGH


def test_the_time_begins_with_the_item() -> None:
    guide = Guide()
    assert guide.show(0, None, 0) == "put the item on the platform"
    assert guide.show(LIMIT_NS, None, 2) == "leave one item, and take your hands away"
    assert not guide.ended(2 * LIMIT_NS)


def test_after_each_picture_it_says_how_to_turn() -> None:
    guide = Guide()
    guide.show(0, view(1), 1)
    assert guide.show(FRAME_NS, view(1), 1) == "turn it over to its back"
    guide.show(2 * FRAME_NS, view(2), 1)
    assert guide.show(3 * FRAME_NS, view(2), 1) == "stand it up, or lay it on its side"
