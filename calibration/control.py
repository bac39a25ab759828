"""The language of the station's control socket: one JSON object a line, each way. Sans-IO; both ends use it.

The caller asks, the station tells; every question has an answer, and while one is being prepared (a shopper is still
served) there may be lines in between, with `"waiting": true`.

    {"v": 1, "do": "status"}                                   how does the station stand?
    {"v": 1, "do": "take", "scale": 1, "who": "calibrate"}     go out of service for me: ports are let go
    {"v": 1, "do": "back"}                                     go back into service
    {"v": 1, "do": "check", "weight_g": 5000}                  weigh the check weight that is put on within `wait_s`

    {"v": 1, "state": "out_of_service", "holder": "calibrate (root, pid 812)"}
    {"v": 1, "state": "in_service", "error": "busy", "message": "...", "remedy": "..."}

Whoever took the station out of service holds it until `back`, or until the connection ends however that happens. Both
sides pass over keys they do not know. Errors: `busy` (somebody else holds it), `unknown_scale`, `not_holder`,
`sensors_stuck` (a port was not let go), `not_possible` (a check without a check weight, or while something lies there),
`timeout`, `protocol` (the line was none; the connection ends).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

VERSION: Literal[1] = 1
LINE_MAX_BYTES = 4096  # a question has about a hundred
SOCKET_NAME = "control.sock"

Do = Literal["status", "take", "back", "check"]
State = Literal["in_service", "draining", "out_of_service"]


class ControlError(Exception):
    """The other side says what is no sentence of this language."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool wants."""

    v: Literal[1] = VERSION
    do: Do
    scale: Annotated[int, Meta(ge=1)] | None = None  # None: all sensors matter
    who: Annotated[str, Meta(max_length=64)] = ""
    weight_g: Annotated[float, Meta(gt=0)] | None = None
    wait_s: Annotated[float, Meta(gt=0, le=600)] = 60.0


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A span check: what was weighed, against what, and its relative deviation."""

    time: str
    weight_g: float
    weighed_g: float
    sd_g: float
    error_g: float
    relative: float
    outcome: Literal["pass", "warn", "fail"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the station answers."""

    v: Literal[1] = VERSION
    state: State
    holder: str = ""
    error: str | None = None
    message: str = ""
    remedy: str = ""
    checked: Checked | None = None
    waiting: bool = False  # a line in between; the answer follows


class Lines:
    """Bytes as they come become lines; what is too long is no line of ours."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the lines that they complete; `ControlError` for one without an end."""
        *lines, self._kept = (self._kept + data).split(b"\n")
        if any(len(line) > LINE_MAX_BYTES for line in (*lines, self._kept)):
            raise ControlError(f"a line has more than {LINE_MAX_BYTES} bytes")
        return [line for line in lines if line.strip()]


def encode(said: Ask | Told) -> bytes:
    """Return the line."""
    return msgspec.json.encode(said) + b"\n"


def decode_ask(line: bytes) -> Ask:
    """Return what a tool wants; raise `ControlError`."""
    try:
        return msgspec.json.decode(line, type=Ask)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ControlError(f"no question of version {VERSION}: {error}") from error


def decode_told(line: bytes) -> Told:
    """Return what the station answered; raise `ControlError`."""
    try:
        return msgspec.json.decode(line, type=Told)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ControlError(f"no answer of version {VERSION}: {error}") from error
