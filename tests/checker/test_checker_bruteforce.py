"""The posterior equals one that was written out explanation by explanation, within the error stated here."""

import numpy as np
import pytest

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.claim import Tare
from station.core.evidence import Evidence, Sighting
from station.core.fusion import Posterior, posterior
from station.core.hypotheses import UPS
from station.core.policy import Policy, consider
from station.core.sights import nothing_seen
from station.core.store_policy import Sights
from tests.checker.byhand import ByHand
from tests.checker.small import claim, gtin, product, reading

# Every product is in the gallery, nothing else looks like one: what is outside is not enumerated.
POLICY = Policy(sights=Sights(outside=0.0, alike=0.0))
WEIGHTS_G = 120.0, 187.0, 250.0, 401.0, 518.0, 1030.0
LINES = ((0, 1), (3, 2)), ((5, 1),), ((1, 2), (2, 1), (4, 1))
TARE = Tare(kind="basket", weight_g=600, sd_g=4)
# What the approximations cost: of `p_as_claimed`, and of the kinds' probabilities in total variation.
CLAIMED_ERROR, KINDS_ERROR, KINDS_ERROR_FAR = 0.002, 0.013, 0.06
CLAIMED_ERROR_SEEN, KINDS_ERROR_SEEN = 0.03, 0.18


def world(n: int) -> Beliefs:
    return Beliefs.of([product(at, w, 0.015 * w + 1, n, sales_per_1000=10.0 + at) for at, w in enumerate(WEIGHTS_G)])


def compared(
    n: int, lines: tuple[tuple[int, int], ...], extra_g: float, evidence: Evidence | None = None
) -> tuple[float, float, Posterior]:
    """Return (error of p_as_claimed, total variation over kinds, our posterior)."""
    beliefs = world(n)
    gross_g = 600 + extra_g + float(sum(beliefs.mean_g[at] * units for at, units in lines))
    exact = ByHand(beliefs, claim(*lines, tare=TARE), gross_g, 2.0, POLICY, evidence)
    result = consider(claim(*lines, tare=TARE), reading(gross_g), evidence, beliefs, POLICY)
    gaps = [result.of_kind(kind) - p for kind, p in exact.p.items()]  # type: ignore[arg-type]
    return abs(result.p_as_claimed - exact.p["as_claimed"]), 0.5 * float(np.abs(gaps).sum()), result


@pytest.mark.parametrize("n", [5, 1000])
@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("extra_g", [0.0, 9.0, 25.0, 66.0, 187.0, 258.0, 67.0, 700.0, -35.0, -120.0])
def test_posterior_of_a_small_world(n: int, lines: tuple[tuple[int, int], ...], extra_g: float) -> None:
    claimed, kinds, result = compared(n, lines, extra_g)
    assert sum(float(p.sum()) for p in result.p) == pytest.approx(1.0, abs=1e-9)
    assert claimed <= CLAIMED_ERROR
    assert kinds <= KINDS_ERROR


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("extra_g", [-401.0, -600.0, 3000.0, 20_000.0])
def test_posterior_far_from_the_claim(lines: tuple[tuple[int, int], ...], extra_g: float) -> None:
    """Where only tails are left: cut log-normals, and Gaussians for Student's t."""
    claimed, kinds, _ = compared(1000, lines, extra_g)
    assert claimed <= CLAIMED_ERROR
    assert kinds <= KINDS_ERROR_FAR


def seen(*candidates: tuple[int, float], unknown: float = 0.05, camera: str = "a") -> Sighting:
    return Sighting(camera=camera, candidates=tuple((gtin(at), p) for at, p in candidates), unknown=unknown)


VIEWS = {
    "one camera, one sighting": [seen((0, 0.8), (1, 0.1))],
    "one camera, three sightings": [seen((5, 0.9)), seen((0, 0.5), (1, 0.4)), seen(unknown=0.8)],
    "two cameras, the same object": [seen((2, 0.9)), seen((2, 0.7), (0, 0.2), camera="b")],
    "three cameras": [seen((0, 0.9)), seen((4, 0.9), camera="b"), seen((4, 0.8), (3, 0.1), camera="c"), seen((3, 0.6))],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("extra_g", [0.0, 9.0, 30.0, 187.0, -120.0, 400.0, 519.0])
def test_posterior_with_sightings(view: list[Sighting], lines: tuple[tuple[int, int], ...], extra_g: float) -> None:
    cameras = len({sighting.camera for sighting in view})
    evidence = Evidence(sightings=tuple(view), visibility=0.6, cameras=cameras, gallery_size=len(WEIGHTS_G))
    claimed, kinds, _ = compared(50, lines, extra_g, evidence)
    assert claimed <= CLAIMED_ERROR_SEEN
    assert kinds <= KINDS_ERROR_SEEN


def test_swaps_told_apart_keep_the_mass_of_their_line() -> None:
    beliefs = world(50)
    lines = ((3, 2), (4, 1))
    gross_g = float(beliefs.mean_g[3] + beliefs.mean_g[4] + beliefs.mean_g[1])
    result = consider(claim(*lines), reading(gross_g), None, beliefs, POLICY)
    swapped = next(branch for branch in result.branches if branch.kind == "swapped")
    share = result.p[result.branches.index(swapped)]
    part = swapped.first.at(int(np.argmax(share)))
    assert (part.line, part.product) == (0, 1)
    by_hand = ByHand(beliefs, claim(*lines), gross_g, 2.0, POLICY)
    assert float(share.sum()) == pytest.approx(by_hand.p["swapped"], rel=0.03)


def test_a_large_catalogue_loses_no_swaps_outside_the_window() -> None:
    """Some thousand products of nearly one weight: more than are looked at one by one."""
    rng = np.random.default_rng(4)
    weights = rng.normal(400, 30, 6000)
    beliefs = Beliefs.of([product(at, float(w), 3.0) for at, w in enumerate(weights)])
    asked = claim((0, 1), (1, 1))
    expected_g = float(beliefs.mean_g[0] + beliefs.mean_g[1])
    basket = weigh(asked, reading(expected_g + 15, 20.0), beliefs, POLICY)
    case = case_of(basket, nothing_seen(2, UPS), beliefs, POLICY)
    result = posterior(case, 0.9)
    swapped = next(branch for branch in result.branches if branch.kind == "swapped")
    rates = [getattr(POLICY.base_rates, name) for name in POLICY.base_rates.__struct_fields__]
    log_prior = np.log(0.1 * POLICY.base_rates.swapped / sum(rates))
    ours_density = float(np.exp(swapped.log_w - log_prior).sum())
    exact = 0.0
    for line in range(2):
        rest = basket.residual_g + basket.mean_g[line] - beliefs.mean_g
        base = basket.variance_g2 - basket.sigma2_g2[line] - basket.tau2_g2[line]
        density = np.exp(-0.5 * rest**2 / (base + beliefs.variance_g2)) / np.sqrt(
            2 * np.pi * (base + beliefs.variance_g2)
        )
        density[basket.place[line]] = 0
        exact += 0.5 * float(density @ beliefs.prior)
    assert ours_density == pytest.approx(exact, rel=0.01)
