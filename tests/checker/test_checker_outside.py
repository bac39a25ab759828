"""Claimed products that cameras cannot name: an unknown object in sight is no stranger, to several cameras alike."""

import math

import numpy as np
import pytest

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.evidence import Evidence, Sighting
from station.core.policy import Policy, judge
from station.core.sights import look
from station.core.store_policy import Sights
from tests.checker.small import claim, gtin, product, reading

V, PRODUCTS, OUTSIDE = 0.7, 40, 0.05
BELIEFS = Beliefs.of([product(at, 100.0 + 20 * at) for at in range(PRODUCTS)])
NAMED = 0.9
View = list[Sighting]


def sighting(camera: str, *names: int, unknown: float = 0.05) -> Sighting:
    return Sighting(camera=camera, candidates=tuple((gtin(at), NAMED) for at in names), unknown=unknown)


def strange(cameras: str) -> View:
    return [sighting(camera, unknown=0.97) for camera in cameras]


def like(seen: Sighting, place: int | None) -> float:
    """Density ratio of a sighting, of an object inside the gallery; None: outside."""
    if place is None:
        return seen.unknown / Sights().unknown_prior
    named = dict(seen.candidates)
    rest = (1 - seen.unknown - sum(named.values())) * PRODUCTS / (PRODUCTS - len(named))
    return max(named[gtin(place)] * PRODUCTS if gtin(place) in named else rest, 1e-3)


def of_view(view: View, contents: list[int | None]) -> float:
    """Sum over all assignments of at most two sightings."""
    scale = [V / (1 - V) / (Sights().clutter_per_camera * (0.5 + 0.5 * like(seen, None))) for seen in view]
    odds = np.array([[like(seen, each) * by for seen, by in zip(view, scale, strict=True)] for each in contents])
    total = 1 + odds.sum()
    if len(view) == 2:
        total += sum(odds[a, 0] * odds[b, 1] for a in range(len(odds)) for b in range(len(odds)) if a != b)
    return float(total) * (1 - V) ** len(contents)


def exact(views: list[View], claimed: list[int], strangers: int = 0) -> float:
    """Sum over which of the claimed products that nobody named are outside the gallery."""
    named = {at for view in views for seen in view for at, _ in seen.candidates}
    total = 0.0
    for number in range(2 ** len(claimed)):
        outside = [bool(number >> at & 1) for at in range(len(claimed))]
        if any(out and gtin(at) in named for at, out in zip(claimed, outside, strict=True)):
            continue
        share = math.prod(
            1.0 if gtin(at) in named else OUTSIDE if out else 1 - OUTSIDE
            for at, out in zip(claimed, outside, strict=True)
        )
        contents = [None if out else at for at, out in zip(claimed, outside, strict=True)] + [None] * strangers
        total += share * math.prod(of_view(view, contents) for view in views)
    return total


@pytest.mark.parametrize("cameras", ["a", "ab", "abc"])
@pytest.mark.parametrize("claimed", [[3], [3, 7]])
def test_an_unknown_object_more_is_weighed_as_if_all_were_enumerated(cameras: str, claimed: list[int]) -> None:
    """Within a factor of three; a product judged anew by each camera would be wrong by twenty for each."""
    evidence = Evidence(sightings=tuple(strange(cameras)), visibility=V, cameras=len(cameras), gallery_size=PRODUCTS)
    basket = weigh(claim(*((at, 1) for at in claimed)), reading(500), BELIEFS, Policy())
    views = [[seen] for seen in strange(cameras)]
    ours = look(evidence, basket, BELIEFS, Sights(outside=OUTSIDE), 3).unknown_more
    assert 1 / 3 < ours / (exact(views, claimed, strangers=1) / exact(views, claimed)) < 3


def judged(view: View, outside: float) -> float:
    policy = Policy(sights=Sights(outside=outside))
    evidence = Evidence(sightings=tuple(view), visibility=V, cameras=3, gallery_size=PRODUCTS)
    asked = claim((3, 1), (20, 1), trust=0.97)
    gross_g = float(BELIEFS.mean_g[3] + BELIEFS.mean_g[20])
    p = judge(asked, reading(gross_g, 400.0), evidence, BELIEFS, policy).p_as_claimed
    assert p is not None
    return p


def test_three_cameras_that_cannot_name_a_claimed_product_are_no_ground_for_doubt() -> None:
    view = [*strange("abc"), *(sighting(camera, 20) for camera in "abc")]
    assert judged(view, outside=OUTSIDE) > 0.95
    assert judged(view, outside=0.0) < 0.7


def test_an_unknown_object_beside_all_that_is_claimed_still_is_one() -> None:
    everything = [sighting(camera, at) for camera in "abc" for at in (3, 20)]
    assert judged([*everything, *strange("abc")], outside=OUTSIDE) < 0.3
    assert judged(everything, outside=OUTSIDE) > 0.99
