"""What a record of one visit consists of, line by line.

A record begins with the head, which holds all that stood when the platform was last seen at rest and nobody was there;
then come the events that the core was given, in order, with the judgements and verdicts that followed; and an end that
proves the rest whole. What no record holds: pictures, the shopper's pseudonym, and the text of codes that are no
product (`privacy`).
"""

from typing import Any

import msgspec

from station.core.effects import Judge
from station.core.events import AnyEvent
from station.core.store_policy import Policy
from station.core.verdict import Versions
from station.records.weights import Change

FORMAT = 1


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="entry"):
    """One line."""


class Head(Entry, frozen=True, kw_only=True, tag="head"):
    """Where and when, with what software, by what policy, and the core as it stood before the first event.

    `core` is the hash of the core's source: only the same source makes the same of the same events. `engine` is the
    core's state. `time` is UTC, of the first event that is recorded; `boot_ns` is the monotonic clock then.
    """

    format: int
    time: str
    boot_ns: int
    store: str
    station: str
    software: str
    core: str
    policy: Policy
    engine: bytes


class Happened(Entry, frozen=True, kw_only=True, tag="event"):
    """An event that the core was given."""

    event: AnyEvent


class Stamped(Entry, frozen=True, kw_only=True, tag="versions"):
    """Verdicts carry these versions from here on."""

    versions: Versions


class Asked(Entry, frozen=True, kw_only=True, tag="asked"):
    """The checker was asked. `sd_g` where the scale was trusted less than the question says.

    The weights it went by: the catalogue's version, the name of the learned weights (`weights.laid`), and what was
    taught since; None without a catalogue.
    """

    question: Judge
    sd_g: float | None = None
    catalogue: str | None = None
    learned: str | None = None
    since: Change | None = None


class Told(Entry, frozen=True, kw_only=True, tag="verdict"):
    """The verdict as the backend was told it."""

    data: dict[str, Any]


class End(Entry, frozen=True, kw_only=True, tag="end"):
    """The record is whole: SHA-256 of all lines before. `cut` says why events are missing, if any are."""

    sha256: str
    cut: str | None = None


Line = Happened | Stamped | Asked | Told
AnyEntry = Head | Line | End
