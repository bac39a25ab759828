"""What can be wrong with one load cell or with how the platform stands, in plain words, and what to do about it.

Trouble that makes the weight untrue is `grave`; the rest is a warning: the sum of the cells may be right while the
load shifts between them. Remedies follow what scale makers teach: nine faults of ten are not the cell, so debris,
level, cables and junctions come first.
"""

import enum

import msgspec

from calibration.platform import Platform, place_name


class Trouble(enum.StrEnum):
    """What was found, in the order of precedence where a cell shows several."""

    SATURATED = "saturated"
    FROZEN = "frozen"
    QUIET = "quiet"
    NO_RESPONSE = "no_response"
    WRONG_SIGN = "wrong_sign"
    BOUND = "bound"
    NOISY = "noisy"
    DRIFTING = "drifting"
    SHORT = "short"
    ROCKING = "rocking"
    UNEVEN = "uneven"
    POSITIONS = "positions"


GRAVE = frozenset(
    {Trouble.SATURATED, Trouble.FROZEN, Trouble.QUIET, Trouble.NO_RESPONSE, Trouble.WRONG_SIGN, Trouble.BOUND}
)

_CABLE = "check its cable, plug and junction first, then the cell and its converter"
_WORDS = {
    Trouble.SATURATED: ("reads the end of its range", "check its cable and plug; take load off that corner"),
    Trouble.FROZEN: ("repeats one value while the others move", _CABLE),
    Trouble.QUIET: ("hardly moves while the others do as usual", _CABLE),
    Trouble.NO_RESPONSE: ("does not respond to load", _CABLE),
    Trouble.WRONG_SIGN: ("falls when load is put on", "check whether its signal wires are exchanged"),
    Trouble.BOUND: (
        "does not return to zero after its loads",
        "look for debris under and around the platform and for what touches it; see that it stands level and free",
    ),
    Trouble.NOISY: ("is much noisier than it was", "check its cable, plug and junction, and what shakes that corner"),
    Trouble.DRIFTING: (
        "has a zero that wanders",
        "clean the platform and that corner; check plug and junction for moisture; then replace the cell",
    ),
    Trouble.SHORT: (
        "seems to take up too little of its load",
        "look for debris under the platform and for what touches it; see that it is level and that every foot bears",
    ),
    Trouble.ROCKING: ("rocks between two positions", "look for debris under the feet; adjust them until none is loose"),
    Trouble.UNEVEN: (
        "shares its load between the cells otherwise than before",
        "look for debris under the platform; see that it is level and that every foot bears; then calibrate again",
    ),
    Trouble.POSITIONS: ("", "give `positions_mm` one [x, y] for each cell, in the order of the channels"),
}


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """One trouble of one cell (counted from 0), or of the whole platform (None); `evidence` has the figures."""

    trouble: Trouble
    cell: int | None = None
    evidence: str = ""

    @property
    def grave(self) -> bool:
        """Whether the weight cannot be trusted."""
        return self.trouble in GRAVE


def part_name(scale: str, diagnosis: Diagnosis) -> str:
    """Return the part of the alarm, cells counted from 1: "scale-1 cell 2"."""
    return scale if diagnosis.cell is None else f"{scale} cell {diagnosis.cell + 1}"


def message(scale: str, diagnosis: Diagnosis, platform: Platform | None) -> str:
    """Return what is wrong: "scale-1: cell 2 (front right) does not respond to load (...)"."""
    if diagnosis.cell is None:
        subject = "the platform"
    elif platform is None:
        subject = f"cell {diagnosis.cell + 1}"
    else:
        subject = f"cell {diagnosis.cell + 1} ({place_name(platform, diagnosis.cell)})"
    words, _ = _WORDS[diagnosis.trouble]
    if not words:
        return f"{scale}: {diagnosis.evidence}"
    return f"{scale}: {subject} {words}" + (f" ({diagnosis.evidence})" if diagnosis.evidence else "")


def remedy(diagnosis: Diagnosis) -> str:
    """Return what the technician can do."""
    return _WORDS[diagnosis.trouble][1]
