"""Which part is wrong, told from many transactions: the scale, a kind of carrier, a product's stated weight.

Each settled transaction gives one innovation, its difference from the belief at that time. Every few of them the latest
16, 32, … 1024 are explained by a joint model (`diagnosis_fit`); a cause that must be among the explanations, by more
than is usual and than matters, becomes a condition. Its onset is where the evidence for it begins; what lies before is
forgotten. A condition ends by a sequential test of its own: the sum of log likelihood ratios of "it is over" against
"it is as it was", never below nothing, reaches `OVER`; or, for a product, when a new catalogue says what it weighs.

Nothing about one shopper becomes a condition: how many seem to slip is counted, no more. The same innovations in the
same order give the same conditions; memory is bounded by `ROWS`.
"""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from station.core.density import Floats, log_t
from station.core.diagnosis_fit import FREEDOM, Extra, Fit, fit
from station.core.diagnosis_table import CARRIERS, COMMON, Since, Table, table
from station.core.learned import Note
from station.core.lesson import Innovation

ROWS, LEAST_ROWS, EVERY, EVERY_LONG = 1024, 16, 4, 16
NAMED = 3.0  # log odds, on top of the rarity that the priors have
VOICES = 5.0  # different shoppers that make a product stale
SURE, PLAIN = 5, 20.0  # explanations in a row that name a cause before it is believed; log odds at which one will do
OVER = 14.0  # log likelihood ratio
ENDING = 3.0  # from there on an estimate does not follow any more
ZERO_MIN_G, GAIN_MIN, CARRIER_MIN_G, PRODUCT_MIN_G = 4.0, 0.7, 5.0, 4.0  # gain: grams a kilogram. Less is no matter
CARRIER_SHARE, PRODUCT_SHARE = 0.5, 0.02  # of the sd that is stated, of a unit's weight
CONDITIONS_MOST = 50
CLEAR_SD = 3.0
WAIT, FORGET = 64, 1000  # transactions: until a suspect is examined, and is forgotten
RECOVERY = 200  # transactions after a common fault, in which weights that took it in are put right
BORNE_OUT = 8.0  # log likelihood ratio, beside the learner's own test


class Condition(msgspec.Struct, kw_only=True):
    """Something that is wrong now. `cause`: of `COMMON`, or a GTIN-14."""

    cause: str
    offset_g: float  # of the zero, of a carrier, of a unit; a kilogram's for the gain
    sd_g: float
    baskets: int
    shoppers: int
    row: int  # its onset: the number of a transaction
    day: float
    stated_g: float | None = None  # a product's weight by the catalogue
    ending: float = 0.0
    ending_row: int = 0


class State(msgspec.Struct, kw_only=True):
    """All but the innovations."""

    number: int = 0
    first: int = 1  # the oldest transaction that counts
    conditions: dict[str, Condition] = {}
    suspects: dict[str, Condition] = {}  # products that the learner knows by another weight since
    quiet: dict[str, int] = {}  # a product that is well again: since when
    mean: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(COMMON))
    free: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(COMMON))
    free_sd: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(COMMON))
    pending: dict[str, int] = {}  # causes that were named, how often in a row
    trusted: int = 0  # from this transaction on the learner's word on products counts
    slips: int = 0  # shoppers whose baskets differ by more than chance


