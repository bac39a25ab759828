"""Products that are not looked at weigh nothing, whatever the catalogue holds and after it was taught."""

import numpy as np
import pytest

from station.core.basket import weigh
from station.core.beliefs import Beliefs
from station.core.cases import case_of
from station.core.density import log_t
from station.core.fillers import wide
from station.core.hypotheses import UPS, branches
from station.core.policy import Policy
from station.core.policy_costs import accepted, costs
from station.core.reach import NEGLIGIBLE
from station.core.sights import nothing_seen
from tests.checker.small import claim, product, reading

RNG = np.random.default_rng(8)
POLICY = Policy()
RATES = sum(getattr(POLICY.base_rates, name) for name in POLICY.base_rates.__struct_fields__)


def catalogue(products: int) -> Beliefs:
    weights = np.sort(RNG.lognormal(np.log(350), 1.0, products))
    spread = RNG.choice([0.5, 3.0, 80.0], products)
    units = RNG.choice([2, 5, 1000], products)
    return Beliefs.of([
        product(at, float(w), float(s), int(n), net_g=None, sales_per_1000=float(RNG.exponential()))
        for at, (w, s, n) in enumerate(zip(weights, spread, units, strict=True))
    ])  # fmt: skip


def left_out(beliefs: Beliefs, extra_g: float) -> tuple[float, int]:
    """Return what the products not looked at would weigh beside the best explanation, and how many are looked at."""
    asked = claim((3, 1), (700, 2))
    gross_g = float(beliefs.mean_g[3] + 2 * beliefs.mean_g[700])
    case = case_of(weigh(asked, reading(gross_g + extra_g), beliefs, POLICY), nothing_seen(2, UPS), beliefs, POLICY)
    families = branches(case, 0.9)
    found = next(branch for branch in families if branch.kind == "unscanned")
    highest = max(float(branch.log_w.max()) for branch in families)
    variance = case.basket.variance_g2 + beliefs.variance_g2
    freedom = case.basket.freedom_at(variance, beliefs.fourth)
    exact = np.exp(log_t(case.basket.residual_g - beliefs.mean_g, variance, freedom)) * case.prior
    share = 0.1 * POLICY.base_rates.unscanned / RATES
    rest = np.delete(exact, found.first.product).sum() * share
    at = found.first.product
    got, plain = np.exp(found.log_w), exact[at] * share
    sure = (plain > 0) & ~wide(beliefs.mean_g, beliefs.variance_g2)[at]  # of the others, what lies below zero is gone
    np.testing.assert_allclose(got[sure], plain[sure], rtol=1e-9)
    assert (got[plain > 0] <= plain[plain > 0] * (1 + 1e-9)).all()
    return float(rest / np.exp(highest)), found.log_w.size


@pytest.mark.parametrize("extra_g", [0.0, 35.0, 351.0, 5000.0, -400.0])
def test_what_is_not_looked_at_weighs_nothing(extra_g: float) -> None:
    rest, size = left_out(catalogue(3000), extra_g)
    assert rest <= NEGLIGIBLE
    assert 0 < size <= 3000


def test_little_of_a_catalogue_that_is_well_known_is_looked_at() -> None:
    beliefs = Beliefs.of([product(at, 100.0 + at, 1.0, 100_000) for at in range(3000)])
    rest, size = left_out(beliefs, 400.0)
    assert rest <= NEGLIGIBLE
    assert size < 1000


def test_products_are_still_found_after_they_were_taught_another_weight() -> None:
    beliefs = Beliefs.of([product(at, 100.0 + at, 1.0, 100_000) for at in range(3000)]).own()
    at = np.array([2900])
    beliefs.teach(at, np.array([401.0]), np.array([0.1]), np.array([1.0]), np.array([1e5]))
    asked = claim((3, 1))
    basket = weigh(asked, reading(float(beliefs.mean_g[3]) + 401.0), beliefs, POLICY)
    case = case_of(basket, nothing_seen(1, UPS), beliefs, POLICY)
    found = next(branch for branch in branches(case, 0.9) if branch.kind == "unscanned")
    assert 2900 in found.first.product
    assert found.first.product[int(np.argmax(found.log_w))] in {301, 2900}  # what weighs as much, and the taught one


def test_release_is_weighed_alike_one_by_one_and_for_many() -> None:
    p, loss = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, 21), np.geomspace(0.1, 3000, 40)))
    many = accepted(POLICY, p, loss)
    assert many.tolist() == [costs(POLICY, a, b).decision == "accept" for a, b in zip(p, loss, strict=True)]
    assert 0 < many.sum() < many.size
