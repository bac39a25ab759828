"""The pictures' likelihood ratios equal those of a sum over every assignment of sightings to objects."""

import itertools

import numpy as np
import pytest

from station.core import assignment
from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.evidence import Evidence, Sighting
from station.core.policy import Policy, judge
from station.core.sights import Seen, look
from station.core.store_policy import Sights
from tests.checker.small import claim, gtin, product, reading

SIGHTS = Sights(outside=0.0, alike=0.0)  # every product is in the gallery, and nothing else looks like one
V = 0.6
BELIEFS = Beliefs.of([product(at, 100.0 + 50 * at) for at in range(8)])


def sighting(*candidates: tuple[int, float], unknown: float = 0.05, camera: str = "top") -> Sighting:
    return Sighting(camera=camera, candidates=tuple((gtin(at), p) for at, p in candidates), unknown=unknown)


def ratio(seen: Sighting, at: int | None) -> float:
    if at is None:
        return seen.unknown / SIGHTS.unknown_prior
    named = dict(seen.candidates)
    rest = (1 - seen.unknown - sum(named.values())) * 8 / (8 - len(named))
    return max(named[gtin(at)] * 8 if gtin(at) in named else rest, 1e-3)


def likelihood(view: list[Sighting], contents: list[int | None]) -> float:
    """Sum over all assignments: each object unseen or one sighting of its own, the rest clutter."""
    total = 0.0
    clutter = [SIGHTS.clutter_per_camera * (0.5 + 0.5 * ratio(seen, None)) for seen in view]
    for choice in itertools.product([None, *range(len(view))], repeat=len(contents)):
        used = [at for at in choice if at is not None]
        if len(set(used)) != len(used):
            continue
        term = float(np.prod([c for at, c in enumerate(clutter) if at not in used]))
        for content, at in zip(contents, choice, strict=True):
            term *= 1 - V if at is None else V * ratio(view[at], content)
        total += term
    return total


def looked(view: list[Sighting], lines: list[tuple[int, int]]) -> Seen:
    basket = weigh(claim(*lines), reading(500), BELIEFS, Policy())
    evidence = Evidence(sightings=tuple(view), visibility=V, cameras=1, gallery_size=8)
    return look(evidence, basket, BELIEFS, SIGHTS, 3)


VIEWS = [
    [sighting((0, 0.8), (1, 0.1))],
    [sighting((0, 0.8)), sighting((1, 0.7), (2, 0.2))],
    [sighting((5, 0.9)), sighting((0, 0.5), (1, 0.4)), sighting(unknown=0.8)],
    [sighting((0, 0.9)), sighting((0, 0.85))],
    [],
]


@pytest.mark.parametrize("view", VIEWS)
def test_ratios_of_single_changes(view: list[Sighting]) -> None:
    seen = looked(view, [(0, 1), (1, 2)])
    base = likelihood(view, [0, 1, 1])
    for at, place in enumerate(seen.named):
        assert seen.named_more[at] == pytest.approx(likelihood(view, [0, 1, 1, int(place)]) / base, rel=1e-6)
    assert seen.other_more == pytest.approx(likelihood(view, [0, 1, 1, 7]) / base, rel=1e-6)
    assert seen.unknown_more == pytest.approx(likelihood(view, [0, 1, 1, None]) / base, rel=1e-6)
    assert seen.line_less[0, 0] == pytest.approx(likelihood(view, [1, 1]) / base, rel=1e-6)
    assert seen.line_less[0, 1] == pytest.approx(likelihood(view, [0, 1]) / base, rel=1e-6)
    assert seen.less(np.array([1, 2]))[1] == pytest.approx(likelihood(view, [0]) / base, rel=1e-6)
    assert seen.line_more[0, 0] == pytest.approx(likelihood(view, [0, 0, 1, 1]) / base, rel=1e-6)
    assert seen.line_more[1, 0] == pytest.approx(likelihood(view, [0, 0, 0, 1, 1]) / base, rel=1e-6)


