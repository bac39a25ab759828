"""From bytes to candidates: which drivers, set how, understand what was heard on a line.

Theory: every driver's own codec is run over the bytes in each of its settings (a variant). The variants that make the
most of them are kept: a weight counts more than a state without one, that more than a refusal. A key that is the same
in all kept variants is settled; one that differs is a choice that the bytes leave open, and stays open.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.base import Barcode, Indication, ScaleState
from drivers.conversation import is_unreadable

Chunks = Sequence[bytes]  # what a line said, in the pieces in which it came
Keys = Mapping[str, object]
_SHOWN_BYTES = 48


class Line(NamedTuple):
    """How a line is driven; always one stop bit."""

    baud: int
    bytesize: int = 8
    parity: str = "N"

    def __str__(self) -> str:
        return f"{self.baud} {self.bytesize}{self.parity}1"


class Strength(enum.IntEnum):
    """How much a codec makes of what was heard."""

    NOTHING = 0
    REFUSAL = 1  # its frames, but nothing that says how the platform is
    STATE = 2
    WEIGHT = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """A key that what was heard leaves open: its possible values, the usual one first, and how to decide."""

    key: str
    values: tuple[object, ...]
    how: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A driver that understands what was heard; `keys` are settled, `choices` are for the technician."""

    driver: str
    keys: Keys
    evidence: str
    strength: Strength = Strength.WEIGHT
    choices: tuple[Choice, ...] = ()


class Variant(NamedTuple):
    """One way to set a driver, and what its codec makes of the chunks."""

    keys: Keys
    decode: Callable[[Chunks], Iterable[Indication | Barcode]]


@dataclass(frozen=True)
class Recogniser:
    """A driver with its variants; `how` tells for each key how to decide it.

    `least`: what it must make of the bytes to be a candidate; `answers`: how many, each of them, and twice as many as
    those it cannot read.
    """

    driver: str
    variants: tuple[Variant, ...]
    how: Mapping[str, str] = field(default_factory=dict)
    least: Strength = Strength.REFUSAL
    answers: int = 1

    def candidate(self, chunks: Chunks) -> Candidate | None:
        """Return what this driver makes of the chunks, None where it is nothing."""
        made = [(variant, self._judged(list(variant.decode(chunks)))) for variant in self.variants]
        best = max((strength for _, (strength, _) in made), default=Strength.NOTHING)
        if best < max(self.least, Strength.REFUSAL):
            return None
        kept = [variant.keys for variant, (strength, _) in made if strength == best]
        said = next(said for _, (strength, said) in made if strength == best)
        return Candidate(self.driver, _settled(kept), f"{said}: {shown(chunks)}", best, self._choices(kept))

    def _judged(self, found: list[Indication | Barcode]) -> tuple[Strength, str]:
        indications = [item for item in found if isinstance(item, Indication)]
        read = [item for item in indications if not is_unreadable(item)]
        if len(read) < self.answers or len(read) < 2 * (len(indications) - len(read)):
            return Strength.NOTHING, ""
        best = max(read, key=_strength)
        return _strength(best), words(best)

    def _choices(self, kept: Sequence[Keys]) -> tuple[Choice, ...]:
        choices = []
        for key in kept[0]:
            values = tuple(dict.fromkeys(keys[key] for keys in kept))
            if len(values) > 1:
                choices.append(Choice(key, values, self.how.get(key, "")))
        return tuple(choices)


def strongest(candidates: Iterable[Candidate | None]) -> list[Candidate]:
    """Return the candidates that make the most of what was heard; several where none is better."""
    there = [candidate for candidate in candidates if candidate is not None]
    best = max((candidate.strength for candidate in there), default=Strength.NOTHING)
    return [candidate for candidate in there if candidate.strength == best]


def shown(chunks: Chunks) -> str:
    """Return what was heard, for people: its beginning, what cannot be printed as escapes."""
    data = b"".join(chunks)
    text = data[:_SHOWN_BYTES].decode("ascii", "backslashreplace")
    return repr(text).replace("\\\\x", "\\x") + ("…" if len(data) > _SHOWN_BYTES else "")


def words(indication: Indication) -> str:
    """Return what an instrument says, for people."""
    if indication.weight_g is not None:
        return f"a weight of {indication.weight_g:g} g"
    return indication.reason or f"the scale says {indication.state.replace('_', ' ')}"


def _strength(indication: Indication) -> Strength:
    if indication.weight_g is not None:
        return Strength.WEIGHT
    return Strength.REFUSAL if indication.state is ScaleState.NOT_READY else Strength.STATE


def _settled(kept: Sequence[Keys]) -> dict[str, object]:
    return {key: value for key, value in kept[0].items() if all(keys[key] == value for keys in kept)}
