"""Strangers that look like a product of the gallery: to every camera and in every unit they do, and count once."""

import itertools

import numpy as np
import pytest

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.evidence import Evidence, Sighting
from station.core.policy import Policy, judge
from station.core.sights import Seen, look
from station.core.store_policy import Sights
from tests.checker.small import claim, gtin, product, reading

V, ENROLLED, ALIKE, UPS = 0.6, 5, 0.02, 3
SIGHTS = Sights(alike=ALIKE)
BELIEFS = Beliefs.of([product(at, 100.0 + 150 * at) for at in range(8)])
GALLERY = frozenset(gtin(at) for at in range(ENROLLED))
CLAIM = ((0, 1), (5, 2), (6, 1), (7, 1))  # the last three are strangers

Look = tuple[int | None, int | None]  # a product, None a stranger; and the product that a stranger looks like


def sighting(camera: str, *candidates: tuple[int, float], unknown: float = 0.02) -> Sighting:
    return Sighting(camera=camera, candidates=tuple((gtin(at), p) for at, p in candidates), unknown=unknown)


def ratio(seen: Sighting, what: Look) -> float:
    """Density ratio of a sighting: of a product of the gallery, a stranger, or one that looks like such a product."""
    unknown = seen.unknown / SIGHTS.unknown_prior
    if what[1] is not None:
        return (ratio(seen, (what[1], None)) + unknown) / 2
    if what[0] is None or what[0] >= ENROLLED:
        return unknown
    named = dict(seen.candidates)
    rest = (1 - seen.unknown - sum(named.values())) * ENROLLED / (ENROLLED - len(named))
    return max(named[gtin(what[0])] * ENROLLED if gtin(what[0]) in named else rest, 1e-3)


def of_view(view: list[Sighting], contents: list[Look]) -> float:
    """Sum over all assignments: each object unseen or one sighting of its own, the rest clutter."""
    total = 0.0
    for choice in itertools.product([None, *range(len(view))], repeat=len(contents)):
        used = [at for at in choice if at is not None]
        if len(set(used)) != len(used):
            continue
        term = 1.0
        for at, seen in enumerate(view):
            if at not in used:
                term *= SIGHTS.clutter_per_camera * (0.5 + 0.5 * seen.unknown / SIGHTS.unknown_prior)
        for what, at in zip(contents, choice, strict=True):
            term *= 1 - V if at is None else V * ratio(view[at], what)
        total += term
    return total


def exact(views: list[list[Sighting]], lines: list[tuple[int, int]], more: int | None = None) -> float:
    """Sum over what each stranger among the lines looks like."""
    strangers = [at for at, (what, _) in enumerate(lines) if what >= ENROLLED]
    total = 0.0
    for looks in itertools.product([None, *range(ENROLLED)], repeat=len(strangers)):
        of_line = dict(zip(strangers, looks, strict=True))
        share = np.prod([1 - ALIKE if one is None else ALIKE / ENROLLED for one in looks])
        contents: list[Look] = [(what, of_line.get(at)) for at, (what, units) in enumerate(lines) for _ in range(units)]
        contents += [] if more is None else [(more, None)]
        total += float(share) * float(np.prod([of_view(view, contents) for view in views]))
    return total


def looked(views: list[list[Sighting]]) -> Seen:
    evidence = Evidence(
        sightings=tuple(seen for view in views for seen in view), visibility=V, cameras=len(views),
        gallery_size=ENROLLED, gallery=GALLERY,
    )  # fmt: skip
    return look(evidence, weigh(claim(*CLAIM), reading(500), BELIEFS, Policy()), BELIEFS, SIGHTS, UPS)


B3 = sighting("b", (3, 0.9))
VIEWS = {
    "one camera": [[sighting("a", (3, 0.9))]],
    "two cameras": [[sighting("a", (3, 0.9))], [sighting("b", (3, 0.8), unknown=0.1)]],
    "two units": [[sighting("a", (3, 0.9)), sighting("a", (3, 0.85))], [B3, sighting("b", (0, 1))]],
    "two products": [[sighting("a", (3, 0.9)), sighting("a", (2, 0.9))], [B3, sighting("b", (2, 1))]],
}


@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
def test_as_if_all_that_strangers_may_look_like_were_enumerated(views: list[list[Sighting]]) -> None:
    seen, lines = looked(views), [*CLAIM]
    base = exact(views, lines)
    for at, place in enumerate(seen.named.tolist()):
        assert seen.named_more[at] == pytest.approx(exact(views, lines, place) / base, rel=0.15)
    for line, (what, units) in enumerate(CLAIM):
        fewer = [(each, many - (each == what)) for each, many in CLAIM if many > (each == what)]
        assert seen.line_less[0, line] == pytest.approx(exact(views, fewer) / base, rel=0.15)
        more = [(each, many + (each == what)) for each, many in CLAIM]
        assert seen.line_more[0, line] == pytest.approx(exact(views, more) / base, rel=0.15)
        assert units > 0


def judged(place: int, alike: float) -> float:
    """Probability of as claimed where three cameras see product 3, and another one is claimed that weighs the same."""
    beliefs = Beliefs.of([product(at, 400.0 if at in {3, place} else 900.0 + 40 * at) for at in range(40)])
    gallery = frozenset(gtin(at) for at in range(30))
    sightings = tuple(sighting(camera, (3, 0.95)) for camera in "abc")
    evidence = Evidence(sightings=sightings, visibility=V, cameras=3, gallery_size=30, gallery=gallery)
    policy = Policy(sights=Sights(alike=alike))
    p = judge(claim((place, 1), trust=0.97), reading(400.0), evidence, beliefs, policy).p_as_claimed
    assert p is not None
    return p


def test_a_stranger_that_looks_like_something_else_is_left_in_peace() -> None:
    assert judged(35, alike=0.1) > 10 * judged(35, alike=0.0)


def test_a_product_that_cameras_know_looks_like_itself() -> None:
    assert judged(7, alike=0.1) < 0.05