@pytest.mark.parametrize("view", VIEWS)
def test_ratios_of_swaps_and_pairs(view: list[Sighting]) -> None:
    seen = looked(view, [(0, 1), (1, 2)])
    base = likelihood(view, [0, 1, 1])
    for at, place in enumerate(seen.named):
        assert seen.swap_named[0, at] == pytest.approx(likelihood(view, [int(place), 1, 1]) / base, rel=1e-6)
        for also, other in enumerate(seen.named):
            exact = likelihood(view, [0, 1, 1, int(place), int(other)]) / base
            assert seen.pair_named[at, also] == pytest.approx(exact, rel=1e-6)
    assert seen.swap_other[0] == pytest.approx(likelihood(view, [7, 1, 1]) / base, rel=1e-6)


def test_propagation_is_exact_where_each_sighting_has_one_likely_owner() -> None:
    odds = np.array([[900.0, 0.02, 0.01], [0.03, 400.0, 0.02], [0.01, 0.01, 0.05]])
    units = np.array([1, 1, 1])
    exact = assignment.summed(odds, units, 2)
    near = assignment.propagated(odds, units, 2)
    for field in ("line_less", "left", "left_without"):
        np.testing.assert_allclose(getattr(near, field), getattr(exact, field), rtol=0.02)


def test_propagation_stays_within_its_stated_error_where_like_objects_compete() -> None:
    """Two units and two sightings of them, all alike: the hardest small case; half a nat was seen."""
    odds, units = np.array([[8.0, 8.0]]), np.array([2])
    exact, near = assignment.summed(odds, units, 1), assignment.propagated(odds, units, 1)
    assert np.abs(np.log(near.line_less / exact.line_less)).max() < 0.9
    assert np.abs(np.log(near.left / exact.left)).max() < 0.6


def test_cameras_multiply() -> None:
    one = [sighting((5, 0.9), camera="a")]
    both = looked([*one, sighting((5, 0.9), camera="b")], [(0, 1)])
    single = looked(one, [(0, 1)])
    assert both.named_more[0] == pytest.approx(single.named_more[0] ** 2)
    assert both.other_more == pytest.approx(single.other_more**2)


def test_without_sightings_nothing_is_unseen_for_certain() -> None:
    unseen, clutter, _, _ = assignment.propagate(np.ones((0, 3)), np.ones((0, 3)))
    assert unseen.shape == (0,)
    assert clutter.tolist() == [1, 1, 1]


def test_no_camera_changes_nothing() -> None:
    seen = look(None, weigh(claim((0, 1)), reading(100), BELIEFS, Policy()), BELIEFS, SIGHTS, 3)
    assert (seen.other_more, seen.unknown_more, seen.line_less.tolist()) == (1.0, 1.0, [[1.0]])


def test_a_hidden_claimed_item_is_weak_evidence_and_an_unclaimed_one_in_sight_is_strong() -> None:
    expected_g = float(BELIEFS.mean_g[0] + BELIEFS.mean_g[1])
    asked = claim((0, 1), (1, 1), trust=0.9)

    def p(view: list[Sighting]) -> float:
        evidence = Evidence(sightings=tuple(view), visibility=V, cameras=1, gallery_size=500)
        judged = judge(asked, reading(expected_g, 300.0), evidence, BELIEFS, Policy()).p_as_claimed
        assert judged is not None
        return judged

    everything = p([sighting((0, 0.9)), sighting((1, 0.9))])
    one_hidden = p([sighting((0, 0.9))])
    stranger = p([sighting((0, 0.9)), sighting((1, 0.9)), sighting((4, 0.93))])
    assert everything > one_hidden > 0.6
    assert stranger < 0.5


def test_many_objects_and_sightings_stay_finite() -> None:
    beliefs = Beliefs.of([product(at, 100.0 + at) for at in range(200)])
    lines = [(at, 3) for at in range(80)]
    view = tuple(sighting((at, 0.97), ((at + 1) % 200, 0.02), unknown=0.0, camera=c) for at in range(90) for c in "ab")
    evidence = Evidence(sightings=view, visibility=0.99, cameras=2, gallery_size=200)
    judged = judge(claim(*lines), reading(33_000), evidence, beliefs, Policy())
    assert judged.p_as_claimed is not None
    assert 0 <= judged.p_as_claimed <= 1
