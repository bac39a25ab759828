"""What must be known before a session begins: who, where, with which weights; asked in lines, or given as options."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from calibration.captures import TestWeight
from calibration.loads import LoadError, weight_set
from calibration.record import CalibrationError
from calibration.stations import ConfigurationError
from calibration.texts import LANGUAGES, Language, say

_Answer = TypeVar("_Answer")
TRIES = 5


class _WeightFile(msgspec.Struct, frozen=True, kw_only=True):
    """A set of weights in a file: `{"weights": [...]}`."""

    weights: tuple[TestWeight, ...]


def language_of(argument: str | None) -> Language:
    """Return the language asked for, else that of the terminal's locale."""
    spoken = argument or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "en"
    return next((known for known in LANGUAGES if spoken.startswith(known)), "en")


def read_weights(text: str) -> tuple[TestWeight, ...]:
    """Return the weights of a file (JSON), or of a typed list; `LoadError` tells what is wrong with either."""
    path = Path(text)
    if path.suffix != ".json":
        return weight_set(text)
    try:
        data = path.read_bytes()
        if data.lstrip().startswith(b"{"):
            weights = msgspec.json.decode(data, type=_WeightFile).weights
        else:
            weights = msgspec.json.decode(data, type=tuple[TestWeight, ...])
    except OSError as error:
        raise LoadError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LoadError(f"{path}: {error}") from error
    names = [weight.weight_id.lower() for weight in weights]
    if len(set(names)) < len(names):
        raise LoadError(f"{path}: two weights have one name")
    return weights


def overdue(weights: Sequence[TestWeight], today: date) -> list[TestWeight]:
    """Return the weights whose certificate has run out; `CalibrationError` for a date that is none."""
    found = []
    for weight in weights:
        try:
            if weight.due is not None and date.fromisoformat(weight.due) < today:
                found.append(weight)
        except ValueError as error:
            raise CalibrationError(f"{weight.weight_id}: due = {weight.due} is no date: write 2027-03-31") from error
    return found


class Asker:
    """Asks in lines on a terminal; where nobody can answer, says which option would."""

    def __init__(self, language: Language, *, may_ask: bool) -> None:
        self.language = language
        self.may_ask = may_ask

    def text(self, key: str, given: str | None, option: str, read: Callable[[str], _Answer]) -> _Answer:
        """Return what was given, or what somebody types, as `read` understands it; `read` raises `LoadError`."""
        if given is not None:
            try:
                return read(given)
            except LoadError as error:
                raise ConfigurationError(f"{option}: {error}") from error
        if not self.may_ask:
            raise ConfigurationError(f"nobody can be asked here: give {option}")
        for _ in range(TRIES):
            try:
                return read(self._line(key))
            except LoadError as error:
                self.tell(f"  {error}")
        raise ConfigurationError(f"no usable answer: give {option}")

    def yes(self, key: str, **values: object) -> bool:
        """Return whether somebody agrees; nobody there does not."""
        if not self.may_ask:
            return False
        answer = self._line(key, **values).strip().lower()
        return answer[:1] in {"y", "j"}

    def choice(self, key: str, choices: str) -> str:
        """Return one of the letters."""
        while True:
            answer = self._line(key).strip().lower()[:1]
            if answer and answer in choices:
                return answer

    def tell(self, line: str) -> None:
        """Print a line for people."""
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def _line(self, key: str, **values: object) -> str:
        sys.stdout.write(say(self.language, key, **values) + ": ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.strip()


def needed_name(text: str) -> str:
    """Return a name that is one."""
    if not text.strip():
        raise LoadError("a name must be given")
    return text.strip()
