"""One conversation with a load-cell bridge over any link: start it, read it, notice when it falls silent.

A bridge that streams by itself is served as it is; one that waits for the start command gets it, again and again
while it is silent, together with a ping, so that a dead converter can be told from a dead bridge.

Most of what a sample costs is waking up with cold caches. While its owner says that all is calm, the session therefore
sleeps for some periods, takes what has come meanwhile, and waits for one fresh frame more: that one's arrival is exact,
which is what the clock's regression lives on.
"""

import time
from collections.abc import Mapping

from drivers.base import Indication, Sample, SensorError
from drivers.bridge_frames import Action, CommandFrame, HelloFrame, PingFrame, PongFrame, StatusFrame, encode
from drivers.bridge_stream import BridgeStream
from drivers.integrity import total
from drivers.link import Link

_SILENCE_S = 1.0  # without samples for this long the bridge is lost
_NUDGE_S = 0.3
_REST_PERIODS, _REST_MOST_S = 5.5, 0.08
_FROZEN_AFTER = 50  # equal conversions of a cell in a row; its noise is tens of counts


class BridgeSession:
    """The whole of a bridge driver except its wire; implements `drivers.base.ScaleDriver`."""

    def __init__(self, link: Link, *, channels: int | None, startup_s: float) -> None:
        self._link = link
        self._channels = channels
        self._startup_s = startup_s
        self._stream = BridgeStream(link.name, channels, frozen_after=_FROZEN_AFTER)
        self._before: Mapping[str, int] = {}  # what earlier sessions rejected
        self._seq = 0
        self._give_up_s = self._nudge_s = 0.0
        self._answered: PongFrame | None = None  # the last sign of life before the last sample
        self.calm = False  # drivers.base.Resting
        self._greeted: HelloFrame | None = None  # it has been checked
        self.device_id: str | None = None

    @property
    def status(self) -> StatusFrame | None:
        """The bridge's own statistics, where it sends them."""
        return self._stream.status

    @property
    def rejects(self) -> Mapping[str, int]:
        """What was rejected since the start, counted by cause; from any thread."""
        return total([self._before, self._stream.rejects])

    @property
    def stream(self) -> BridgeStream:
        """The codec of this session, for its counters."""
        return self._stream

    def open(self) -> None:
        """Connect and ask the bridge to start."""
        self._link.open()
        fresh = BridgeStream(self._link.name, self._channels, frozen_after=_FROZEN_AFTER)
        self._before, self._stream = self.rejects, fresh
        self._give_up_s, self._answered = time.monotonic() + self._startup_s, None
        self._nudge()

    def read(self, timeout_s: float) -> list[Sample | Indication]:
        """Return the samples that arrive within `timeout_s`; `SensorError` after a second without any."""
        deadline_s = time.monotonic() + timeout_s
        rested = self._rest() if self.calm else []
        while True:
            wait_s = min(deadline_s, self._nudge_s) - time.monotonic()
            samples = self._receive(self._link.read(max(0.0, wait_s)))
            now_s = time.monotonic()
            if samples or now_s >= deadline_s:
                return [*rested, *samples]
            if now_s >= self._nudge_s:
                self._nudge()

    def close(self) -> None:
        """Let go of the link; never raises."""
        self._link.close()

    def _rest(self) -> list[Sample]:
        """Let some conversions come; return their samples."""
        period_ns = self._stream.period_ns
        if period_ns is None:
            return []
        time.sleep(min(_REST_PERIODS * period_ns / 1e9, _REST_MOST_S))
        return self._receive(self._link.read(0.0))

    def _receive(self, data: bytes) -> list[Sample]:
        before = self._stream.samples_received
        samples = self._stream.feed(data, time.monotonic_ns()) if data else []
        now_s = time.monotonic()
        if self._stream.samples_received > before:
            self._give_up_s, self._nudge_s = now_s + _SILENCE_S, now_s + _NUDGE_S
            self._answered = self._stream.pong
        elif now_s >= self._give_up_s:
            raise self._silent()
        self._check_identity()
        return samples

    def _nudge(self) -> None:
        self._link.write(encode(CommandFrame(Action.START), self._seq) + encode(PingFrame(self._seq), self._seq + 1))
        self._seq += 2
        self._nudge_s = time.monotonic() + _NUDGE_S

    def _check_identity(self) -> None:
        """Refuse another bridge than the one first heard: its cells and gains are others."""
        hello = self._stream.hello
        if hello is None or hello is self._greeted:
            return
        device_id = hello.unique_id.hex()
        if self.device_id is None:
            self.device_id = device_id
        if device_id != self.device_id:
            raise SensorError(
                f"{self._link.name} is now another bridge ({device_id}, before {self.device_id})",
                "connect the calibrated bridge again, or restart the station and calibrate it",
            )
        self._greeted = hello

    def _silent(self) -> SensorError:
        name = self._link.name
        if self._stream.pong is not self._answered:
            return SensorError(
                f"the bridge on {name} sends no samples", "check its load-cell converters and their supply"
            )
        return SensorError(f"no data from the bridge on {name}", "check its cable, power and firmware")
