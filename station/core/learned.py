"""What has been learned of every product, as arrays over the catalogue, and what is told of it."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.lesson import ANONYMOUS, Lesson
from station.core.shifts import Shifts
from station.core.voices import Heard, let_out

Places = NDArray[np.int64]

SKETCH_BITS = 64
MOVED_SD = 0.5  # a mean that moved by so many of its standard deviations is worth a point in the history
NARROWED = 0.6  # and so is one whose standard deviation fell below this share


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a product's history: what was believed after lesson `number`, and why it is told."""

    gtin: str
    number: int
    day: float
    mean_g: float
    mean_sd_g: float
    unit_sd_g: float
    units: float
    shoppers: int
    why: str


@dataclass(frozen=True, eq=False)
class Learned:
    """Arrays of one length, a product each; changed in place."""

    mean_g: Floats
    held_g: Floats  # of the mean: what is held back from the beliefs, see `voices`
    anchor_g: Floats  # the catalogue's mean, or as staff saw it
    voices: Floats  # different ones that were heard, the most at once
    tau_g2: Floats  # uncertainty of the mean, without what quarantine adds
    wide_g2: Floats  # what quarantine adds
    sigma_g2: Floats
    freedom: Floats
    base_g: Floats  # the belief before the lessons that are kept
    base_g2: Floats
    evidence: Floats  # units seen, each as far as it was believed
    attended: Floats  # those of them that staff looked at
    sketch: NDArray[np.uint64]  # of the shoppers: a bit for each, by its hash
    since_day: Floats
    stated_g: Floats  # mean and variance of a unit, as the catalogue says
    stated_g2: Floats
    told_g: Floats  # mean of the last point of the history
    told_sd_g: Floats
    shifts: Shifts

    @classmethod
    def of(cls, beliefs: Beliefs) -> "Learned":
        """Begin with what the catalogue says."""
        size = len(beliefs)
        mean_g, tau_g2 = beliefs.mean_g.copy(), beliefs.mean_sd_g**2
        return cls(
            mean_g=mean_g, held_g=np.zeros(size), anchor_g=mean_g.copy(), voices=np.zeros(size),
            tau_g2=tau_g2, wide_g2=np.zeros(size), sigma_g2=beliefs.unit_sd_g**2,
            freedom=beliefs.freedom.copy(), base_g=mean_g.copy(), base_g2=tau_g2.copy(), evidence=np.zeros(size),
            attended=np.zeros(size), sketch=np.zeros(size, dtype=np.uint64), since_day=np.zeros(size),
            stated_g=mean_g.copy(), stated_g2=beliefs.unit_sd_g**2,
            told_g=mean_g.copy(), told_sd_g=np.sqrt(tau_g2), shifts=Shifts(size),
        )  # fmt: skip

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by name; those of the shifts have a row a direction."""
        names = [name for name in self.__dataclass_fields__ if name != "shifts"]
        mine = {name: getattr(self, name) for name in names}
        return mine | {name: getattr(self.shifts, name) for name in ("sums", "moved_g", "onset", "changing")}

    def touched(self) -> NDArray[np.bool_]:
        """Return which products differ from what the catalogue says, or are being watched."""
        return np.asarray((self.evidence > 0) | (self.shifts.sums > 0).any(axis=0) | self.shifts.changing)

    def believed(self, at: Places) -> tuple[Floats, Floats]:
        """Return means and their variances as far as they are let out; quarantine is in."""
        scatter_g2 = np.minimum(self.sigma_g2[at], self.stated_g2[at])
        least_g2 = 1 / (1 / self.base_g2[at] + self.voices[at] / scatter_g2)
        spread_g2 = np.maximum(self.tau_g2[at], least_g2) + self.held_g[at] ** 2
        return self.mean_g[at] - self.held_g[at], spread_g2 + self.wide_g2[at]

    def let_out(self, was_g: Floats, found: Heard, share: float, free: int) -> None:
        """Let what is believed, and was `was_g`, follow the means as far as the voices go, `free` of them freely."""
        self.voices[:] = np.maximum(self.voices, found.voices)
        most_g = share * np.sqrt(np.minimum(self.sigma_g2, self.stated_g2))
        far_g = np.where(self.voices >= free, np.inf, most_g * self.voices)
        self.held_g[:] = self.mean_g - let_out(was_g, self.mean_g, found, most_g, (self.anchor_g, far_g))

    def count(self, at: Places, units: Floats, lesson: Lesson) -> None:
        """Note who bore witness, and when first."""
        if lesson.day > 0:
            self.since_day[at] = np.where(self.evidence[at] > 0, self.since_day[at], lesson.day)
        self.evidence[at] += units
        if lesson.source == "attendant":
            self.attended[at] += units
        if lesson.shopper != ANONYMOUS:
            self.sketch[at] |= self.bit(lesson.shopper)

    @staticmethod
    def bit(shopper: int) -> np.uint64:
        """Return the mark that a shopper leaves in the sketch."""
        return np.uint64(1 << (shopper // 2 % SKETCH_BITS))

    def shoppers(self, place: int) -> int:
        """Estimate the number of different shoppers (linear counting; exact for few, 200 at most)."""
        bits = int(self.sketch[place]).bit_count()
        return round(-SKETCH_BITS * float(np.log(max(1 - bits / SKETCH_BITS, 0.044))))

    def note(self, place: int, gtin: str, number: int, day: float, why: str) -> Note:
        """Return a point of the history as things stand, and remember it as told."""
        mean_g, spread_g2 = self.believed(np.array([place]))
        spread_g = float(np.sqrt(spread_g2[0]))
        self.told_g[place], self.told_sd_g[place] = mean_g[0], spread_g
        return Note(
            gtin=gtin, number=number, day=day, mean_g=float(mean_g[0]), mean_sd_g=spread_g,
            unit_sd_g=float(np.sqrt(self.sigma_g2[place])), units=float(self.evidence[place]),
            shoppers=self.shoppers(place), why=why,
        )  # fmt: skip

    def points(self, at: Places, gtins: tuple[str, ...], number: int, day: float) -> list[Note]:
        """Return points for those of the products that have moved or narrowed clearly since they were last told of."""
        mean_g, spread_g2 = self.believed(at)
        spread_g = np.sqrt(spread_g2)
        moved = np.abs(mean_g - self.told_g[at]) > MOVED_SD * self.told_sd_g[at]
        narrowed = spread_g < NARROWED * self.told_sd_g[at]
        return [self.note(place, gtins[place], number, day, "learned") for place in at[moved | narrowed].tolist()]
