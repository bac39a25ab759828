"""Any scale on a serial port that talks in a `Conversation`: asking, waiting, giving up, and asking again.

A scale that must be asked is asked at a fixed pace, one question at a time. An answer that stays out for a second, or
breaks off, yields NOT_READY; what arrives afterwards is thrown away until the line has been quiet, so an answer that
comes late is never taken for the answer to a younger question. From a scale that speaks by itself only the newest
value is taken, and nothing that lay in a buffer while nobody read.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from drivers.base import Barcode, Indication, Reading, ScaleState, SensorError
from drivers.conversation import Conversation
from drivers.link import Link
from drivers.serial_port import LineSettings, SerialPort

ANSWER_TIMEOUT_S = 1.0  # what the retail protocols allow; a scale in motion still answers, with its status
_BROKEN_OFF_S = 0.4  # an answer that began goes on within this time: at 1 200 baud a character takes 9 ms
_LATE_S = 0.5  # how long after giving up a late answer may still come in, and be thrown away
_QUIET_MAX_S = 0.5  # how long noise may put off the next question
_PATIENCE_S = 3.0
_STALE_S = 0.3  # what a scale that speaks by itself said while nobody read for so long is of unknown age

Clock = Callable[[], int]  # nanoseconds, monotonic


ByteSize = Annotated[Literal[7, 8], Meta(description="data bits; with 7, a parity shown as bit 7 is dropped")]
Parity = Annotated[Literal["N", "E", "O"], Meta(description="none, even, odd")]


class SerialScaleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of every scale on a serial port.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the drivers do not use them.
    """

    port: Annotated[str, Meta(min_length=1, description="serial device; prefer /dev/serial/by-id/...")]
    baud: Annotated[Literal[1200, 2400, 4800, 9600, 19200, 38400], Meta(description="as set at the scale")] = 9600
    bytesize: ByteSize = 8
    parity: Parity = "N"
    stopbits: Literal[1, 2] = 1
    poll_s: Annotated[float, Meta(ge=0.05, le=1.0, description="pace of the questions")] = 0.1
    capacity_g: Annotated[float, Meta(ge=100.0, le=1_000_000.0, description="Max of the type plate")] = 15_000.0
    division_g: Annotated[float, Meta(ge=0.01, le=1_000.0, description="d of the type plate")] = 5.0


