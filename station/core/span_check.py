"""A span check: the station weighs its check weight, whose mass it knows, and so sees its own gain drift.

Two ways lead to one. Somebody orders it and puts the weight on the empty platform within a while: the first settled
load within `NEAR` of the weight is taken, the visit that it began is released. Or it is due: then a settled load that
nobody claims, that near to the weight, is taken once it has gone again without a claim; a basket that happens to weigh
the same is claimed.

The deviation is judged against half the class III limit, two standard uncertainties of the reading, and the changes of
span that a calibration may show (`PASS`, `FAIL` of the load), whichever is more. A fresh look is not better than the
reading: a wide calibration finds little.
"""

from typing import Literal, NamedTuple

from calibration.limits import class_iii_mpe_g
from station.core.effects import SpanChecked
from station.core.evidence import Reading

NEAR = 0.02  # of the weight: what is further away is something else
PASS, FAIL = 0.0005, 0.005  # change of span, relative
IN_SERVICE = 2.0  # maximum permissible errors in service, of those of a first verification

Outcome = Literal["pass", "warn", "fail"]


class Order(NamedTuple):
    """A check that is waited for; `until_ns` None: it is due, whenever somebody has time."""

    number: int
    weight_g: float
    until_ns: int | None


class SpanCheck:
    """One check at a time; an ordered one comes before one that is due."""

    def __init__(self) -> None:
        self._order: Order | None = None
        self._due: Order | None = None
        self._candidate: Reading | None = None

    @property
    def due_ns(self) -> int | None:
        """Return when `expire` is needed at the latest."""
        return None if self._order is None else self._order.until_ns

    @property
    def ordered(self) -> bool:
        """Return whether somebody waits for a check."""
        return self._order is not None

    def order(self, order: Order) -> list[SpanChecked]:
        """Wait for the weight; a former order ends."""
        if order.until_ns is None:
            self._due = order
            return []
        former, self._order = self._order, order
        return [] if former is None else [_none(former, "another check was ordered")]

    def expire(self, t_ns: int) -> list[SpanChecked]:
        """End an order whose time is over."""
        order = self._order
        if order is None or order.until_ns is None or t_ns < order.until_ns:
            return []
        self._order = None
        return [_none(order, f"nothing near {order.weight_g:g} g was put on the empty platform")]

    def settled(self, reading: Reading, *, claimed: bool) -> list[SpanChecked]:
        """Take a settled load."""
        self._candidate = None
        if self._order is not None and _near(reading, self._order):
            order, self._order = self._order, None
            return [_result(order, reading)]
        if self._due is not None and not claimed and _near(reading, self._due):
            self._candidate = reading
        return []

    def claimed(self) -> None:
        """Somebody claims what lies there: it is no check weight."""
        self._candidate = None

    def unloaded(self) -> list[SpanChecked]:
        """What was a candidate has gone without a claim."""
        reading, self._candidate = self._candidate, None
        if reading is None or self._due is None:
            return []
        order, self._due = self._due, None
        return [_result(order, reading)]


def judge(weight_g: float, weighed_g: float, sd_g: float, division_g: float) -> Outcome:
    """Return what the deviation from the check weight means."""
    deviation_g, mpe_g = abs(weighed_g - weight_g), class_iii_mpe_g(weight_g, division_g)
    if deviation_g <= max(PASS * weight_g, mpe_g / 2, 2 * sd_g):
        return "pass"
    return "fail" if deviation_g > max(FAIL * weight_g, IN_SERVICE * mpe_g, 2 * sd_g) else "warn"


def _near(reading: Reading, order: Order) -> bool:
    return abs(reading.gross_g - order.weight_g) <= NEAR * order.weight_g


def _result(order: Order, reading: Reading) -> SpanChecked:
    return SpanChecked(number=order.number, weight_g=order.weight_g, weighed_g=reading.gross_g, sd_g=reading.sd_g)


def _none(order: Order, problem: str) -> SpanChecked:
    return SpanChecked(number=order.number, weight_g=order.weight_g, problem=problem)
