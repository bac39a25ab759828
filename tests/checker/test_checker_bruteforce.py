"""The posterior equals one that was written out explanation by explanation."""

import numpy as np
import pytest

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.claim import Tare
from station.core.fusion import Posterior, posterior
from station.core.hypotheses import UPS
from station.core.policy import Policy
from station.core.sights import nothing_seen
from tests.checker.small import ByHand, claim, product, reading

POLICY = Policy()
WEIGHTS_G = 120.0, 187.0, 250.0, 401.0, 518.0, 1030.0, 66.0, 333.0


def world(n: int) -> Beliefs:
    return Beliefs.of([product(at, w, 0.015 * w + 1, n, sales_per_1000=10.0 + at) for at, w in enumerate(WEIGHTS_G)])


def ours(beliefs: Beliefs, lines: tuple[tuple[int, int], ...], gross_g: float, tare: Tare) -> Posterior:
    asked = claim(*lines, tare=tare)
    basket = weigh(asked, reading(gross_g), beliefs, POLICY)
    case = case_of(basket, nothing_seen(len(lines), UPS), beliefs, POLICY)
    return posterior(case, 0.9)


@pytest.mark.parametrize("n", [5, 1000])
@pytest.mark.parametrize("lines", [((0, 1), (3, 2)), ((5, 1),), ((1, 3), (2, 1), (4, 2))])
@pytest.mark.parametrize("extra_g", [0.0, 9.0, 66.0, 187.0, 258.0, -120.0, -401.0, 67.0, 700.0, -35.0])
def test_posterior_of_a_small_world(n: int, lines: tuple[tuple[int, int], ...], extra_g: float) -> None:
    beliefs, tare = world(n), Tare(kind="basket", weight_g=600, sd_g=4)
    gross_g = 600 + extra_g + sum(beliefs.mean_g[at] * units for at, units in lines)
    by_hand = ByHand(beliefs, claim(*lines, tare=tare), gross_g, 2.0, POLICY)
    result = ours(beliefs, lines, gross_g, tare)
    assert sum(float(p.sum()) for p in result.p) == pytest.approx(1.0, abs=1e-9)
    for kind, p in by_hand.p.items():
        # Gaussian smoothing where the exact answer has slightly heavier tails, and 2 g bins: stated error 2 %.
        assert result.of_kind(kind) == pytest.approx(p, abs=0.02), kind  # type: ignore[arg-type]
    assert result.p_as_claimed == pytest.approx(by_hand.p["as_claimed"], abs=0.01)


def test_swaps_told_apart_keep_the_mass_of_their_line() -> None:
    beliefs = world(50)
    lines = ((3, 2), (4, 1))
    gross_g = float(beliefs.mean_g[3] + beliefs.mean_g[4] + beliefs.mean_g[1])
    result = ours(beliefs, lines, gross_g, Tare())
    swapped = next(branch for branch in result.branches if branch.kind == "swapped")
    share = result.p[result.branches.index(swapped)]
    best = int(np.argmax(share))
    assert (swapped.line[best], swapped.other[best]) == (0, 1)
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
    log_prior = np.log(0.1 * POLICY.base_rates.swapped / sum(getattr(POLICY.base_rates, k) for k in
        ("unscanned", "quantity", "several", "missing", "swapped", "unknown_object", "foreign_load")))  # fmt: skip
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
