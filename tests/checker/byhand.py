"""The posterior of a small world, every explanation written out: no grid, no window, no array, nothing merged.

Deviations are enumerated with their prior probabilities; each gives contents, whose weight has Student's t with the
degrees of freedom of those contents, and whose sightings are summed over every assignment.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from station.core.beliefs import Beliefs
from station.core.claim import Claim, Tare
from station.core.evidence import Evidence, Sighting
from station.core.policy import Policy
from station.core.store_policy import Sights
from tests.checker.small import lognormal, normal, student

Contents = Mapping[int, int]
STEPS = 300


@dataclass(frozen=True)
class Deviation:
    """One deviation: its prior, the lines it changes, what it adds, what it takes away."""

    kind: str
    prior: float
    line: int | None
    change: Counter[int]  # of units, by product


@dataclass(frozen=True)
class View:
    """The likelihood of all sightings for given contents, up to a factor that all share."""

    evidence: Evidence | None
    beliefs: Beliefs
    sights: Sights

    def ratio(self, seen: Sighting, at: int | None) -> float:
        size = self.evidence.gallery_size if self.evidence else 1
        if at is None:
            return max(seen.unknown / self.sights.unknown_prior, 1e-3)
        named = {self.beliefs.index[gtin]: p for gtin, p in seen.candidates}
        if at in named:
            return max(named[at] * size, 1e-3)
        return max((1 - seen.unknown - sum(named.values())) * size / (size - len(named)), 1e-3)

    def likelihood(self, contents: Contents, strangers: int = 0) -> float:
        if self.evidence is None:
            return 1.0
        objects: list[int | None] = [at for at, units in sorted(contents.items()) for _ in range(units)]
        return self._of((*objects, *[None] * strangers))

    @cache  # noqa: B019 - one view lives for one test
    def _of(self, objects: tuple[int | None, ...]) -> float:
        assert self.evidence is not None
        total = 1.0
        for name in sorted({seen.camera for seen in self.evidence.sightings}) or ["top"]:
            total *= self._camera([seen for seen in self.evidence.sightings if seen.camera == name], objects)
        return total

    def _camera(self, seen: list[Sighting], objects: tuple[int | None, ...]) -> float:
        assert self.evidence is not None
        v = self.evidence.visibility
        sums = {0: 1.0}
        for what in objects:
            after = {subset: (1 - v) * value for subset, value in sums.items()}
            for subset, value in sums.items():
                for number, sighting in enumerate(seen):
                    if not subset >> number & 1:
                        key = subset | 1 << number
                        after[key] = after.get(key, 0.0) + v * self.ratio(sighting, what) * value
            sums = after
        clutter = [self.sights.clutter_per_camera * (0.5 + 0.5 * self.ratio(each, None)) for each in seen]
        return sum(
            value * math.prod(c for number, c in enumerate(clutter) if not subset >> number & 1)
            for subset, value in sums.items()
        )


class ByHand:
    """`p` maps each kind to its probability; `by_rate` the same by base rate."""

    def __init__(
        self, beliefs: Beliefs, asked: Claim, gross_g: float, sd_g: float, policy: Policy,
        evidence: Evidence | None = None,
    ) -> None:  # fmt: skip
        self.b, self.policy, self.gross_g, self.sd_g = beliefs, policy, gross_g, sd_g
        self.claimed = {beliefs.index[line.gtin]: line.quantity for line in asked.lines}
        self.tare = asked.tare or Tare()
        self.view = View(evidence, beliefs, policy.sights)
        self.places = range(len(beliefs))
        self.rates = {name: float(getattr(policy.base_rates, name)) for name in policy.base_rates.__struct_fields__}
        trust = asked.trust or policy.trust
        self.by_rate = {"as_claimed": trust * self.like(self.claimed)}
        for name, rate in self.rates.items():
            share = (1 - trust) * rate / sum(self.rates.values())
            self.by_rate[name] = share * getattr(self, f"_{name}")()
        total = sum(self.by_rate.values())
        self.by_rate = {name: value / total for name, value in self.by_rate.items()}
        self.p: dict[str, float] = {}
        for name, value in self.by_rate.items():
            kind = {"combined": "several", "tare": "foreign_load", "other_basket": "foreign_load"}.get(name, name)
            self.p[kind] = self.p.get(kind, 0.0) + value

    def moments(self, contents: Contents) -> tuple[float, float, float]:
        """Mean, variance and degrees of freedom of the goods, tare and scale."""
        b = self.b
        mean = self.tare.weight_g + sum(units * b.mean_g[at] for at, units in contents.items())
        parts = [(units * b.unit_sd_g[at] ** 2, b.freedom[at]) for at, units in contents.items()]
        parts += [((units * b.mean_sd_g[at]) ** 2, b.freedom[at]) for at, units in contents.items()]
        variance = sum(v for v, _ in parts) + self.tare.sd_g**2 + self.sd_g**2
        fourth = sum(v * v / nu for v, nu in parts)
        return mean, variance, min(max(variance**2 / max(fourth, 1e-12), 3), 1e6)

    def like(self, contents: Contents) -> float:
        mean, variance, freedom = self.moments(contents)
        return student(self.gross_g - mean, variance, freedom) * self.view.likelihood(contents)

    # -- deviations of goods

    def _singles(self, kind: str, ups: int = 5, *, any_product: bool = False) -> Iterator[Deviation]:
        prior, units = self.b.prior, self.claimed
        if kind == "unscanned":
            free = [at for at in self.places if any_product or at not in units]
            total = sum(prior[at] for at in free)
            yield from (Deviation(kind, prior[at] / total, None, Counter({at: 1})) for at in free)
        elif kind == "missing":
            total = sum(1 / q for q in units.values())
            yield from (Deviation(kind, 1 / q / total, at, Counter({at: -q})) for at, q in units.items())
        elif kind == "swapped":
            total = sum(units.values())
            for at, q in units.items():
                others = (other for other in self.places if other != at)
                yield from (Deviation(kind, q / total * prior[o], at, Counter({at: -1, o: 1})) for o in others)
        else:
            yield from self._quantities(ups)

    def _quantities(self, ups: int) -> Iterator[Deviation]:
        units = self.claimed
        up = {(at, k): 0.5 ** (k - 1) * q for at, q in units.items() for k in range(1, ups + 1)}
        down = {(at, -k): 0.5 ** (k - 1) * q for at, q in units.items() for k in range(1, min(q, ups + 1))}
        up_share = 0.8 if down else 1.0
        for table, part in ((up, up_share), (down, 1 - up_share)):
            for (at, k), weight in table.items():
                yield Deviation("quantity", part * weight / sum(table.values()), at, Counter({at: k}))

    def _changed(self, *changes: Counter[int]) -> Contents:
        contents = Counter(self.claimed)
        for change in changes:
            contents.update(change)
        return {at: units for at, units in contents.items() if units}

    def _sum(self, kind: str) -> float:
        return sum(each.prior * self.like(self._changed(each.change)) for each in self._singles(kind))

    def _unscanned(self) -> float:
        return self._sum("unscanned")

    def _quantity(self) -> float:
        return self._sum("quantity")

    def _missing(self) -> float:
        return self._sum("missing")

    def _swapped(self) -> float:
        return self._sum("swapped")

    def _several(self) -> float:
        total = 0.0
        for count, share in ((2, 0.6), (3, 0.25), (4, 0.15)):
            for drawn in itertools.combinations_with_replacement(self.places, count):
                change = Counter(drawn)
                ways = math.factorial(count) / math.prod(math.factorial(n) for n in change.values())
                weight = math.prod(self.b.prior[at] for at in drawn)
                total += share * ways * weight * self.like(self._changed(change))
        return total

    def _combined(self) -> float:
        kinds = ("unscanned", "missing", "quantity", "swapped")
        rates = {kind: self.rates[kind] / sum(self.rates[k] for k in kinds) for kind in kinds}
        drawn = [
            Deviation(kind, rates[kind] * each.prior, each.line, each.change)
            for kind in kinds for each in self._singles(kind, 2, any_product=True)
        ]  # fmt: skip
        line = Counter[int]()
        for kind in kinds[1:]:
            for at, q in self.claimed.items():
                share = (1 / q) / sum(1 / n for n in self.claimed.values())
                share = share if kind == "missing" else q / sum(self.claimed.values())
                line[at] += rates[kind] * share  # type: ignore[assignment]
        norm = 1 - rates["unscanned"] ** 2 - sum(share**2 for share in line.values())
        return sum(
            2 * a.prior * b.prior * self.like(self._changed(a.change, b.change))
            for a, b in itertools.combinations(drawn, 2) if self._allowed(a, b)
        ) / norm  # fmt: skip

    def _allowed(self, a: Deviation, b: Deviation) -> bool:
        if a.line == b.line:  # twice the same line, or two unscanned
            return False
        restored = {at for each in (a, b) for at, n in each.change.items() if n < 0}
        lone = next((each for each in (a, b) if each.line is None), None)
        if lone is not None:
            return not restored & set(lone.change)
        return self._changed(a.change, b.change) != self.claimed

    # -- strays and wrong numbers

    def _x(self) -> tuple[float, float, float]:
        mean, variance, _ = self.moments(self.claimed)
        return self.gross_g - mean, variance, self.view.likelihood(self.claimed)

    def _unknown_object(self) -> float:
        x_g, variance, _ = self._x()
        seen = self.view.likelihood(self.claimed, strangers=1)
        return lognormal(x_g, self.policy.unknown_median_g, self.policy.unknown_spread, variance) * seen

    def _foreign_load(self) -> float:
        x_g, variance, seen = self._x()
        policy = self.policy
        median, spread = policy.foreign_median_g, policy.foreign_spread
        down = 0.85 * lognormal(x_g, median, spread, variance) + 0.15 * lognormal(x_g, 18_000.0, 0.5, variance)
        expected_g = self.gross_g - x_g
        most = math.log(min(policy.lift_max_g, max(expected_g, median)) / median) / spread
        up = lognormal(-x_g, median, spread, variance, most)
        floor = 1e-9 if x_g > 0 else 0.0
        besides = self.view.likelihood(self.claimed, strangers=1)
        return ((1 - policy.foreign_lift) * down + policy.foreign_lift * up + floor) * (seen + besides) / 2

    def _tare(self) -> float:
        x_g, variance, seen = self._x()
        tares, tare = self.policy.tares, self.tare
        rest = variance - tare.sd_g**2
        others = [tares.of(kind) for kind in ("none", "basket", "cart", "bag") if kind != tare.kind]
        stated = tares.of(tare.kind)
        other = [normal(x_g - each.weight_g + tare.weight_g, rest + each.sd_g**2) for each in others]
        if stated.weight_g == 0:
            return sum(other) / 3 * seen
        wide = max(stated.sd_g, 3 * tare.sd_g) ** 2
        same = 0.75 * normal(x_g - stated.weight_g + tare.weight_g, rest + wide)
        same += 0.25 * normal(x_g - stated.weight_g, rest + wide)
        return (0.6 * sum(other) / 3 + 0.4 * same) * seen

    def _other_basket(self) -> float:
        goods_g, fixed = self.gross_g - self.tare.weight_g, self.tare.sd_g**2 + self.sd_g**2
        density = lognormal(goods_g, self.policy.other_basket_median_g, self.policy.other_basket_spread, fixed)
        return (density + 1e-12) * self.strangers()

    def strangers(self) -> float:
        """Sightings of a Poisson number of goods drawn from the catalogue, none of the claim."""
        evidence, sights = self.view.evidence, self.policy.sights
        if evidence is None:
            return 1.0
        mean = evidence.visibility * sights.other_basket_items
        cameras = {seen.camera for seen in evidence.sightings} or {"top"}
        total = math.exp(-mean * len(cameras))
        for seen in evidence.sightings:
            drawn = sum(self.b.prior[at] * self.view.ratio(seen, at) for at in self.places)
            total *= mean * drawn + sights.clutter_per_camera * (0.5 + 0.5 * self.view.ratio(seen, None))
        return total

    def _stale_weight(self) -> float:
        x_g, variance, seen = self._x()
        spread, total = self.policy.stale_spread, 0.0
        for at, units in self.claimed.items():
            for step in range(STEPS):
                z = -5 + 10 * (step + 0.5) / STEPS
                off_g = self.b.mean_g[at] * units * math.expm1(spread * z)
                total += 0.7 * normal(z, 1.0) * 10 / STEPS * normal(x_g - off_g, variance)
            for more in (0.1, 0.2, 0.25, 1 / 3, 0.5):
                more_g = 0.94 * more * self.b.mean_g[at] * units
                total += 0.3 / 5 * normal(x_g - more_g, variance + (0.07 * more_g) ** 2)
        return total / max(len(self.claimed), 1) * seen

    def _scale_fault(self) -> float:
        x_g, variance, seen = self._x()
        off = self.policy.fault_zero_g**2 + (self.policy.fault_gain * max(self.gross_g, 0.0)) ** 2
        return student(x_g, variance + off, 4.0) * seen