class SerialScale:
    """The whole of a serial scale's driver except its protocol; implements `drivers.base.ScaleDriver`.

    `patience_s` is how long questions may stay unanswered before the scale is lost; None: for ever, for scales that
    fall silent as a habit, and `silence` says what that means. The wire and the clock may be others than the usual.
    """

    def __init__(
        self,
        options: SerialScaleOptions,
        conversation: Conversation,
        protocol: str,
        *,
        silence: str = "the scale did not answer",
        patience_s: float | None = _PATIENCE_S,
        link: Link | None = None,
        clock: Clock = time.monotonic_ns,
    ) -> None:
        self._options = options
        self._conversation = conversation
        self._protocol = protocol
        self._silence = silence
        self._patience_s = patience_s
        self._link = link or SerialPort(options.port, line_settings(options))
        self._clock = clock
        self._asked_s: float | None = None
        self._heard_s: float | None = None  # when the last byte since the question came
        self._next_ask_s = self._quiet_limit_s = self._read_s = 0.0
        self._disturbed = False  # the last answer failed: the line must be quiet before the next question
        self._by_itself = False
        self._owed = False
        self._answered_s = 0.0

    def open(self) -> None:
        """Open the port. The scale itself is first heard in `read`."""
        self._link.open()
        self._conversation.begin()
        self._asked_s, self._heard_s, self._disturbed = None, None, False
        self._next_ask_s = self._read_s = self._answered_s = now_s = self._now_s()
        if self._owed:  # the answer to the last session's question may still come
            self._rest(now_s, _LATE_S)
            self._owed = False

    def read(self, timeout_s: float) -> Sequence[Reading]:
        """Return what the scale said within `timeout_s`; `SensorError` when it stays silent or cannot be read."""
        deadline_s = self._now_s() + timeout_s
        self._drop_stale()
        while True:
            said = self._step(deadline_s)
            self._read_s = self._now_s()
            if said or self._read_s >= deadline_s:
                return said

    def close(self) -> None:
        """Let go of the port; never raises."""
        self._link.close()

    def _now_s(self) -> float:
        return self._clock() / 1e9

    def _drop_stale(self) -> None:
        """After a while in which nobody read: the scale is not to blame for it, and what it said is old."""
        now_s = self._now_s()
        if now_s - self._read_s <= _STALE_S:
            return
        self._answered_s += now_s - self._read_s
        if self._by_itself and self._asked_s is not None:
            self._link.discard_input()
            self._conversation.ask()
            self._asked_s, self._heard_s = now_s, None

    def _step(self, deadline_s: float) -> Sequence[Reading]:
        """Do the one thing that is next: ask, listen for the answer, or wait in quiet for the next question."""
        now_s = self._now_s()
        if self._asked_s is None:
            return self._ask(now_s) if now_s >= self._next_ask_s else self._keep_quiet(deadline_s)
        expires_s = self._asked_s + ANSWER_TIMEOUT_S
        if self._heard_s is not None and not self._by_itself:
            expires_s = min(expires_s, self._heard_s + _BROKEN_OFF_S)
        if now_s >= expires_s:
            return [self._give_up(now_s)]
        data = self._link.read(min(deadline_s, expires_s) - now_s)
        return self._listen(data) if data else []

    def _listen(self, data: bytes) -> Sequence[Reading]:
        t_ns = self._clock()
        turn = self._conversation.feed(data, t_ns)
        if turn.send:
            self._link.write(turn.send)
        self._heard_s = t_ns / 1e9
        codes = [item for item in turn.found if isinstance(item, Barcode)]
        answers = [item for item in turn.found if isinstance(item, Indication)]
        if not answers:
            if turn.send or codes:  # the answer to our reply is yet to begin; a scanner's text is no part of one
                self._heard_s = None
            return codes
        if self._by_itself:
            self._asked_s, self._answered_s, self._heard_s = self._heard_s, self._heard_s, None
            return [*codes, answers[-1]]
        return [*codes, self._answered(answers[0])]  # one question, one answer: more is noise of unknown age

    def _answered(self, answer: Indication) -> Indication:
        now_s = self._now_s()
        self._next_ask_s, self._asked_s = max(self._next_ask_s + self._options.poll_s, now_s), None
        self._answered_s, self._disturbed = now_s, False
        if answer.state is ScaleState.NOT_READY:
            self._rest(now_s, self._options.poll_s)  # it may have been the front part of a longer answer
        return answer

    def _ask(self, now_s: float) -> Sequence[Reading]:
        """Send the question, with an empty buffer before it: one read takes all that the kernel keeps."""
        heard = self._conversation.overhear(self._link.read(0.0), self._clock())
        question = self._conversation.ask()
        if question:
            self._link.write(question)
        self._by_itself = not question
        self._next_ask_s = self._asked_s = now_s
        self._heard_s = None
        return heard

    def _keep_quiet(self, deadline_s: float) -> Sequence[Reading]:
        """Wait for the time of the next question; after a failure, whatever arrives postpones it."""
        data = self._link.read(min(deadline_s, self._next_ask_s) - self._now_s())
        if not data:
            return []
        if self._disturbed:
            self._next_ask_s = min(self._now_s() + self._options.poll_s, self._quiet_limit_s)
        return self._conversation.overhear(data, self._clock())

    def _rest(self, now_s: float, for_s: float) -> None:
        """Ask again after `for_s`, or when the line is quiet; a line that is never quiet must not silence us."""
        self._next_ask_s, self._quiet_limit_s, self._disturbed = now_s + for_s, now_s + for_s + _QUIET_MAX_S, True

    def _give_up(self, now_s: float) -> Indication:
        silent = self._heard_s is None
        self._asked_s = self._heard_s = None
        if self._by_itself:
            self._next_ask_s = now_s
        else:
            self._rest(now_s, _LATE_S if silent else self._options.poll_s)
        if self._patience_s is not None and now_s - self._answered_s >= self._patience_s:
            self._owed = True
            raise self._lost(silent=silent)
        reason = self._silence if silent else f"the scale's answer broke off, or is not {self._protocol}"
        return Indication(self._clock(), ScaleState.NOT_READY, reason=reason, spoken=False)

    def _lost(self, *, silent: bool) -> SensorError:
        options = self._options
        line = f"{options.baud} {options.bytesize}{options.parity}{options.stopbits}"
        name = self._link.name
        if silent:
            said = f"scale does not answer on {name}"
        else:
            said = f"scale does not answer on {name}: what it sends is not {self._protocol}"
        return SensorError(said, f"check cable, power, and that it is set to {line} protocol {self._protocol}")


def line_settings(options: SerialScaleOptions) -> LineSettings:
    """Return the settings of the line; many scales are wired to send only while DTR is up."""
    return LineSettings(
        baud=options.baud, bytesize=options.bytesize, parity=options.parity, stopbits=options.stopbits, dtr=True
    )
