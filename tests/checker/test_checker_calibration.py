"""`p_as_claimed` is a probability: in worlds drawn from the checker's own priors it comes true as often as it says."""

from collections.abc import Sequence

import numpy as np
import pytest

from station.core.beliefs import SCATTER_UNITS, Beliefs, label_sd_g
from station.core.claim import Claim, Line, Tare
from station.core.density import Floats
from station.core.evidence import Evidence, Reading, Sighting
from station.core.policy import Policy, consider
from station.core.product import Product
from station.core.store_policy import BaseRates, Sights
from station.core.strays import SAME_KIND
from station.core.wrongs import FAULT_FREEDOM
from tests.checker.small import gtin

PRODUCTS, CASES, TRUST, TARE = 60, 1200, 0.6, Tare(kind="basket", weight_g=600.0, sd_g=25.0)
RATES = BaseRates()
VISIBILITY, TOP = 0.7, 0.9


class Nature:
    """Draws the truth from the priors that the checker documents."""

    def __init__(self, seed: int, weighings: int, policy: Policy) -> None:
        self.rng, self.policy = np.random.default_rng(seed), policy
        net_g = np.round(self.rng.lognormal(np.log(300), 0.7, PRODUCTS)).clip(30, 2000)
        freedom = SCATTER_UNITS
        self.sigma = label_sd_g(net_g) * np.sqrt(freedom / self.rng.chisquare(freedom, PRODUCTS))
        self.mean = net_g * 1.1
        units = self.rng.normal(self.mean[:, None], self.sigma[:, None], (PRODUCTS, weighings))
        self.sales = self.rng.lognormal(0, 1, PRODUCTS)
        self.products = [
            Product(
                gtin=gtin(at), name=f"P{at}", net_g=float(net_g[at]), weight_g=float(units[at].mean()),
                weight_sd_g=float(units[at].std(ddof=1)), weight_n=weighings, sales_per_1000=float(self.sales[at]),
                unit_price_minor=200,
            )
            for at in range(PRODUCTS)
        ]  # fmt: skip

    def basket(self) -> tuple[dict[int, int], dict[int, int], float]:
        """Return (claimed, present, weight of foreign things)."""
        places = self.rng.choice(PRODUCTS, int(self.rng.integers(1, 12)), replace=False)
        claimed = {int(at): int(self.rng.geometric(0.7)) for at in places}
        if self.rng.random() < TRUST:
            return claimed, claimed, 0.0
        names = [name for name in RATES.__struct_fields__ if getattr(self.policy.base_rates, name) > 0]
        rates = np.array([getattr(self.policy.base_rates, name) for name in names])
        kind = str(self.rng.choice(names, p=rates / rates.sum()))
        present = dict(claimed)
        return claimed, present, float(getattr(self, f"_{kind}")(claimed, present) or 0.0)

    def _pick(self, without: Sequence[int] = ()) -> int:
        share = self.sales.copy()
        share[list(without)] = 0
        return int(self.rng.choice(PRODUCTS, p=share / share.sum()))

    def _line(self, weights: Floats, claimed: dict[int, int]) -> int:
        return int(self.rng.choice(list(claimed), p=weights / weights.sum()))

    def _unscanned(self, claimed: dict[int, int], present: dict[int, int]) -> None:
        present[self._pick(list(claimed))] = 1

    def _several(self, _claimed: dict[int, int], present: dict[int, int]) -> None:
        for _ in range(int(self.rng.choice([2, 3, 4], p=[0.6, 0.25, 0.15]))):
            at = self._pick()
            present[at] = present.get(at, 0) + 1

    def _quantity(self, claimed: dict[int, int], present: dict[int, int]) -> None:
        units = np.array(list(claimed.values()), dtype=float)
        fall = 0.5 ** np.arange(5)
        if (units > 1).any() and self.rng.random() < 0.2:
            ways = [(at, k) for at, q in claimed.items() for k in range(1, min(q, 6))]
            weights = np.array([claimed[at] * fall[k - 1] for at, k in ways])
            at, k = ways[int(self.rng.choice(len(ways), p=weights / weights.sum()))]
            present[at] -= k
        else:
            present[self._line(units, claimed)] += 1 + int(self.rng.choice(5, p=fall / fall.sum()))

    def _missing(self, claimed: dict[int, int], present: dict[int, int]) -> None:
        del present[self._line(1 / np.array(list(claimed.values()), dtype=float), claimed)]

    def _swapped(self, claimed: dict[int, int], present: dict[int, int]) -> None:
        at = self._line(np.array(list(claimed.values()), dtype=float), claimed)
        other = self._pick([at])
        present[at] -= 1
        present[other] = present.get(other, 0) + 1

    def _unknown_object(self, _claimed: dict[int, int], _present: dict[int, int]) -> float:
        return float(self.rng.lognormal(np.log(self.policy.unknown_median_g), self.policy.unknown_spread))

    def _foreign_load(self, _claimed: dict[int, int], _present: dict[int, int]) -> float:
        weight_g = float(self.rng.lognormal(np.log(self.policy.foreign_median_g), self.policy.foreign_spread))
        return -weight_g if self.rng.random() < self.policy.foreign_lift else weight_g

    def _combined(self, claimed: dict[int, int], present: dict[int, int]) -> None:
        """Two deviations by their rates, of different lines, no two unscanned items."""
        ways = ("unscanned", "missing", "quantity", "swapped")
        rates = np.array([getattr(self.policy.base_rates, way) for way in ways])
        for _ in range(1000):
            first, second = (str(way) for way in self.rng.choice(ways, 2, p=rates / rates.sum()))
            one, other = dict(claimed), dict(claimed)
            getattr(self, f"_{first}")(claimed, one)
            getattr(self, f"_{second}")(claimed, other)
            lines = [{at for at in claimed if some.get(at, 0) != claimed[at]} for some in (one, other)]
            if (first, second) == ("unscanned", "unscanned") or lines[0] & lines[1]:
                continue
            for at in {*one, *other}:
                present[at] = one.get(at, 0) + other.get(at, 0) - claimed.get(at, 0)
            for at in [at for at, units in present.items() if units == 0]:
                del present[at]
            return
        present[self._pick(list(claimed))] = 1  # one line of one unit: nothing else can be combined

    def _tare(self, _claimed: dict[int, int], _present: dict[int, int]) -> float:
        tares, off = self.policy.tares, self.rng.normal(0, TARE.sd_g)
        other = self.rng.choice(3)
        if self.rng.random() < SAME_KIND:
            more = TARE.weight_g if self.rng.random() < 0.25 else 0.0
            return float(more + self.rng.normal(0, 3 * TARE.sd_g) - off)
        carrier = (tares.none, tares.cart, tares.bag)[other]
        return float(carrier.weight_g - TARE.weight_g + self.rng.normal(0, carrier.sd_g + 1e-9) - off)

    def _other_basket(self, claimed: dict[int, int], _present: dict[int, int]) -> float:
        policy, goods_g = self.policy, sum(self.mean[at] * units for at, units in claimed.items())
        return float(self.rng.lognormal(np.log(policy.other_basket_median_g), policy.other_basket_spread) - goods_g)

    def _stale_weight(self, claimed: dict[int, int], _present: dict[int, int]) -> float:
        at = int(self.rng.choice(list(claimed)))
        return float(claimed[at] * self.mean[at] * np.expm1(self.rng.normal(0, self.policy.stale_spread)))

    def _scale_fault(self, claimed: dict[int, int], _present: dict[int, int]) -> float:
        gross_g = TARE.weight_g + sum(self.mean[at] * units for at, units in claimed.items())
        off_g = np.hypot(self.policy.fault_zero_g, self.policy.fault_gain * gross_g)
        return float(off_g * self.rng.standard_t(FAULT_FREEDOM))

    def weight_g(self, present: dict[int, int], foreign_g: float) -> float:
        units = [at for at, count in present.items() for _ in range(count)]
        goods_g = self.rng.normal(self.mean[units], self.sigma[units]).sum()
        return float(goods_g + foreign_g + TARE.weight_g + self.rng.normal(0, TARE.sd_g) + self.rng.normal(0, 2.0))

    def view(self, present: dict[int, int], camera: str) -> tuple[Sighting, ...]:
        """One camera: each object with its chance, some clutter; the recogniser is right nine times in ten."""
        truth = [at for at, q in present.items() for _ in range(q) if self.rng.random() < VISIBILITY]
        seen = [at if self.rng.random() < TOP else int(self.rng.choice([x for x in range(PRODUCTS) if x != at]))
                for at in truth]  # fmt: skip
        clutter = self.rng.integers(0, PRODUCTS, self.rng.poisson(self.policy.sights.clutter_per_camera))
        unknown = self.policy.sights.unknown_prior
        return tuple(
            Sighting(camera=camera, candidates=((gtin(int(at)), TOP * (1 - unknown)),), unknown=unknown)
            for at in [*seen, *clutter]
        )