class Diagnosis:
    """The running diagnosis. `gone` collects the numbers of innovations that are not needed any more."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self.gone: list[int] = []
        self._rows: deque[tuple[int, Innovation]] = deque()
        self._known: set[str] = set()  # transactions among them

    def restore(self, number: int, seen: Innovation) -> None:
        """Put back an innovation that was observed before the restart, in order."""
        if number <= self.state.number:
            self._rows.append((number, seen))
            self._known.add(seen.transaction_id)

    def observe(self, seen: Innovation) -> int | None:
        """Take an innovation in; return its number, None if it is of no use."""
        if not np.isfinite(seen.residual_g) or seen.noise_g2 <= 0:
            return None
        self._replace(seen.transaction_id)
        self.state.number += 1
        self._rows.append((self.state.number, seen))
        self._forget(max(self.state.first, self.state.number - ROWS + 1))
        if self.state.conditions:
            self._look_for_ends()
        if self.state.number % EVERY == 0 and len(self._rows) >= LEAST_ROWS:
            self._explain()
        return self.state.number

    def changed(self, note: Note, stated_g: float) -> None:
        """The learner has taken over another weight, borne out by different shoppers or by an attendant."""
        offset_g = note.mean_g - stated_g
        known = self.state.conditions.get(note.gtin)
        if abs(offset_g) < max(PRODUCT_MIN_G, PRODUCT_SHARE * stated_g):
            if known is not None:
                self._end(known)
            return
        if known is None and note.gtin not in self.state.suspects and self.state.number >= self.state.trusted:
            self.state.suspects[note.gtin] = Condition(
                cause=note.gtin, offset_g=offset_g, sd_g=note.mean_sd_g, baskets=0, shoppers=note.shoppers,
                row=self.state.number + 1, day=note.day, stated_g=stated_g,
            )  # fmt: skip

    def _replace(self, transaction_id: str) -> None:
        """Let go what was known of a transaction that is settled now."""
        if transaction_id in self._known:
            for old in [pair for pair in self._rows if pair[1].transaction_id == transaction_id]:
                self._rows.remove(old)
                self.gone.append(old[0])
        self._known.add(transaction_id)

    def catalogued(self, stated_g: Callable[[str], float | None]) -> None:
        """A catalogue was opened: a weight that it has put right is stale no more."""
        for condition in list(self.state.conditions.values()):
            if condition.stated_g is None:
                continue
            now_g = stated_g(condition.cause)
            if now_g is None or abs(now_g - condition.stated_g - condition.offset_g) < abs(condition.offset_g) / 2:
                self._end(condition)

    # what follows from it

    def holds(self, carrier: str) -> bool:
        """Return whether a basket in this carrier should not teach: scale or carrier are not what they were."""
        return any(cause in self.state.conditions for cause in ("zero", "gain", carrier))

    def doubt_g(self, gross_g: float) -> float:
        """Return by how much the uncertainty of a weight is widened: by the error that is suspected, all of it."""
        found = {cause: self.state.conditions.get(cause) for cause in ("zero", "gain")}
        by = {"zero": 1.0, "gain": gross_g / 1000}
        return math.sqrt(sum(by[cause] ** 2 * (c.offset_g**2 + c.sd_g**2) for cause, c in found.items() if c))

    def estimates(self) -> dict[str, tuple[float, float]]:
        """Return the present estimate and sd of each common error (grams; the gain's a kilogram), all of them in."""
        state = self.state
        return {
            cause: (state.free[at], state.free_sd[at])
            for at, cause in enumerate(COMMON) if at > 0 and state.free_sd[at] > 0
        }  # fmt: skip

    # the joint explanation

    def _explain(self) -> None:
        whole = self._table()
        most = 512 if self.state.number % EVERY_LONG == 0 else 128
        sizes = [size for size in (16, 32, 64, 128, 256, 512) if size < whole.rows and size <= most] + [whole.rows]
        watched = frozenset(int(cause) for cause in self.state.conditions if cause not in COMMON)
        fits = [(size, fit(whole.last(size), watched)) for size in sizes]
        last = fits[-1][1]
        state = self.state
        state.free, state.free_sd, state.mean = last.free.tolist(), last.free_sd.tolist(), last.mean.tolist()
        state.slips = sum(extra.kind == "shopper" and extra.log_odds > NAMED for extra in last.extras)
        self._common_causes(whole, fits)
        self._products(whole, fits)
        for suspect in list(self.state.suspects.values()):
            self._examine(suspect)

    def _table(self) -> Table:
        return table([seen for _, seen in self._rows], self._since())

    def _since(self) -> Mapping[int, Since]:
        numbers = [number for number, _ in self._rows]
        since = {int(gtin): Since(bisect_left(numbers, row), None) for gtin, row in self.state.quiet.items()}
        known = {c.cause: c for c in self.state.conditions.values() if c.stated_g is not None}
        return since | {int(gtin): Since(bisect_left(numbers, c.row), c.stated_g) for gtin, c in known.items()}

    def _common_causes(self, whole: Table, fits: list[tuple[int, Fit]]) -> None:
        """Name what the best of all stretches needs, and follow what is named."""
        least = self._least()
        scores = [
            float(np.where((found.log_odds > NAMED) & (np.abs(found.mean) > least), found.log_odds, 0.0).sum())
            for _, found in fits
        ]
        best = int(np.argmax(scores))
        size, found = fits[best]
        named = {cause for at, cause in enumerate(COMMON) if at > 0 and found.log_odds[at] > NAMED and scores[best] > 0}
        self.state.pending = {cause: self.state.pending.get(cause, 0) + 1 for cause in sorted(named)}
        table_of = whole.last(size)
        for at, cause in enumerate(COMMON):
            if cause in self.state.conditions:
                self._follow(self.state.conditions[cause], at, fits[-1][1])
            elif self._sure(cause, float(found.log_odds[at])) and abs(found.mean[at]) > least[at]:
                self._begin(cause, at, found, table_of)

    def _sure(self, cause: str, log_odds: float) -> bool:
        """Return whether a cause was named often enough in a row, or beyond doubt."""
        times = self.state.pending.get(cause, 0)
        return times >= SURE or (times > 0 and log_odds > PLAIN)

    @staticmethod
    def _follow(known: Condition, at: int, found: Fit) -> None:
        """Take the present estimate, unless it is ending: all since the onset is in it."""
        if known.ending < ENDING and found.log_odds[at] > NAMED:
            known.offset_g, known.sd_g = float(found.mean[at]), float(found.sd[at])

    def _begin(self, cause: str, at: int, found: Fit, stretch: Table) -> None:
        """A common cause is believed. What lies before its onset is forgotten; it explains what products seemed."""
        if len(self.state.conditions) >= CONDITIONS_MOST:
            return
        rest = self._rest(stretch, found)
        onset = _onset(rest, stretch.common[:, at] * found.mean[at], stretch.variance_g2)
        touched = stretch.common[onset:, at] != 0
        row = len(self._rows) - stretch.rows + onset
        number, seen = self._rows[row]
        for other in list(self.state.conditions.values()):
            if other.stated_g is not None and other.row >= number:
                self._end(other)
        self.state.suspects.clear()
        self.state.trusted = number + RECOVERY
        self.state.conditions[cause] = Condition(
            cause=cause, offset_g=float(found.mean[at]), sd_g=float(found.sd[at]), baskets=int(touched.sum()),
            shoppers=np.unique(stretch.shopper[onset:][touched]).size, row=number, day=seen.day,
        )  # fmt: skip
        self._forget(number)

    @staticmethod
    def _rest(stretch: Table, found: Fit) -> Floats:
        rest = stretch.residual_g - stretch.common @ found.mean
        for extra in found.extras:
            if extra.kind == "product":
                mine = stretch.product == extra.key
                np.subtract.at(rest, stretch.term_row[mine], stretch.units[mine] * extra.offset_g)
        return rest

    def _least(self) -> Floats:
        """Return what each common cause must exceed to matter."""
        stated = {kind: [seen.tare_sd_g for _, seen in self._rows if seen.tare == kind] for kind in CARRIERS}
        usual = [float(np.median(stated[kind])) if stated[kind] else 0.0 for kind in CARRIERS]
        carriers = [max(CARRIER_MIN_G, CARRIER_SHARE * sd_g) for sd_g in usual]
        return np.array([np.inf, ZERO_MIN_G, GAIN_MIN, *carriers])

    # products

    def _products(self, whole: Table, fits: list[tuple[int, Fit]]) -> None:
        best: dict[int, Extra] = {}
        for _, found in fits:
            for extra in found.extras:
                if extra.kind == "product" and (extra.key not in best or extra.log_odds > best[extra.key].log_odds):
                    best[extra.key] = extra
        for key, extra in best.items():
            cause = f"{key:014d}"
            known = self.state.conditions.get(cause)
            if known is not None:
                if known.ending < ENDING and extra.log_odds > NAMED:
                    known.offset_g, known.sd_g = extra.offset_g, extra.sd_g
                    known.baskets, known.shoppers = extra.baskets, extra.shoppers
            elif extra.log_odds > NAMED and extra.voices >= VOICES and len(self.state.conditions) < CONDITIONS_MOST:
                self._stale(cause, extra, whole)

    def _stale(self, cause: str, extra: Extra, whole: Table) -> None:
        mine = (whole.product == extra.key) & (whole.units > 0)
        rows, units = whole.term_row[mine], whole.units[mine]
        part = next(part for part in self._rows[int(rows[-1])][1].parts if int(part.gtin) == extra.key)
        offset_g = extra.offset_g + part.mean_g - part.stated_g
        if abs(offset_g) < max(PRODUCT_MIN_G, PRODUCT_SHARE * part.stated_g, CLEAR_SD * extra.sd_g):
            return  # it comes back to what the catalogue says
        rest = whole.residual_g[rows] - whole.common[rows] @ np.array(self.state.mean) - units * extra.offset_g
        onset = int(rows[_onset(rest, units * extra.offset_g, whole.variance_g2[rows])])
        number, seen = self._rows[onset]
        self.state.conditions[cause] = Condition(
            cause=cause, offset_g=offset_g, sd_g=extra.sd_g,
            baskets=extra.baskets, shoppers=extra.shoppers, row=number, day=seen.day, stated_g=part.stated_g,
        )  # fmt: skip

    def _examine(self, suspect: Condition) -> None:
        """A weight that the learner took over is stale in the catalogue if no common cause explains it meanwhile."""
        age = self.state.number - suspect.row
        if age < WAIT or self.state.pending:
            return
        key = int(suspect.cause)
        rows = table([seen for _, seen in self._rows], {key: Since(0, suspect.stated_g)})
        mine = (rows.product == key) & (rows.units > 0)
        at, shown = rows.term_row[mine], rows.units[mine] * suspect.offset_g
        rest = rows.residual_g[at] - rows.common[at] @ np.array(self.state.mean) - shown
        gain = _gains(rest, shown, rows.variance_g2[at])
        onset = int(np.argmax(gain)) if gain.size else 0
        if gain.size and gain[onset] > BORNE_OUT and len(self.state.conditions) < CONDITIONS_MOST:
            number, seen = self._rows[int(at[onset])]
            self.state.conditions[suspect.cause] = msgspec.structs.replace(
                suspect, row=number, day=seen.day, baskets=int(gain.size - onset)
            )
        if suspect.cause in self.state.conditions or age > FORGET:
            del self.state.suspects[suspect.cause]

    # how conditions end

    def _look_for_ends(self) -> None:
        """Weigh the latest transaction: whether each condition it concerns is over."""
        number, seen = self._rows[-1]
        since = {key: Since(0, begun.stated_g) for key, begun in self._since().items()}
        row = table([seen], since)
        shown = {cause: self._shown(row, condition) for cause, condition in self.state.conditions.items()}
        usual = row.common[0] * np.array(self.state.mean)
        for at, cause in enumerate(COMMON):
            usual[at] = 0.0 if cause in shown else usual[at]
        rest_g = float(row.residual_g[0] - usual.sum() - sum(shown.values()))
        variance = float(row.variance_g2[0])
        for condition in list(self.state.conditions.values()):
            gain = _gain(rest_g + shown[condition.cause], rest_g, variance) if shown[condition.cause] else 0.0
            if condition.ending <= 0 < gain:
                condition.ending_row = number
            condition.ending = max(condition.ending + gain, 0.0)
            if condition.ending >= OVER:
                self._end(condition)

    @staticmethod
    def _shown(row: Table, condition: Condition) -> float:
        """Return what a condition adds to the row's difference."""
        if condition.cause in COMMON:
            return float(row.common[0, COMMON.index(condition.cause)]) * condition.offset_g
        mine = row.product == int(condition.cause)
        return float(row.units[mine].sum()) * condition.offset_g

    def _end(self, condition: Condition) -> None:
        del self.state.conditions[condition.cause]
        if condition.cause in COMMON:
            at = COMMON.index(condition.cause)
            self.state.mean[at] = 0.0
            self.state.trusted = self.state.number + RECOVERY
            self._forget(condition.ending_row or self.state.number)
        else:
            self.state.quiet[condition.cause] = condition.ending_row or self.state.number + 1

    def _forget(self, first: int) -> None:
        """Let transactions before `first` go."""
        self.state.first = max(self.state.first, first)
        while self._rows and self._rows[0][0] < first:
            number, seen = self._rows.popleft()
            self.gone.append(number)
            self._known.discard(seen.transaction_id)
        self.state.quiet = {gtin: row for gtin, row in self.state.quiet.items() if row >= self.state.first}


def _gain(rest_g: float, other_g: float, variance_g2: float) -> float:
    """Return the log likelihood ratio of one rest against another."""
    pair = log_t(np.array([rest_g, other_g]), np.array([variance_g2]), np.array([FREEDOM]))
    return float(pair[0] - pair[1])


def _onset(rest: Floats, shown: Floats, variance_g2: Floats) -> int:
    """Return the row from which on the evidence for what is `shown` is greatest."""
    return int(np.argmax(_gains(rest, shown, variance_g2)))


def _gains(rest: Floats, shown: Floats, variance_g2: Floats) -> Floats:
    """Return for each row what all from there on say for what is `shown` (log likelihood ratio)."""
    freedom = np.array([FREEDOM])
    gain = log_t(rest, variance_g2, freedom) - log_t(rest + shown, variance_g2, freedom)
    return np.asarray(np.cumsum(gain[::-1])[::-1], dtype=np.float64)
