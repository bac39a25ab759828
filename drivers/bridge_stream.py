"""From the bridge's bytes to samples that can be trusted, or are flagged.

Theory: a chip that was disturbed while it was read resets, delivers a value that may look sane, and needs 4.4 periods
for its next one. Only the lateness of the *next* data-ready edge betrays it. So each sample is held back until its
successor arrives; when that is late on the device's own clock, the held sample and the four conversions after it are
flagged as settling. Lost frames show in the frame numbers. The bridge may number all its frames or only its samples:
a missing number is no loss where another kind of frame came in between.
"""

import statistics
from collections import deque

from drivers.base import Sample, SampleFlag, SensorError
from drivers.bridge_frames import BridgeFlag, BridgeFrame, HelloFrame, PongFrame, SampleFrame, StatusFrame, parse
from drivers.device_clock import DeviceClock
from drivers.framing import FrameDecoder

_SETTLING_SAMPLES = 4  # conversions until the HX711 has settled after a reset (its data sheet: 50 ms at 80 SPS)
_PERIODS_KEPT = 31
_PERIODS_NEEDED = 5  # before these the usual period is not known and no edge is judged
_SATURATED_COUNTS = (0x7FFFFF, -0x800000)
_FLAGS = {
    BridgeFlag.OVERFLOW: SampleFlag.GAP,
    BridgeFlag.SATURATED: SampleFlag.SATURATED,
    BridgeFlag.NOT_FRESH: SampleFlag.STALE,
}


class BridgeStream:
    """Feed it what one session received; it returns samples, one conversion behind. Counts what went wrong."""

    def __init__(self, name: str, channels: int | None) -> None:
        self._name = name
        self._channels = channels
        self._decoder = FrameDecoder()
        self._clock = DeviceClock()
        self._periods_us: deque[int] = deque(maxlen=_PERIODS_KEPT)
        self._last: tuple[int, SampleFrame] | None = None
        self._held: Sample | None = None
        self._others = 0  # frames that were no samples since the last sample
        self._settling = 0
        self.hello: HelloFrame | None = None
        self.status: StatusFrame | None = None
        self.pong: PongFrame | None = None
        self.samples_received = 0
        self.lost_frames = 0
        self.late_edges = 0
        self.restarts = 0

    @property
    def bad_frames(self) -> int:
        """Frames dropped because they were damaged."""
        return self._decoder.bad_frames

    def feed(self, data: bytes, t_ns: int) -> list[Sample]:
        """Return the samples that `data`, read at `t_ns`, releases; `SensorError` when the channels do not fit."""
        released = []
        for payload in self._decoder.feed(data):
            numbered = parse(payload)
            if numbered is None:
                continue
            held = self._take(*numbered, t_ns)
            if held is not None:
                released.append(held)
        return released

    def _take(self, seq: int, frame: BridgeFrame, t_ns: int) -> Sample | None:
        if isinstance(frame, SampleFrame):
            return self._take_sample(seq, frame, t_ns)
        self._others += 1
        match frame:
            case HelloFrame():
                self.hello = frame
                if self._last is not None:
                    self._restart()
            case StatusFrame():
                self.status = frame
            case PongFrame():
                self.pong = frame
            case _:  # commands and pings are ours: an echo
                pass
        return None

    def _take_sample(self, seq: int, frame: SampleFrame, t_ns: int) -> Sample | None:
        self._check_channels(frame)
        self.samples_received += 1
        flags = self._continuity(seq, frame)
        if flags is None:
            return None
        released = self._held
        flags |= self._remarks(frame)
        self._last, self._others = (seq, frame), 0
        self._held = Sample(self._clock.host_ns(frame.t_us, t_ns), frame.counts, flags)
        return released

    def _check_channels(self, frame: SampleFrame) -> None:
        if self._channels is None and frame.counts:
            self._channels = len(frame.counts)
        if len(frame.counts) != self._channels:
            raise SensorError(
                f"the bridge on {self._name} sends {len(frame.counts)} channels, {self._channels} were expected",
                "correct `channels` in the configuration, or check the bridge's wiring and firmware",
            )

    def _continuity(self, seq: int, frame: SampleFrame) -> SampleFlag | None:
        """Compare with the sample before; None for a duplicate."""
        if self._last is None:
            return SampleFlag(0)
        last_seq, last = self._last
        elapsed_us = self._clock.elapsed_us(last.t_us, frame.t_us)
        skipped = (seq - last_seq - 1) & 0xFFFF
        if seq == last_seq and elapsed_us == 0:
            return None
        if elapsed_us <= 0:
            self._restart()
            return SampleFlag(0)
        lost = max(0, skipped - self._others)
        self.lost_frames += lost
        self._judge_edge(elapsed_us, lost)
        return SampleFlag.GAP if lost else SampleFlag(0)

    def _judge_edge(self, elapsed_us: int, lost: int) -> None:
        """Flag the held sample and the next four where the edge after it came later than one spare period."""
        if len(self._periods_us) >= _PERIODS_NEEDED:
            period_us = statistics.median(self._periods_us)
            if elapsed_us > (lost + 2) * period_us:
                self.late_edges += 1
                self._settling = _SETTLING_SAMPLES
                if self._held is not None:
                    self._held = Sample(self._held.t_ns, self._held.counts, self._held.flags | SampleFlag.SETTLING)
        if not lost:
            self._periods_us.append(elapsed_us)

    def _remarks(self, frame: SampleFrame) -> SampleFlag:
        """Return what the bridge says of the sample, what its counts show, and whether it still settles."""
        flags = SampleFlag(0)
        for theirs, ours in _FLAGS.items():
            if theirs in frame.flags:
                flags |= ours
        if any(count in _SATURATED_COUNTS for count in frame.counts):
            flags |= SampleFlag.SATURATED
        if BridgeFlag.RESTARTED in frame.flags:
            self._settling = _SETTLING_SAMPLES
        if self._settling:
            self._settling -= 1
            flags |= SampleFlag.SETTLING
        return flags

    def _restart(self) -> None:
        """Begin anew after the bridge restarted: other clock, other numbers; the held sample cannot be confirmed."""
        self.restarts += 1
        self._clock.reset()
        self._last = self._held = None
        self._settling = _SETTLING_SAMPLES
