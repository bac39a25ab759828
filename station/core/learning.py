"""Learning what products weigh from baskets that were passed, and from what staff found.

Each lesson is an equation about its products' mean weights. It is taken in at once by a Gaussian update of every
product on its own, and every `refine_every` lessons all that are kept are solved together (`solving`), which puts right
what the quick updates lose. Lessons that have left are summed up in the prior, `base`.

A lesson counts by the probability that it is what it says, looked at anew with every solution (`honesty`). No shopper
moves the solution by more than bounds (`influence`), and what the checker believes follows the solution only as far as
different shoppers bear it out (`voices`): between solutions lessons move nothing that is believed, but for what staff
saw. Lessons that nobody's pseudonym stands behind teach only until a weight is well known and let out. A product whose
weight seems to have changed is in quarantine until others bear it out (`shifts`).

A solution is worked out a few steps a lesson, so that no lesson takes long.

Scatter is learned from the size of the differences: a lesson tells of a product's by its share of the variance.
Everything is a function of the lessons in their order: the same ones give the same beliefs, to the last bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from station.core import honesty
from station.core.beliefs import Beliefs
from station.core.density import Floats
from station.core.influence import Bounds
from station.core.learned import Learned, Note
from station.core.learning_settings import LearningSettings
from station.core.lesson import ANONYMOUS, Innovation, Lesson, Part, number_of, places_of
from station.core.lessons_kept import LEAST_WEIGHT, Kept
from station.core.shifts import SHIFT_SD, Fit, Turn, Witness
from station.core.thorough import FIRST_SHARE, Sources, drift, sum_up, sweep
from station.core.voices import ATTENDANT

Places = NDArray[np.int64]

ATTENDANT_TRUST = 0.999  # contents that staff looked at
KNOWN_WELL = 0.25  # uncertainty of a mean over the scatter: less, and let out, is not learned from nobody's lessons
CLOSE_BELOW = 0.25  # a term that would have to be damped more than so teaches nothing until the next solution
LESSONS_A_DAY = 500  # where nothing tells of time
SWEEPS = 3  # solutions where there is time, each with the lessons judged anew by the one before
AT_ONCE = 10_000  # terms that are solved within one lesson
STEPS_A_LESSON = 2  # of a solution of more
FIRST_SOLUTIONS = 10  # until one is due by the settings
WIDER = 1.5  # than the change that is looked for is the uncertainty in quarantine
SCATTER_STEP_MAX, FREEDOM_MAX = 3.0, 400.0
SCATTER_RANGE = 6.0  # the variance stays within this factor of what the catalogue or the label law says


@dataclass(frozen=True, eq=False)
class _Terms:
    """One lesson against the beliefs: arrays of one entry a product."""

    at: Places
    units: Floats
    noise_g2: float  # all but the uncertainty of the means
    narrow_g2: Floats  # that uncertainty, each product's part ...
    spread_g2: Floats  # ... and as widened by quarantine
    residual_g: float

    @property
    def variance_g2(self) -> float:
        """Variance of the difference, all in."""
        return self.noise_g2 + float(self.spread_g2.sum())


class Learner:
    """Owns beliefs that follow the lessons. Not thread-safe."""

    def __init__(self, catalogue: Beliefs, settings: LearningSettings) -> None:
        self.settings = settings
        self.kept = Kept()
        self.state = Learned.of(catalogue)
        self.beliefs = catalogue.own()
        self.number = 0  # of lessons taken so far
        self.day = 0.0  # of the latest of them
        self.solved_day = 0.0  # of the latest thorough solution
        self.notes: list[Note] = []  # what changed, for whoever takes them away
        self.solved = 0  # number of the lesson at which the latest thorough solution ended
        self._bounds = Bounds(settings.shopper_share, FIRST_SHARE)
        self._under_way: Iterator[None] | None = None

    def learn(self, lesson: Lesson) -> Innovation | None:
        """Take a lesson in; return how it differed from the belief, None if the catalogue does not have its goods."""
        found = places_of(lesson.goods, self.beliefs)
        if not found:
            return None
        self.number += 1
        self.day = max(self.day, lesson.day) if lesson.day > 0 else self.day + 1 / LESSONS_A_DAY
        if lesson.source == "attendant":
            self._interrupted()
            self.kept.forget(number_of(lesson.transaction_id))
            self._reopen(self._terms(found, lesson))
        terms = self._terms(found, lesson)
        parts = self._parts(terms, lesson)
        weight = self._take(terms, lesson)
        if self._due():
            self._under_way = self._solution(1)
        self._go_on(STEPS_A_LESSON if self.kept.terms > AT_ONCE else None)
        return _innovation(terms, lesson, parts, weight)

    def foresee(self, lesson: Lesson) -> Innovation | None:
        """Return how a lesson differs from the belief without learning from it; None as in `learn`."""
        found = places_of(lesson.goods, self.beliefs)
        if not found:
            return None
        terms = self._terms(found, lesson)
        return _innovation(terms, lesson, self._parts(terms, lesson), 0.0)

    def _parts(self, terms: _Terms, lesson: Lesson) -> tuple[Part, ...]:
        state, at = self.state, terms.at
        means = state.mean_g[at].tolist(), np.sqrt(state.tau_g2[at]).tolist(), state.stated_g[at].tolist()
        return tuple(Part(*good, *believed) for good, *believed in zip(lesson.goods, *means, strict=True))

    def _terms(self, found: list[tuple[int, int]], lesson: Lesson) -> _Terms:
        at = np.array([place for place, _ in found], dtype=np.int64)
        units = np.array([count for _, count in found], dtype=np.float64)
        state = self.state
        narrow = units**2 * state.tau_g2[at]
        return _Terms(
            at, units, lesson.noise_g2 + float((units * state.sigma_g2[at]).sum()), narrow,
            narrow + units**2 * state.wide_g2[at], lesson.weight_g - float((units * state.mean_g[at]).sum()),
        )  # fmt: skip

    def _take(self, terms: _Terms, lesson: Lesson) -> float:
        """Update by the lesson and keep it; return how far it was believed."""
        at, state = terms.at, self.state
        residual, variance = np.array([terms.residual_g]), np.array([terms.variance_g2])
        open_share = np.array([float(terms.spread_g2.sum()) / terms.variance_g2])
        ratio = honesty.ratio(residual, variance, self.beliefs)
        attendant = lesson.source == "attendant"
        trust = ATTENDANT_TRUST if attendant else honesty.trust_behind(lesson.p, float(ratio[0]))
        honest = float(honesty.believed(np.array([trust]), ratio)[0])
        weight = honest * float(honesty.damped(residual, variance, open_share)[0])
        may = teaches = fresh = self._may_teach(terms, lesson)
        if not attendant:
            weight_now, teaches, fresh = self._bounded(terms, may, weight, lesson.shopper)
        else:
            weight_now = weight
        gain, step_g = _gain(terms, teaches, weight_now)
        before_g, before_g2 = state.mean_g[at].copy(), state.tau_g2[at].copy()
        state.mean_g[at] += step_g
        if attendant:
            state.anchor_g[at] += step_g
            state.voices[at] += self.settings.first_voices
        else:
            state.held_g[at] += step_g
        state.tau_g2[at] *= np.maximum(1 - gain * terms.units, 1e-6)
        self._scatter(terms, fresh, weight_now)
        state.count(at, terms.units * weight, lesson)
        taught = {"place": at, "units": terms.units, "step_g": step_g, "told": 1 / state.tau_g2[at] - 1 / before_g2}
        taught = {name: array[may] for name, array in taught.items()}
        self._keep(terms, lesson, taught, may, before_g, {"weight": weight, "trust": trust})
        self._watch(terms, lesson, honest, step_g)
        self._teach(at)
        return weight

    def _may_teach(self, terms: _Terms, lesson: Lesson) -> NDArray[np.bool_]:
        state, at = self.state, terms.at
        if lesson.source == "attendant":
            return np.ones(at.size, dtype=np.bool_)
        well = state.tau_g2[at] + state.held_g[at] ** 2 < KNOWN_WELL**2 * state.sigma_g2[at]
        well &= state.voices[at] >= self.settings.first_voices  # else nobody would never be heard often enough
        return np.asarray(~state.shifts.changing[at] & ~(well & (lesson.shopper == ANONYMOUS)), dtype=np.bool_)

    def _bounded(
        self, terms: _Terms, teaches: NDArray[np.bool_], weight: float, shopper: int
    ) -> tuple[float, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return how much the lesson counts now, what it teaches, and of that what its shopper never did.

        Only the latter teaches scatter: who may widen it may hide behind it. The next solution takes the lesson whole.
        """
        if shopper == ANONYMOUS or not teaches.any():
            return weight, teaches, np.zeros_like(teaches)
        state, at = self.state, terms.at
        moved_g, told = self.kept.taught_by(shopper, at)
        without_g2 = 1 / np.maximum(1 / state.tau_g2[at] - told, 1 / state.base_g2[at])  # as others left it
        most_g = self._bounds.most_g(state.sigma_g2[at], without_g2)
        for _ in range(2):  # what is closed leaves more to the others
            _, step_g = _gain(terms, teaches, weight)
            room_g = np.maximum(most_g - moved_g * np.sign(step_g), 0.0)
            share = np.where(step_g == 0, 1.0, np.minimum(room_g / np.maximum(np.abs(step_g), 1e-12), 1.0))
            teaches = teaches & (share >= CLOSE_BELOW)
        share = share[teaches]
        factor = _weaker(terms, teaches, weight, float(share.min())) if share.size else 1.0
        return weight * factor, teaches, teaches & (told <= 0)

    def _scatter(self, terms: _Terms, fresh: NDArray[np.bool_], weight: float) -> None:
        """Move the scatter of some of the products toward what the size of the difference says of it."""
        state, at = self.state, terms.at
        variance = terms.noise_g2 + float(terms.narrow_g2.sum())
        excess = min(terms.residual_g**2 / variance, SCATTER_STEP_MAX**2) - 1
        share = terms.units * state.sigma_g2[at] / variance
        share = np.where(fresh, share, 0.0)
        scatter = state.sigma_g2[at] * (1 + np.clip(weight * share / state.freedom[at] * excess, -0.3, 0.5))
        state.sigma_g2[at] = np.clip(scatter, state.stated_g2[at] / SCATTER_RANGE, state.stated_g2[at] * SCATTER_RANGE)
        state.freedom[at] = np.minimum(state.freedom[at] + weight * share**2, FREEDOM_MAX)

    def _keep(
        self, terms: _Terms, lesson: Lesson, taught: dict[str, NDArray[Any]], teaches: NDArray[np.bool_],
        before_g: Floats, belief: dict[str, float],
    ) -> None:  # fmt: skip
        if not teaches.any():
            return
        shut, units = ~teaches, terms.units
        goods_g = lesson.weight_g - float((units * before_g)[shut].sum())
        noise_g2 = lesson.noise_g2 + float((terms.spread_g2 + units * self.state.sigma_g2[terms.at])[shut].sum())
        row = {
            "goods_g": goods_g, "noise_g2": noise_g2, "day": self.day,
            "shopper": ATTENDANT if lesson.source == "attendant" else lesson.shopper,
            "transaction": number_of(lesson.transaction_id), "number": self.number, **belief,
        }  # fmt: skip
        self.kept.append(row, taught)

    # change

    def _watch(self, terms: _Terms, lesson: Lesson, honest: float, step_g: Floats) -> None:
        """Look for products that are not what they were."""
        state, shifts = self.state, self.state.shifts
        sd_g = np.sqrt(terms.variance_g2 - terms.spread_g2 + terms.narrow_g2)  # the others' doubts are no evidence
        fit = Fit(terms.at, terms.units, np.sqrt(state.sigma_g2[terms.at]), terms.residual_g, sd_g)
        for turn in shifts.take(fit, self.number, honest, step_g):
            self._turn(turn)
        for index in np.flatnonzero(shifts.changing[terms.at]).tolist():
            self._hear(terms, lesson, index)

    def _turn(self, turn: Turn) -> None:
        state, place = self.state, turn.place
        if not turn.began:
            state.wide_g2[place] = 0.0
            state.shifts.clear(place)
            self._note(place, "confirmed")
            return
        onset, moved_g = state.shifts.origin(place)
        self._interrupted()
        state.mean_g[place] -= moved_g
        state.held_g[place] -= moved_g
        sigma_g2 = float(state.sigma_g2[place])
        state.wide_g2[place] = max((WIDER * SHIFT_SD) ** 2 * sigma_g2, (2 * moved_g) ** 2)
        spread_g2 = float(state.tau_g2[place] + state.wide_g2[place])
        self.kept.pin(place, float(state.mean_g[place]), spread_g2, since=onset)
        state.shifts.witnesses[place] = Witness()
        self._note(place, "quarantined")

    def _hear(self, terms: _Terms, lesson: Lesson, index: int) -> None:
        """Let a lesson bear witness about one product in quarantine."""
        state, place = self.state, int(terms.at[index])
        witness = state.shifts.witnesses.setdefault(place, Witness())
        units = float(terms.units[index])
        own_g2 = float(terms.spread_g2[index])
        weight_g = float(state.mean_g[place]) + terms.residual_g / units
        witness.hear(lesson.shopper, weight_g, (terms.variance_g2 - own_g2) / units**2)
        if witness.convinces(float(state.mean_g[place]), self.settings.distinct_shoppers):
            self._renew(place, witness.mean_g, 1 / witness.precision, "changed, borne out by different shoppers")

    def _reopen(self, terms: _Terms) -> None:
        """An attendant saw these goods: what is in quarantine is learned anew, from as wide as the difference."""
        state = self.state
        for place, units in zip(terms.at.tolist(), terms.units.tolist(), strict=True):
            if state.shifts.changing[place]:
                wide_g2 = float(state.tau_g2[place] + state.wide_g2[place]) + (terms.residual_g / units) ** 2
                believed_g = float(state.mean_g[place] - state.held_g[place])
                self._renew(place, believed_g, wide_g2, "changed, by an attendant's word")

    def _renew(self, place: int, mean_g: float, variance_g2: float, why: str) -> None:
        """Begin a product anew: what was learned before is of another one."""
        state = self.state
        self._interrupted()
        self.kept.pin(place, float(state.mean_g[place]), float(state.tau_g2[place]))
        state.mean_g[place] = state.base_g[place] = state.anchor_g[place] = mean_g
        state.held_g[place] = 0.0
        state.voices[place] = self.settings.first_voices
        state.tau_g2[place] = state.base_g2[place] = variance_g2
        state.wide_g2[place] = 0.0
        state.shifts.clear(place)
        self._teach(np.array([place]))
        self._note(place, why)

    # the thorough solution

    def refine(self, sweeps: int = SWEEPS) -> None:
        """Solve all that is kept together, and look anew at how far each lesson is to be believed; `sweeps` times."""
        self._under_way = self._solution(sweeps)
        self._go_on(None)

    def _go_on(self, steps: int | None) -> None:
        """Take so many steps of the solution that is under way, all of them for None."""
        if self._under_way is None:
            return
        for number, _ in enumerate(self._under_way):
            if steps is not None and number + 1 >= steps:
                return
        self._under_way = None

    def _solution(self, sweeps: int) -> Iterator[None]:
        of = Sources(self.state, self.kept, self.beliefs, self.settings)
        excess = self.kept.lessons - self.settings.kept_lessons
        if excess > 0:
            sum_up(of, self.day, excess)
        drift(of, max(self.day - self.solved_day, 0.0) if self.solved_day > 0 else 0.0)
        self.solved_day = self.day
        yield
        for _ in range(sweeps):
            yield from sweep(of, self.day)
            yield
        touched = self.catch_up()
        yield
        self.solved = self.number
        self.notes.extend(self.state.points(touched, self.beliefs.gtins, self.number, self.day))

    def _due(self) -> bool:
        """Return whether a solution is to begin: now and then, and more often while there is little to solve."""
        every = self.settings.refine_every
        return self.number % (every if self.number > every else max(every // FIRST_SOLUTIONS, 20)) == 0

    def _interrupted(self) -> None:
        """What the solution under way began with is no more: let it begin again."""
        if self._under_way is not None:
            self._under_way = self._solution(1)

    def catch_up(self) -> Places:
        """Let the beliefs follow the state as a whole; return the products concerned."""
        touched = np.flatnonzero(self.state.touched())
        self._teach(touched)
        self.beliefs = self.beliefs.own()
        return touched

    # what follows

    def _teach(self, at: Places) -> None:
        state = self.state
        mean_g, mean_g2 = state.believed(at)
        self.beliefs.teach(at, mean_g, mean_g2, state.sigma_g2[at], state.freedom[at])

    def _note(self, place: int, why: str) -> None:
        self.notes.append(self.state.note(place, self.beliefs.gtins[place], self.number, self.day, why))


def _innovation(terms: _Terms, lesson: Lesson, parts: tuple[Part, ...], weight: float) -> Innovation:
    variance = terms.variance_g2
    shares = zip(lesson.goods, (terms.spread_g2 / variance).tolist(), strict=True)
    return Innovation(
        transaction_id=lesson.transaction_id, residual_g=terms.residual_g, sd_g=variance**0.5,
        shares=tuple((gtin, share) for (gtin, _), share in shares), weight=weight, source=lesson.source,
        shopper=lesson.shopper, tare=lesson.tare, day=lesson.day, tare_sd_g=lesson.tare_sd_g,
        gross_g=lesson.gross_g or lesson.weight_g, parts=parts, noise_g2=terms.noise_g2,
    )  # fmt: skip


def _gain(terms: _Terms, teaches: NDArray[np.bool_], weight: float) -> tuple[Floats, Floats]:
    """Return the gain of each product, and how far its mean moves."""
    if weight <= LEAST_WEIGHT:
        return np.zeros(terms.at.size), np.zeros(terms.at.size)
    moving = np.where(teaches, terms.narrow_g2, 0.0)
    noise = terms.noise_g2 + float(terms.spread_g2[~teaches].sum())
    gain = moving / terms.units / (noise / weight + float(moving.sum()))
    return gain, gain * terms.residual_g


def _weaker(terms: _Terms, teaches: NDArray[np.bool_], weight: float, share: float) -> float:
    """Return the factor on the weight that makes every step `share` of what it would be."""
    if share >= 1 or weight <= LEAST_WEIGHT:
        return 1.0
    noise = (terms.noise_g2 + float(terms.spread_g2[~teaches].sum())) / weight
    whole = noise + float(terms.narrow_g2[teaches].sum())
    return noise / (whole / share - (whole - noise))