def claim_of(claimed: dict[int, int]) -> Claim:
    lines = tuple(Line(line=n, gtin=gtin(at), quantity=q) for n, (at, q) in enumerate(claimed.items(), start=1))
    return Claim(transaction_id="T", revision=1, lines=lines, trust=TRUST, tare=TARE)


def judged(nature: Nature, policy: Policy, cameras: str) -> tuple[Floats, Floats, Floats]:
    """Return p_as_claimed by weight alone, the same with sightings where asked for, and the truth."""
    beliefs = Beliefs.of(nature.products)
    blind, told, true = [], [], []
    for _ in range(CASES):
        claimed, present, foreign_g = nature.basket()
        asked, reading = claim_of(claimed), Reading(t_ns=0, gross_g=nature.weight_g(present, foreign_g), sd_g=2.0)
        blind.append(consider(asked, reading, None, beliefs, policy).p_as_claimed)
        if cameras:
            sightings = tuple(seen for name in cameras for seen in nature.view(present, name))
            evidence = Evidence(sightings=sightings, visibility=VISIBILITY, cameras=len(cameras), gallery_size=PRODUCTS)
            told.append(consider(asked, reading, evidence, beliefs, policy).p_as_claimed)
        true.append(float(claimed == present and foreign_g == 0))
    return np.array(blind), np.array(told), np.array(true)


