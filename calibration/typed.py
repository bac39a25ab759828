"""An answer while it is typed: another load than planned, or the reason why a step is left out."""

from collections.abc import Sequence
from typing import Literal

from calibration.captures import TestWeight
from calibration.loads import Load, LoadError, load
from calibration.remarks import Message

What = Literal["type", "skip"]


class Typed:
    """Letters of one answer; `what` is None while nothing is asked."""

    def __init__(self) -> None:
        self.what: What | None = None
        self.text = ""

    def ask(self, what: What) -> None:
        """Begin an answer."""
        self.what, self.text = what, ""

    def end(self) -> None:
        """Ask for nothing any more."""
        self.what = None

    def press(self, key: str) -> str | None:
        """Take a key; return the answer when it is complete."""
        if key == "escape":
            self.end()
        elif key == "back":
            self.text = self.text[:-1]
        elif key == "enter":
            return self.text.strip() or None
        elif len(key) == 1 and key.isprintable():
            self.text += key
        return None


def understood(text: str, weights: Sequence[TestWeight], capacity_g: float) -> Load | Message:
    """Return the load that was typed, by mass or by the weights' names, or what is wrong with it."""
    try:
        given = load(text, weights)
    except LoadError as error:
        return Message("plain", {"text": str(error)})
    if given.grams > capacity_g:
        return Message("above", {"load_g": given.grams, "capacity": capacity_g})
    return given
