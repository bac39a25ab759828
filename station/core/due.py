"""When a calibration is due, and what follows: a warning before, an error after, no judgement when grace has ended.

Days are the calendar's. Whoever does not know the date (`today` None: the clock is not synchronised) lets nothing
expire: a station that wakes in the wrong year must not stop its shop, and one that wakes in the past says no nonsense.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

DAY_NS = 86_400 * 10**9
State = Literal["ok", "due", "overdue", "expired", "unknown"]


class Care(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the station looks after its calibration: when it warns, when it stops judging, and span checks."""

    warn_days: Annotated[int, Meta(ge=0, le=365, description="warn so long before the calibration is due")] = 30
    grace_days: Annotated[
        int, Meta(ge=0, le=365, description="judge for so long after it was due; then every verdict is `abstain`")
    ] = 14
    zero_travel: Annotated[
        float, Meta(gt=0, le=0.02, description="warn when the zero has gone so far since calibrating, part of capacity")
    ] = 0.01
    check_weight_g: (
        Annotated[float, Meta(gt=0, description="the station's check weight; if absent there are no span checks")]
        | None
    ) = None
    check_every_h: (
        Annotated[
            float,
            Meta(
                ge=1, le=8760, description="ask for a span check so often; if absent, only `calibrate check` does one"
            ),
        ]
        | None
    ) = None

    def __post_init__(self) -> None:
        """Refuse a schedule for a weight that there is not."""
        if self.check_every_h is not None and self.check_weight_g is None:
            raise ValueError("check_every_h needs check_weight_g")


class Standing(NamedTuple):
    """How a calibration stands; `days` until it is due, below 0 since then, None where that is unknown."""

    state: State
    days: int | None


def standing(due_day: int | None, today: int | None, care: Care) -> Standing:
    """Return how a calibration with this due day stands; days are ordinals of the calendar."""
    if due_day is None:
        return Standing("ok", None)
    if today is None:
        return Standing("unknown", None)
    days = due_day - today
    if days < -care.grace_days:
        return Standing("expired", days)
    if days < 0:
        return Standing("overdue", days)
    return Standing("due" if days <= care.warn_days else "ok", days)