def calibration_error(told: Floats, true: Floats) -> float:
    bins = np.minimum((told * 10).astype(int), 9)
    return float(np.abs(np.bincount(bins, told - true, 10)).sum() / told.size)


@pytest.mark.parametrize("weighings", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_weight_alone_is_calibrated(weighings: int) -> None:
    told, _, true = judged(Nature(7, weighings, Policy()), Policy(), cameras="")
    assert 0.5 < true.mean() < 0.7  # the world is as doubtful as its trust says
    assert ((told > 0.2) & (told < 0.8)).mean() > 0.02  # and some cases are hard
    assert calibration_error(told, true) <= 0.02


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cameras", ["a", "abc"])
def test_weight_and_sightings_are_calibrated_and_tell_more(cameras: str) -> None:
    """Without unknown objects and foreign loads, whose looks nobody described."""
    rates = BaseRates(unknown_object=0.0, foreign_load=0.0, other_basket=0.0)
    policy = Policy(base_rates=rates, sights=Sights(clutter_per_camera=0.1))
    blind, told, true = judged(Nature(8, 5, policy), policy, cameras)
    assert calibration_error(told, true) <= 0.02
    assert log_loss(told, true) < 0.95 * log_loss(blind, true)


def log_loss(told: Floats, true: Floats) -> float:
    p = told.clip(1e-9, 1 - 1e-9)
    return float(-(true * np.log(p) + (1 - true) * np.log(1 - p)).mean())
