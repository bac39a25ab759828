"""A retail scale with the Toledo "W" protocol on a serial port: grams, calibrated by the scale itself.

The driver asks for the weight at a fixed pace, one question at a time. A question unanswered for a second yields
NOT_READY; everything that arrives afterwards is thrown away until the line has been quiet for one pace, so an answer
that comes late is never taken for the answer to a younger question.
"""

import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from drivers.base import Indication, Sample, ScaleState, SensorError
from drivers.serial_port import LineSettings, SerialPort
from drivers.toledo_codec import REQUEST_WEIGHT, Dialect, ToledoCodec, Unit

_ANSWER_TIMEOUT_S = 1.0  # the protocol's own; a scale in motion still answers, with its status
_SILENT_POLLS_MAX = 3
_QUIET_MAX_S = 0.5  # how long noise may put off the next question


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Configuration keys of `driver = "toledo-8217"`; the defaults are those of the scale as it leaves the factory.

    `capacity_g` and `division_g` tell the station how finely the scale reads; the driver itself does not use them.
    """

    port: Annotated[str, Meta(min_length=1, description="serial device; prefer /dev/serial/by-id/...")]
    baud: Annotated[Literal[1200, 2400, 4800, 9600, 19200, 38400], Meta(description="as set at the scale")] = 9600
    bytesize: Annotated[Literal[7, 8], Meta(description="data bits; with 7, a parity shown as bit 7 is dropped")] = 7
    parity: Annotated[Literal["N", "E", "O"], Meta(description="none, even, odd")] = "E"
    stopbits: Literal[1, 2] = 1
    dialect: Annotated[
        Dialect, Meta(description="what the status letters mean; `ohaus` also for Rice Lake, `sasi` for Datalogic")
    ] = Dialect.TOLEDO_8217
    unit: Annotated[Unit, Meta(description="as set at the scale")] = Unit.KG
    poll_s: Annotated[float, Meta(ge=0.05, le=1.0, description="pace of the questions")] = 0.1
    capacity_g: Annotated[float, Meta(ge=100.0, le=1_000_000.0, description="Max of the type plate")] = 15_000.0
    division_g: Annotated[float, Meta(ge=0.01, le=1_000.0, description="d of the type plate")] = 5.0


class Driver:
    """Implements `drivers.base.ScaleDriver`; yields `Indication`s."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._port = SerialPort(
            options.port,
            LineSettings(
                baud=options.baud, bytesize=options.bytesize, parity=options.parity, stopbits=options.stopbits, dtr=True
            ),  # many scales are wired to send only while DTR is up
        )
        self._codec = ToledoCodec(options.dialect, options.unit)
        self._asked_s: float | None = None
        self._next_ask_s = 0.0
        self._quiet_limit_s = 0.0
        self._silent_polls = 0

    def open(self) -> None:
        """Open the port. The scale itself is first heard in `read`."""
        self._port.open()
        self._codec.reset()
        self._asked_s, self._next_ask_s, self._silent_polls = None, time.monotonic(), 0

    def read(self, timeout_s: float) -> list[Sample | Indication]:
        """Return what the scale said within `timeout_s`; `SensorError` after three unanswered questions."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            said = self._step(deadline_s)
            if said or time.monotonic() >= deadline_s:
                return said

    def close(self) -> None:
        """Let go of the port; never raises."""
        self._port.close()

    def _step(self, deadline_s: float) -> list[Sample | Indication]:
        """Do the one thing that is next: ask, listen for the answer, or wait in quiet for the next question."""
        now_s = time.monotonic()
        if self._asked_s is None:
            return self._ask(now_s) if now_s >= self._next_ask_s else self._keep_quiet(deadline_s)
        expires_s = self._asked_s + _ANSWER_TIMEOUT_S
        if now_s >= expires_s:
            return [self._give_up(now_s)]
        data = self._port.read(min(deadline_s, expires_s) - now_s)
        answers = self._codec.feed(data, time.monotonic_ns())
        if not answers:
            return []
        self._next_ask_s, self._asked_s, self._silent_polls = self._asked_s + self._options.poll_s, None, 0
        return [answers[0]]  # one question, one answer: more than one is noise of unknown age

    def _ask(self, now_s: float) -> list[Sample | Indication]:
        self._port.discard_input()
        self._codec.reset()
        self._port.write(REQUEST_WEIGHT)
        self._asked_s = now_s
        return []

    def _keep_quiet(self, deadline_s: float) -> list[Sample | Indication]:
        """Wait for the time of the next question; after a failure, whatever arrives postpones it."""
        data = self._port.read(min(deadline_s, self._next_ask_s) - time.monotonic())
        if data and self._silent_polls:
            self._next_ask_s = min(time.monotonic() + self._options.poll_s, self._quiet_limit_s)
        return []

    def _give_up(self, now_s: float) -> Indication:
        self._asked_s, self._next_ask_s = None, now_s + self._options.poll_s
        self._quiet_limit_s = now_s + _QUIET_MAX_S  # a line that is never quiet must not silence us
        self._silent_polls += 1
        if self._silent_polls >= _SILENT_POLLS_MAX:
            options = self._options
            line = f"{options.baud} {options.bytesize}{options.parity}{options.stopbits}"
            raise SensorError(
                f"scale does not answer on {options.port}",
                f"check cable, power, and that it is set to {line} protocol {options.dialect}",
            )
        return Indication(time.monotonic_ns(), ScaleState.NOT_READY, reason="the scale did not answer")
