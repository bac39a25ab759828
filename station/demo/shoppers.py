"""Who comes to the demo's station: what lies in their baskets, what they claim, and what a just verdict would be.

Pure and seeded: the same number and seed give the same shoppers. The first seven show one situation each; after them
most are honest.
"""

import math
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from drivers.sim.assortment import ASSORTMENT, BY_GTIN, Article
from drivers.sim.world import PlacedObject

Kind = Literal["honest", "forgotten", "swapped", "quantity", "bag", "cart", "unplugged"]

KINDS: tuple[Kind, ...] = ("honest", "forgotten", "swapped", "quantity", "bag", "cart", "unplugged")
MIX: dict[Kind, float] = {
    "honest": 76, "forgotten": 8, "quantity": 4, "swapped": 3, "bag": 4, "cart": 4, "unplugged": 1,
}  # fmt: skip
OKAY, DOUBT, CANNOT = frozenset({"accept"}), frozenset({"review", "reject"}), frozenset({"abstain"})
JUST: dict[Kind, tuple[frozenset[str], ...]] = {  # the decisions that would be right, verdict by verdict
    "honest": (OKAY,), "forgotten": (DOUBT,), "swapped": (DOUBT,), "quantity": (DOUBT,),
    "bag": (DOUBT, OKAY), "cart": (OKAY,), "unplugged": (CANNOT, OKAY),
}  # fmt: skip
# A dear thing on a cheap label: claimed, in the basket. Weight tells the first apart, only a camera the second.
LABELS = (
    ("Salami slices 100 g", "Salami family pack 200 g"), ("Cream cheese 200 g", "Chicken fillet 400 g"),
    ("Mineral water 1.5 l", "Red wine 0.75 l"),
)  # fmt: skip
TWINS = (
    ("Spaghetti 500 g", "Espresso 500 g"), ("Natural yoghurt 500 g", "Coffee 500 g"), ("Flour 1 kg", "Rice 1 kg"),
    ("Gouda slices 200 g", "Salami family pack 200 g"), ("Semi-skimmed milk 1 l", "Orange juice 1 l"),
    ("Baguette 250 g", "Butter 250 g"),
)  # fmt: skip
BY_NAME = {article.name: article for article in ASSORTMENT}

SIZES = (2, 3, 3, 4, 4, 5)  # of baskets
TWO_ALIKE, CLAIMS_FIRST = 0.3, 0.4  # shares of shoppers
WORTH_MINOR = 100  # a small check costs 90 by the default policy: staff's time and a shopper's patience
PLATFORM_M = (0.27, 0.17)  # half of what things may cover of it
GAP_M = 0.012
TRIES = 80
BAG_SIZE_M = (0.20, 0.16)
CART_G, CART_SD_G = 21_350.0, 8.0
CART_SHIFT_M = 0.08


@dataclass(frozen=True, slots=True)
class Shopper:
    """One of them. `claimed` is quantity by GTIN; `extra` is what lies there besides goods; `cart_g` 0: no cart."""

    number: int
    kind: Kind
    did: str
    things: tuple[PlacedObject, ...]
    claimed: dict[str, int]
    concerned: frozenset[str] = frozenset()  # products that a good explanation names
    extra: PlacedObject | None = None
    cart_g: float = 0.0
    claims_first: bool = False

    @property
    def transaction_id(self) -> str:
        """The receipt's number."""
        return f"T-{self.number:06d}"

    @property
    def just(self) -> tuple[frozenset[str], ...]:
        """The decisions that are right for each verdict to come."""
        return JUST[self.kind]


def shoppers(count: int, seed: int) -> list[Shopper]:
    """Return the demo's shoppers."""
    chance = random.Random(seed)
    kinds = [*KINDS[:count], *chance.choices(list(MIX), list(MIX.values()), k=max(count - len(KINDS), 0))]
    return [_shopper(number, kind, chance) for number, kind in enumerate(kinds, 1)]


def _shopper(number: int, kind: Kind, chance: random.Random) -> Shopper:
    basket = chance.sample(ASSORTMENT, k=chance.choice(SIZES))
    basket += [article for article in basket[:1] if chance.random() < TWO_ALIKE]  # two of the same
    claims_first = chance.random() < CLAIMS_FIRST
    return _KINDS[kind](Shopper(number, kind, "", (), _count(basket), claims_first=claims_first), basket, chance)


def _worth(article: Article) -> bool:
    """Return whether a unit costs more than looking for it: the station rightly lets go what is worth less."""
    return article.price_minor > WORTH_MINOR


def _count(basket: list[Article]) -> dict[str, int]:
    return dict(Counter(article.gtin for article in basket))


