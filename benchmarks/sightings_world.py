"""Baskets that cameras see: contents, claim, weight and sightings, with every kind of deviation.

Baskets, prices and weights are those of `basket_world`. Each product has a hidden look, a point in space; products of
a family lie close together, some look exactly like another one. A camera sees each object with probability v, and gets
its look plus noise. Besides, it sees clutter, a Poisson number of things: half of them look like some product of the
gallery, half like nothing it knows. One product in ten is not in the gallery. The recogniser is exact: candidates are
the posterior under a uniform prior over the gallery, five of them told, `unknown` beside them by its own prior.
Cameras see the same objects, independently of each other. A product that is not in the gallery has a look of its own
all the same: it may resemble a product that is, to every camera and in every unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.basket_world import SCALE_SD_G, TARES, USUAL_TARE_SD_G, World
from station.core.claim import Claim, Line
from station.core.density import Floats
from station.core.evidence import Evidence, Reading, Sighting

AXES = 12
FAMILY, FAMILY_SHARE = 12, 0.6  # products in a family, and the part of the looks' variance that they share
TWINS = 0.03  # of the products look exactly like another of their family
NOISE = 0.22
OUTSIDE = 0.1  # of the products are not in the gallery
TOLD = 5
FAR = -70.0  # log likelihoods below the highest count as this: nothing, without slow denormal numbers
CLUTTER, UNKNOWN_PRIOR = 0.05, 0.05  # as the default policy has them
UNKNOWN_MEDIAN_G, UNKNOWN_SPREAD = 350.0, 1.1
EQUAL_WEIGHT = 0.01  # how far apart the weights of a swap that no scale sees
MOST_UNITS = 6

# Kinds of deviations, and how often: the base rates of the default policy.
KINDS = {"unscanned": 10.0, "quantity": 4.0, "missing": 1.5, "swapped": 1.5, "unknown": 0.25}
ALIKE = "swapped alike"  # for a product of the same weight, which the scale cannot see; nobody is told of this habit

Basket = list[tuple[int, int]]
# Of one look under each product of the gallery, under things nobody knows, and under each product outside the gallery.
Likelihoods = tuple[NDArray[np.float32], float, Floats]


@dataclass(frozen=True, eq=False)
class SeenCase:
    """One weighing under cameras. `views` holds what each camera saw, whole, as `Recogniser.likelihoods` has it."""

    claim: Claim
    reading: Reading
    evidence: Evidence
    views: tuple[tuple[Likelihoods, ...], ...]  # of each camera, of each sighting
    kind: str | None  # of the deviation
    still_claimed: bool  # a unit was left out of a product that is claimed all the same


@dataclass(frozen=True, eq=False)
class Recogniser:
    """What every product looks like, and what a camera's pipeline makes of it."""

    look: NDArray[np.float32]  # (products, axes)
    inside: NDArray[np.bool_]  # in the gallery
    gallery: NDArray[np.int64]  # places of those
    kept: NDArray[np.float32]  # the gallery's looks ...
    half_squares: NDArray[np.float32]  # ... and half their squares
    strange: NDArray[np.float32]  # the other products' looks ...
    strange_half_squares: Floats

    @classmethod
    def of(cls, products: int, seed: int) -> "Recogniser":
        """Draw the looks of so many products."""
        rng = np.random.default_rng([seed, 7])
        family = rng.permutation(products) // FAMILY
        middle = rng.normal(0, np.sqrt(FAMILY_SHARE), (family.max() + 1, AXES))
        look = middle[family] + rng.normal(0, np.sqrt(1 - FAMILY_SHARE), (products, AXES))
        order = np.argsort(family, kind="stable")
        twin = np.flatnonzero((rng.random(products - 1) < TWINS) & (np.diff(family[order]) == 0))
        look[order[twin + 1]] = look[order[twin]]
        inside = rng.random(products) >= OUTSIDE
        inside[order[twin + 1]] = inside[order[twin]]  # what looks like a known product is known
        kept = look[inside].astype(np.float32)
        return cls(look.astype(np.float32), inside, np.flatnonzero(inside), kept, (kept**2).sum(axis=1) / 2,
                   look[~inside].astype(np.float32), (look[~inside] ** 2).sum(axis=1) / 2)  # fmt: skip

    def likelihoods(self, seen: Floats) -> Likelihoods:
        """Return the density of one look under all that it may be of, over that of the gallery on average."""
        exponent = (self.kept @ seen.astype(np.float32) - self.half_squares) / np.float32(NOISE**2)
        highest = float(exponent.max())
        like = np.exp(np.maximum(exponent - np.float32(highest), np.float32(FAR)))
        wide = 1 + NOISE**2
        square = float((seen * seen).sum())
        log_unknown = square / 2 / NOISE**2 - square / 2 / wide + AXES / 2 * np.log(NOISE**2 / wide) - highest
        mean = float(like.mean(dtype=np.float64))
        strange = (self.strange @ seen.astype(np.float32) - self.strange_half_squares) / NOISE**2 - highest
        strangers = np.exp(np.clip(strange.astype(np.float64), -600.0, 600.0)) / mean
        return like / np.float32(mean), float(np.exp(min(log_unknown, 600.0)) / mean), strangers

    def sighting(self, camera: str, seen: Likelihoods, gtins: list[str]) -> Sighting:
        """Return what is published of one object."""
        like, unknown, _ = seen
        total = (1 - UNKNOWN_PRIOR) + UNKNOWN_PRIOR * unknown
        some = np.flatnonzero(like > np.sort(like[:: max(like.size // 1000, 1)])[-2])  # hardly ever fewer than five
        some = some if some.size >= TOLD else np.arange(like.size)
        best = some[np.argsort(-like[some], kind="stable")[:TOLD]]
        share = like[best] / like.size * (1 - UNKNOWN_PRIOR) / total
        candidates = tuple((gtins[self.gallery[at]], float(p)) for at, p in zip(best, share, strict=True))
        return Sighting(camera=camera, candidates=candidates, unknown=float(UNKNOWN_PRIOR * unknown / total))


@dataclass(frozen=True)
class Setting:
    """How the station sees."""

    visibility: float = 0.5
    cameras: int = 1
    told: bool = True  # the checker knows which products are in the gallery


class SeenWorld:
    """Draws cases."""

    def __init__(self, world: World, recogniser: Recogniser, setting: Setting, seed: int) -> None:
        self.world, self.recogniser, self.setting, self._seed = world, recogniser, setting, seed
        self.gallery = frozenset(world.gtins[at] for at in recogniser.gallery)
        self.share = world.sales / world.sales.sum()
        self._sold = np.cumsum(self.share)
        self.order = np.argsort(world.mean_g)
        self.sorted_g = world.mean_g[self.order]

    def case(self, number: int, kind: str | None) -> SeenCase:
        """Return the case of a number; the same one always."""
        rng = np.random.default_rng([self._seed, number, ([None, *KINDS, ALIKE]).index(kind)])
        claimed, contents, unknown = self._deviating(rng, kind)
        units = np.repeat([product for product, _ in contents], [count for _, count in contents]).astype(np.int64)
        world, tare = self.world, TARES[USUAL_TARE_SD_G]
        extra_g = float(rng.lognormal(np.log(UNKNOWN_MEDIAN_G), UNKNOWN_SPREAD)) if unknown else 0.0
        goods_g = float(rng.normal(world.mean_g[units], world.sigma_g[units]).sum()) + extra_g
        gross_g = goods_g + tare.weight_g + rng.normal(0, tare.sd_g) + rng.normal(0, SCALE_SD_G)
        looks = self._seen(rng, units, unknown=unknown)
        views = tuple(tuple(self.recogniser.likelihoods(seen) for seen in each) for each in looks)
        sightings = tuple(
            self.recogniser.sighting(f"camera {camera}", seen, world.gtins)
            for camera, view in enumerate(views) for seen in view
        )  # fmt: skip
        evidence = Evidence(
            sightings=sightings, visibility=self.setting.visibility, cameras=self.setting.cameras,
            gallery_size=self.recogniser.gallery.size if self.setting.told else 0,
            gallery=self.gallery if self.setting.told else None,
        )  # fmt: skip
        lines = tuple(
            Line(line=at, gtin=world.gtins[product], quantity=count)
            for at, (product, count) in enumerate(claimed, start=1)
        )
        claim = Claim(transaction_id="bench", revision=1, lines=lines, tare=tare)
        still = kind == "unscanned" and len(claimed) == len(contents)
        return SeenCase(claim, Reading(t_ns=0, gross_g=gross_g, sd_g=SCALE_SD_G), evidence, views, kind, still)

    def _deviating(self, rng: np.random.Generator, kind: str | None) -> tuple[Basket, Basket, bool]:
        """Return (claim, contents, whether something unknown lies there too)."""
        basket = self.world.baskets[int(rng.integers(len(self.world.baskets)))]
        while kind == "missing" and len(basket) < 2:
            basket = self.world.baskets[int(rng.integers(len(self.world.baskets)))]
        count = np.array([units for _, units in basket], dtype=np.float64)
        line = int(rng.choice(count.size, p=count / count.sum()))
        product, units = basket[line]
        fewer = [(each, many - (at == line)) for at, (each, many) in enumerate(basket) if many > (at == line)]
        if kind == "unscanned":
            return fewer, basket, False
        if kind == "quantity":
            more = min(int(rng.geometric(0.5)), MOST_UNITS - 1)
            return basket, [*basket[:line], (product, units + more), *basket[line + 1 :]], False
        if kind == "missing":
            gone = int(rng.choice(count.size, p=(1 / count) / (1 / count).sum()))
            return basket, [each for at, each in enumerate(basket) if at != gone], False
        if kind in {"swapped", ALIKE}:
            return basket, [*fewer, (self._other(rng, product, alike=kind == ALIKE), 1)], False
        return basket, basket, kind == "unknown"

    def _other(self, rng: np.random.Generator, product: int, *, alike: bool) -> int:
        """Return another product by its sales, if need be of about the same weight."""
        if alike:
            places = self.partners(product)
            if places.size:
                return int(rng.choice(places, p=self.share[places] / self.share[places].sum()))
        while (other := int(np.searchsorted(self._sold, rng.random() * self._sold[-1]))) == product:
            pass
        return other

    def partners(self, product: int) -> NDArray[np.int64]:
        """Return the sold products within a hundredth of this one's weight."""
        middle_g = self.world.mean_g[product]
        low, high = np.searchsorted(self.sorted_g, [middle_g * (1 - EQUAL_WEIGHT), middle_g * (1 + EQUAL_WEIGHT)])
        places = self.order[low:high]
        return np.asarray(places[(places != product) & (self.share[places] > 0)], dtype=np.int64)

    def _seen(self, rng: np.random.Generator, units: NDArray[np.int64], *, unknown: bool) -> tuple[Floats, ...]:
        """Return what each camera sees, as points in an order of chance."""
        objects = self.recogniser.look[units].astype(np.float64)
        if unknown:
            objects = np.concatenate([objects, rng.normal(0, 1, (1, AXES))])
        views = []
        for _ in range(self.setting.cameras):
            seen = objects[rng.random(len(objects)) < self.setting.visibility]
            looks = np.concatenate([seen, self._clutter(rng)])
            looks = looks + rng.normal(0, NOISE, looks.shape)
            views.append(looks[rng.permutation(len(looks))])
        return tuple(views)

    def _clutter(self, rng: np.random.Generator) -> Floats:
        things = rng.poisson(CLUTTER)
        known = self.recogniser.look[rng.choice(self.recogniser.gallery, things)].astype(np.float64)
        strange = rng.normal(0, 1, (things, AXES))
        return np.where(rng.random((things, 1)) < 0.5, known, strange)
