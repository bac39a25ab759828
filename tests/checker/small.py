"""Small worlds for the checker's tests: a handful of products, and every explanation written out by hand."""

import itertools
import math
from collections import Counter

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Line, Tare
from station.core.evidence import Reading
from station.core.gtin import check_digit
from station.core.policy import Policy
from station.core.product import Product


def gtin(number: int) -> str:
    digits = f"{number:013d}"
    return digits + str(check_digit(digits))


def product(number: int, weight_g: float, sd_g: float = 2.0, n: int = 50, **more: object) -> Product:
    fields = {"unit_price_minor": 100 + 10 * number, "weight_n": n, "net_g": weight_g / 1.05} | more
    return Product(gtin=gtin(number), name=f"Product {number}", weight_g=weight_g, weight_sd_g=sd_g, **fields)  # type: ignore[arg-type]


def claim(*lines: tuple[int, int], trust: float | None = 0.9, tare: Tare | None = None) -> Claim:
    """Claim (product, quantity) pairs."""
    made = tuple(Line(line=at, gtin=gtin(number), quantity=units) for at, (number, units) in enumerate(lines, start=1))
    return Claim(transaction_id="T-1", revision=1, lines=made, trust=trust, tare=tare)


def reading(gross_g: float, sd_g: float = 2.0) -> Reading:
    return Reading(t_ns=0, gross_g=gross_g, sd_g=sd_g)


def student(x_g: float, variance: float, freedom: float) -> float:
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - 0.5 * math.log(freedom * math.pi * variance)
    return math.exp(log - (freedom + 1) / 2 * math.log1p(x_g * x_g / (freedom * variance)))


def normal(x_g: float, variance: float) -> float:
    return math.exp(-0.5 * x_g * x_g / variance) / math.sqrt(2 * math.pi * variance)


def lognormal(x_g: float, median_g: float, spread: float, variance: float) -> float:
    """A log-normal smoothed by a Gaussian, by plain summation."""
    total, steps = 0.0, 4000
    for step in range(steps):
        z = -6 + 12 * (step + 0.5) / steps
        total += normal(z, 1.0) * 12 / steps * normal(x_g - median_g * math.exp(spread * z), variance)
    return total


class ByHand:
    """The posterior of a small world, every explanation written out; no grid, no window, no array."""

    def __init__(self, beliefs: Beliefs, asked: Claim, gross_g: float, sd_g: float, policy: Policy) -> None:
        self.b, self.policy = beliefs, policy
        self.claimed = [(beliefs.index[line.gtin], line.quantity) for line in asked.lines]
        tare = asked.tare or Tare()
        self.rest_g, self.fixed = gross_g - tare.weight_g, tare.sd_g**2 + sd_g**2
        self.trust = asked.trust or policy.trust
        self.free = [at for at in range(len(beliefs)) if at not in {place for place, _ in self.claimed}]
        self.free_total = sum(beliefs.prior[at] for at in self.free)
        self.w: dict[str, float] = {"as_claimed": self.trust * self.like(dict(self.claimed), tails=True)}
        self.families = self._families()
        rates = {kind: getattr(policy.base_rates, kind) for kind in self.families}
        for kind, value in self.families.items():
            self.w[kind] = (1 - self.trust) * rates[kind] / sum(rates.values()) * value
        total = sum(self.w.values())
        self.p = {kind: value / total for kind, value in self.w.items()}

    def like(self, contents: dict[int, int], *, tails: bool = False) -> float:
        b = self.b
        mean = sum(units * b.mean_g[at] for at, units in contents.items())
        parts = [(units * b.unit_sd_g[at] ** 2, b.freedom[at]) for at, units in contents.items()]
        parts += [((units * b.mean_sd_g[at]) ** 2, b.freedom[at]) for at, units in contents.items()]
        variance = sum(v for v, _ in parts) + self.fixed
        fourth = sum(v * v / nu for v, nu in parts)
        if not tails:
            return normal(self.rest_g - mean, variance)
        return student(self.rest_g - mean, variance, min(max(variance**2 / max(fourth, 1e-12), 3), 1e6))

    def _families(self) -> dict[str, float]:
        base = dict(self.claimed)
        share = {at: self.b.prior[at] / self.free_total for at in self.free}
        result = {"unscanned": sum(share[at] * self.like(base | {at: 1}, tails=True) for at in self.free)}
        result["several"] = sum(weight * self._sums(count) for count, weight in ((2, 0.6), (3, 0.25), (4, 0.15)))
        result["quantity"] = self._quantity(base)
        share_missing = {at: 1 / units for at, units in self.claimed}
        result["missing"] = sum(
            share_missing[at] / sum(share_missing.values()) * self.like(base | {at: 0}, tails=True) for at in base
        )
        units_total = sum(base.values())
        result["swapped"] = sum(
            units / units_total * self.b.prior[other] * self.like(self._swap(base, at, other), tails=True)
            for at, units in base.items() for other in range(len(self.b)) if other != at
        )  # fmt: skip
        variance, mean = self._base_variance(base)
        x_g, policy = self.rest_g - mean, self.policy
        result["unknown_object"] = lognormal(x_g, policy.unknown_median_g, policy.unknown_spread, variance)
        down = lognormal(x_g, policy.foreign_median_g, policy.foreign_spread, variance)
        up = lognormal(-x_g, policy.foreign_median_g, policy.foreign_spread, variance)
        result["foreign_load"] = (1 - policy.foreign_lift) * down + policy.foreign_lift * up + 1e-9
        return result

    def _base_variance(self, base: dict[int, int]) -> tuple[float, float]:
        b = self.b
        variance = sum(q * b.unit_sd_g[at] ** 2 + (q * b.mean_sd_g[at]) ** 2 for at, q in base.items())
        return variance + self.fixed, sum(q * b.mean_g[at] for at, q in base.items())

    def _sums(self, count: int) -> float:
        total = 0.0
        variance, mean = self._base_variance(dict(self.claimed))
        for drawn in itertools.product(range(len(self.b)), repeat=count):
            weight = math.prod(self.b.prior[at] for at in drawn)
            own = sum(self.b.unit_sd_g[at] ** 2 + self.b.mean_sd_g[at] ** 2 for at in drawn)
            heavier = sum(self.b.mean_g[at] for at in drawn)
            total += weight * normal(self.rest_g - mean - heavier, variance + own)
        return total

    def _quantity(self, base: dict[int, int]) -> float:
        up = {(at, k): 0.5 ** (k - 1) * units for at, units in base.items() for k in range(1, 6)}
        down = {(at, -k): 0.5 ** (k - 1) * units for at, units in base.items() for k in range(1, min(units, 6))}
        up_share = 0.8 if down else 1.0
        total = 0.0
        for table, part in ((up, up_share), (down, 1 - up_share)):
            for (at, k), weight in table.items():
                changed = base | {at: base[at] + k}
                total += part * weight / sum(table.values()) * self.like(changed, tails=True)
        return total

    @staticmethod
    def _swap(base: dict[int, int], at: int, other: int) -> dict[int, int]:
        contents = Counter(base)
        contents[at] -= 1
        contents[other] += 1
        return dict(contents)