def _honest(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    return replace(plain, did=f"scanned all {len(basket)} items", things=lay(basket, chance))


def _forgotten(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    left = chance.choice([article for article in ASSORTMENT if article not in basket and _worth(article)])
    did = f"forgot to scan {left.name}"
    return replace(plain, did=did, things=lay([*basket, left], chance), concerned=frozenset({left.gtin}))


def _swapped(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    pairs = LABELS if plain.number <= len(KINDS) else LABELS + TWINS
    claimed, actual = (BY_NAME[name] for name in chance.choice(pairs))
    rest = [article for article in basket if article not in {claimed, actual}]
    twins = (claimed.name, actual.name) in TWINS
    did = f"scanned {claimed.name}, took {actual.name}" + (", which weighs the same" if twins else "")
    return replace(
        plain, did=did, things=lay([actual, *rest], chance), claimed=_count([claimed, *rest]),
        concerned=frozenset({claimed.gtin, actual.gtin}),
    )  # fmt: skip


def _quantity(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    twice = next((article for article in basket if _worth(article)), BY_NAME["Coffee 500 g"])
    basket = basket if twice in basket else [*basket, twice]
    plain = replace(plain, claimed=_count(basket))
    things = lay([*basket, twice], chance)
    has = _count([*basket, twice])[twice.gtin]
    did = f"has {has} {twice.name}, scanned {has - 1}"
    return replace(plain, did=did, things=things, concerned=frozenset({twice.gtin}))


def _bag(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    bag = PlacedObject("", "bag", chance.uniform(600, 2500), size_m=BAG_SIZE_M)
    *things, bag = _arrange([*(_thing(article, chance) for article in basket), bag], chance)
    return replace(plain, did="left a bag on the platform, then took it off", things=tuple(things), extra=bag)


def _cart(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    things = tuple(replace(thing, x_m=thing.x_m * 0.7) for thing in lay(basket, chance))  # leaves room to roll
    cart_g = chance.gauss(CART_G, CART_SD_G)
    return replace(plain, did="rolled the cart while it was weighed", things=things, cart_g=cart_g, claims_first=True)


def _unplugged(plain: Shopper, basket: list[Article], chance: random.Random) -> Shopper:
    did = "a load cell's plug came off, and was put back"
    return replace(plain, did=did, things=lay(basket, chance), claims_first=True)


_KINDS = {
    "honest": _honest, "forgotten": _forgotten, "swapped": _swapped, "quantity": _quantity, "bag": _bag,
    "cart": _cart, "unplugged": _unplugged,
}  # fmt: skip


def lay(basket: list[Article], chance: random.Random) -> tuple[PlacedObject, ...]:
    """Return a unit of each article, lying side by side as far as the platform has room."""
    return _arrange([_thing(article, chance) for article in basket], chance)


def _thing(article: Article, chance: random.Random) -> PlacedObject:
    mass_g = max(chance.gauss(article.weight_g, article.sd_g), article.weight_g / 2)
    return PlacedObject(article.gtin, article.name, mass_g, size_m=article.size_m)


def _arrange(things: list[PlacedObject], chance: random.Random) -> tuple[PlacedObject, ...]:
    """Give every thing a place, the largest first; what finds none lies on top of others."""
    laid: dict[int, PlacedObject] = {}
    for place in sorted(range(len(things)), key=lambda at: -math.prod(things[at].size_m)):
        candidates = [_somewhere(things[place], chance) for _ in range(TRIES)]
        free = (one for one in candidates if all(_apart(one, other) for other in laid.values()))
        laid[place] = next(free, candidates[0])
    return tuple(laid[place] for place in range(len(things)))


def _somewhere(thing: PlacedObject, chance: random.Random) -> PlacedObject:
    angle_rad = chance.choice((0, 1, 2, 3)) * math.pi / 2 + chance.gauss(0, 0.25)
    turned = replace(thing, angle_rad=angle_rad)
    half_x, half_y = _reach(turned)
    room_x, room_y = max(PLATFORM_M[0] - half_x, 0.0), max(PLATFORM_M[1] - half_y, 0.0)
    return replace(turned, x_m=chance.uniform(-room_x, room_x), y_m=chance.uniform(-room_y, room_y))


def _apart(one: PlacedObject, other: PlacedObject) -> bool:
    """Return whether the boxes around two things do not touch."""
    (ax, ay), (bx, by) = _reach(one), _reach(other)
    return abs(one.x_m - other.x_m) > ax + bx + GAP_M or abs(one.y_m - other.y_m) > ay + by + GAP_M


def _reach(thing: PlacedObject) -> tuple[float, float]:
    """Return half the width and height of the upright box around a thing."""
    cos, sin = abs(math.cos(thing.angle_rad)), abs(math.sin(thing.angle_rad))
    width_m, height_m = thing.size_m
    return (width_m * cos + height_m * sin) / 2, (width_m * sin + height_m * cos) / 2


def name_of(gtin: str | None) -> str:
    """Return a product's name."""
    article = BY_GTIN.get(gtin or "")
    return article.name if article else (gtin or "another product")
