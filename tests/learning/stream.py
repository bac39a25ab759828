"""Virtual days of a store whose scale, carriers, products and shoppers can go wrong, for the diagnosis."""

from dataclasses import dataclass, field

import numpy as np

from station.core.diagnosis import Diagnosis
from station.core.learning import Learner
from station.core.learning_settings import LearningSettings
from station.core.lesson import Innovation, Lesson, number_of
from tests.learning.shop import Shop, gtin_of

CARRIERS = {"none": (0.0, 0.0), "basket": (600.0, 8.0), "cart": (21_350.0, 25.0), "bag": (40.0, 10.0)}
SHARES = [0.1, 0.45, 0.35, 0.1]
SCALE_SD_G = 3.0
A_DAY = 300


@dataclass
class Store:
    """A shop at work: what is wrong with it now, and what learner and diagnosis make of it."""

    weighed: int | None = 30
    seed: int = 1
    products: int = 150
    wrong: float = 0.03  # baskets with something unnoticed
    settings: LearningSettings = field(default_factory=LearningSettings)
    zero_g: float = 0.0
    gain: float = 0.0  # share
    carrier_g: dict[str, float] = field(default_factory=dict)
    slips: dict[str, float] = field(default_factory=dict)  # grams too much, by shopper
    carriers: tuple[float, ...] = tuple(SHARES)
    made: int = 0

    def __post_init__(self) -> None:
        self.shop = Shop(products=self.products, weighed=self.weighed, seed=self.seed)
        self.learner = Learner(self.shop.beliefs(), self.settings)
        self.diagnosis = Diagnosis()
        self.rng = np.random.default_rng([self.seed, 7])
        popular = 1 / np.arange(2, self.products + 2)
        self.popular = popular / popular.sum()
        self.raised: list[tuple[str, int]] = []
        self.cleared: list[tuple[str, int]] = []

    def lesson(self) -> Lesson:
        """Return the next basket, as it is claimed and as the scale sees it."""
        self.made += 1
        rng, shop = self.rng, self.shop
        size = min(1 + int(rng.geometric(0.12)), 40)
        places = rng.choice(self.products, size=size, replace=False, p=self.popular).tolist()
        units = [(place, 1 + int(rng.random() < 0.2)) for place in places]
        shopper = f"S-{rng.integers(400)}"
        goods_g = sum(rng.normal(shop.mean_g[p] * n, shop.sigma_g[p] * n**0.5) for p, n in units)
        kind = str(rng.choice(list(CARRIERS), p=self.carriers))
        tare_g, tare_sd_g = CARRIERS[kind]
        carrier_g = rng.normal(tare_g + self.carrier_g.get(kind, 0.0), tare_sd_g)
        more_g = self.slips.get(shopper, 0.0)
        if rng.random() < self.wrong:
            more_g += float(rng.choice(shop.mean_g))
        gross_g = (goods_g + carrier_g + more_g) * (1 + self.gain) + self.zero_g + rng.normal(0, SCALE_SD_G)
        return Lesson(
            transaction_id=f"T-{self.made}", goods=tuple((gtin_of(p), n) for p, n in units),
            weight_g=float(gross_g - tare_g), noise_g2=tare_sd_g**2 + SCALE_SD_G**2, p=0.97,
            shopper=number_of(shopper), day=20_000 + self.made / A_DAY, tare=kind, tare_sd_g=tare_sd_g,
            gross_g=float(gross_g),
        )  # fmt: skip

    def visit(self) -> Innovation | None:
        """Let one shopper pass: only what looks honest teaches, all of it is diagnosed."""
        lesson = self.lesson()
        seen = self.learner.foresee(lesson)
        assert seen is not None
        if abs(seen.z) < 3.5 and not self.diagnosis.holds(lesson.tare):
            self.learner.learn(lesson)
        before = set(self.diagnosis.state.conditions)
        self.diagnosis.observe(seen)
        for note in self.learner.notes:
            if note.why.startswith("changed"):
                stated_g = float(self.learner.state.stated_g[self.learner.beliefs.index[note.gtin]])
                self.diagnosis.changed(note, stated_g)
        self.learner.notes.clear()
        now = set(self.diagnosis.state.conditions)
        self.raised += [(cause, self.made) for cause in sorted(now - before)]
        self.cleared += [(cause, self.made) for cause in sorted(before - now)]
        return seen

    def visits(self, number: int) -> None:
        """Let so many shoppers pass."""
        for _ in range(number):
            self.visit()

    def until(self, cause: str, most: int) -> int | None:
        """Let shoppers pass until a condition begins; return how many it took."""
        for number in range(1, most + 1):
            self.visit()
            if cause in self.diagnosis.state.conditions:
                return number
        return None
