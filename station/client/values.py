"""What the client hands out: verdicts as they came, and errors."""

from typing import Any

import msgspec

from station.messages import Verdict
from station.wire import Station


class ClientError(Exception):
    """Something the client was asked for cannot be done; the message is one line for people."""


class CommandRefusedError(ClientError):
    """The station answered with an error; `code` is for programs and listed in docs/MESSAGES.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NoAnswerError(ClientError):
    """No answer came in time. Whether the command was carried out is unknown; the same claim may be sent again."""


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict: its place (`station`, `epoch`, `seq`), its bytes and user properties as they came, and its data.

    `verified` says that its signature was checked with a trusted key. Keep `payload` and `properties` as proof.
    """

    station: Station
    epoch: str
    seq: int
    event_id: str
    time: str
    data: dict[str, Any]
    payload: bytes
    properties: tuple[tuple[str, str], ...] = ()
    verified: bool = False

    @property
    def verdict(self) -> Verdict:
        """What it says, typed; raises `msgspec.ValidationError` for data that is not as published."""
        return msgspec.convert(self.data, Verdict)

    @property
    def late(self) -> bool:
        """Whether the station published it from its backlog."""
        return ("late", "true") in self.properties
