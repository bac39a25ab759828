"""Instruments that send one line of text for each weight, as pure functions of bytes; what a line means is a table.

Theory: such lines carry no checksum, so their shape is all there is to check. Every profile therefore matches lines of
a fixed length only: a lost byte makes no other weight. The one word whose loss could leave a line of the right length
is the unit; it must be the configured one, or, where none is configured, the same in two answers running. A blank
that comes twice can make up for a digit that is lost: so another number of decimals than before must be said twice.
"""

import re
from dataclasses import dataclass, field

from drivers.base import Indication, ScaleState
from drivers.conversation import Meaning, no_weight, unreadable, weight
from drivers.steady import Steady
from drivers.units import GRAMS

_NUMBER = re.compile(r"[+-]? *[0-9]+(\.[0-9]+)?")
_MAX_LINE_BYTES = 64  # the longest profile has 24
STABLE: Meaning = (ScaleState.STABLE, "")
MOTION: Meaning = (ScaleState.MOTION, "")
OVERLOAD: Meaning = (ScaleState.OVERLOAD, "")
UNDER_ZERO: Meaning = (ScaleState.UNDER_ZERO, "")
NET: Meaning = (ScaleState.NOT_READY, "the scale shows net weight: clear its tare")
PIECES: Meaning = (ScaleState.NOT_READY, "the scale counts pieces: set it to weighing")


def not_ready(reason: str) -> Meaning:
    """Return the meaning of a line without a weight."""
    return ScaleState.NOT_READY, reason


@dataclass(frozen=True)
class Profile:
    """How one make writes.

    `weight` matches a whole line. Its groups: `value`; maybe `unit`, `sign`, and `a`, `b`, whose texts `words` gives a
    meaning (none there: nothing against the weight). `{w}` becomes the repetition of the value's characters, `width`
    times unless configured otherwise.
    `phrases` are lines without a weight.
    """

    question: bytes
    weight: str
    width: int = 0
    words: dict[str, Meaning] = field(default_factory=dict)
    phrases: dict[str, Meaning] = field(default_factory=dict)
    blank_unit: Meaning = (ScaleState.NOT_READY, "the scale shows no unit: set it to kg, g or lb")
    silence: str = "the scale did not answer"
    patience_s: float | None = 3.0


class LineCodec:
    """Feed it received bytes; it returns the indications that whole lines make. CR and LF both end a line."""

    def __init__(self, profile: Profile, unit: str = "", width: int = 0) -> None:
        self._profile = profile
        self._unit = unit
        self._heard_unit = ""
        self._decimals = Steady()
        self._weight = re.compile(profile.weight.replace("{w}", f"{{{width or profile.width}}}"))
        self._phrases = [(re.compile(shape), meaning) for shape, meaning in profile.phrases.items()]
        self._echo = profile.question.decode("ascii").strip("\r\n")
        self._line = bytearray()
        self._too_long = self._headless = False

    def feed(self, data: bytes, t_ns: int) -> list[Indication]:
        """Return the indications that `data`, received at `t_ns`, completes; empty while a line is unfinished."""
        found = []
        for byte in data:
            if byte not in b"\r\n":
                self._too_long |= len(self._line) >= _MAX_LINE_BYTES
                if not self._too_long:
                    self._line.append(byte)
                continue
            line, whole = bytes(self._line), not (self._too_long or self._headless)
            self._line.clear()
            self._too_long = self._headless = False
            if whole and line:
                found += self._read(line, t_ns)
        return found

    def reset(self) -> None:
        """Forget an unfinished line; from an instrument that speaks by itself, its rest is still to come."""
        self._line.clear()
        self._too_long, self._headless = False, not self._profile.question

    def _read(self, line: bytes, t_ns: int) -> list[Indication]:
        text = line.decode("ascii", "replace")
        if text == self._echo:
            return []
        if match := self._weight.fullmatch(text):
            return [self._weighed(match.groupdict(""), t_ns)]
        for shape, meaning in self._phrases:
            if shape.fullmatch(text):
                return [no_weight(t_ns, meaning)]
        return [unreadable(t_ns, line, "the profile, `unit` and `width`")]

    def _weighed(self, parts: dict[str, str], t_ns: int) -> Indication:
        for name in ("a", "b"):
            meaning = self._profile.words.get(parts.get(name, ""), STABLE)
            if meaning is not STABLE:
                return no_weight(t_ns, meaning)
        unit = parts.get("unit", self._unit).strip().lower()
        if refusal := self._refused_unit(unit):
            return no_weight(t_ns, refusal)
        text = parts.get("sign", "").strip() + parts["value"].strip()
        if not _NUMBER.fullmatch(text):
            return unreadable(t_ns, text.encode(), "the profile and `width`")
        if not self._decimals.holds(len(text.partition(".")[2])):
            return no_weight(t_ns, not_ready("the scale shows another number of decimals: heard for the first time"))
        return weight(t_ns, float(text.replace(" ", "")) * GRAMS[unit])

    def _refused_unit(self, unit: str) -> Meaning | None:
        """Return why a weight in this unit is not taken, None if it is."""
        before, self._heard_unit = self._heard_unit, unit
        if not unit:
            return self._profile.blank_unit
        if unit not in GRAMS:
            return not_ready(f"the scale shows {unit}: set it to kg, g or lb")
        if self._unit:
            return None if unit == self._unit else not_ready(f"the scale shows {unit}: check `unit` ({self._unit})")
        return None if unit == before else not_ready(f"the scale shows {unit}: heard for the first time")
