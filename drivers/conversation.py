"""What is said on a scale's wire, as pure functions of bytes: questions, answers, and answers that need a reply.

A `Conversation` is one protocol. `ask` begins a question and forgets what was left of the last one; `feed` takes what
arrives and says what was found and what must be sent now. Instruments that speak by themselves have an empty question.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from drivers.base import Barcode, Indication, ScaleState

_UNREADABLE = "unreadable answer"
Meaning = tuple[ScaleState, str]  # what an instrument's word or bit stands for, and the reason there is no weight


class Turn(NamedTuple):
    """What received bytes led to: readings in the order of their arrival, and bytes to send."""

    found: Sequence[Indication | Barcode] = ()
    send: bytes = b""


class Conversation(Protocol):
    """One protocol, seen from the host. It keeps a bounded number of bytes and accepts any input."""

    def begin(self) -> None:
        """Start a session: forget everything, weights included."""

    def ask(self) -> bytes:
        """Return the bytes of the next question; b"" for an instrument that speaks by itself."""

    def feed(self, data: bytes, t_ns: int) -> Turn:
        """Take bytes that arrived by `t_ns` while an answer is awaited."""

    def overhear(self, data: bytes, t_ns: int) -> Sequence[Barcode]:
        """Take bytes that arrived while nothing is awaited: late answers and noise, maybe a scanner's text."""


class Codec(Protocol):
    """A decoder of answers."""

    def feed(self, data: bytes, t_ns: int) -> Sequence[Indication]:
        """Return the indications that `data`, received at `t_ns`, completes."""

    def reset(self) -> None:
        """Forget an unfinished frame."""


class Asking:
    """The plainest conversation: the same question again and again, and one answer to each."""

    def __init__(self, question: bytes, codec: Codec) -> None:
        self._question = question
        self._codec = codec

    def begin(self) -> None:
        """Forget an unfinished frame."""
        self._codec.reset()

    def ask(self) -> bytes:
        """Return the question."""
        self._codec.reset()
        return self._question

    def feed(self, data: bytes, t_ns: int) -> Turn:
        """Decode answers."""
        return Turn(self._codec.feed(data, t_ns))

    def overhear(self, data: bytes, t_ns: int) -> Sequence[Barcode]:  # noqa: ARG002 - nothing is of interest
        """Forget it."""
        return []


def no_weight(t_ns: int, meaning: Meaning) -> Indication:
    """Return the indication of a state without a weight."""
    return Indication(t_ns, meaning[0], reason=meaning[1])


def weight(t_ns: int, grams: float) -> Indication:
    """Return a stable weight; one below zero is a state, for its sign is a single byte on a bad line."""
    if grams < 0:
        return Indication(t_ns, ScaleState.UNDER_ZERO)
    return Indication(t_ns, ScaleState.STABLE, abs(grams))  # abs: there is no minus zero


def unreadable(t_ns: int, answer: bytes, hint: str) -> Indication:
    """Return the indication of an answer of another shape; `hint` names the keys to check."""
    text = answer.decode("ascii", "backslashreplace")
    return Indication(t_ns, ScaleState.NOT_READY, reason=f"{_UNREADABLE} {text!r}: check {hint}")


def is_unreadable(indication: Indication) -> bool:
    """Tell whether an indication stands for an answer of another shape, not for something the instrument said."""
    return indication.reason.startswith(_UNREADABLE)
