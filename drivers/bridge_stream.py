"""From the bridge's bytes to samples that can be trusted, or are flagged.

Theory: the rules of `integrity` on the device's own clock, which no latency of the line touches: each sample is held
back until its successor arrives; when that is late, the held sample and the four conversions after it are flagged as
settling. Lost frames show in the frame numbers. The bridge may number all its frames or only its samples:
a missing number is no loss where another kind of frame came in between.
"""

from collections.abc import Mapping

from drivers.base import Sample, SampleFlag, SensorError
from drivers.bridge_frames import BridgeFlag, BridgeFrame, HelloFrame, PongFrame, SampleFrame, StatusFrame, parse
from drivers.device_clock import DeviceClock
from drivers.framing import FrameDecoder
from drivers.integrity import Cause, Gate, Rejects, Rules, total

_SETTLING_SAMPLES = 4  # conversions until the HX711 has settled after a reset (its data sheet: 50 ms at 80 SPS)
_GAP, _NONE = SampleFlag.GAP, SampleFlag(0)
_CAUSES = {BridgeFlag.SATURATED: Cause.SATURATED, BridgeFlag.NOT_FRESH: Cause.STALE}


class BridgeStream:
    """Feed it what one session received; it returns samples, one conversion behind. Counts what went wrong."""

    def __init__(self, name: str, channels: int | None, *, frozen_after: int | None = None) -> None:
        self._name = name
        self._channels = channels
        self._decoder = FrameDecoder()
        self._clock = DeviceClock()
        self._rejects = Rejects()
        self._gate = Gate(Rules(settling=_SETTLING_SAMPLES, frozen_after=frozen_after), self._rejects)
        self._last: tuple[int, SampleFrame] | None = None
        self._others = 0  # frames that were no samples since the last sample
        self.hello: HelloFrame | None = None
        self.status: StatusFrame | None = None
        self.pong: PongFrame | None = None
        self.samples_received = 0
        self.lost_frames = 0
        self.restarts = 0

    @property
    def bad_frames(self) -> int:
        """Frames dropped because they were damaged."""
        return self._decoder.bad_frames

    @property
    def period_ns(self) -> float | None:
        """The usual time between two conversions, once it is known."""
        return self._gate.period_ns

    @property
    def late_edges(self) -> int:
        """Data-ready edges that betrayed a reset."""
        return self._gate.late_edges

    @property
    def rejects(self) -> Mapping[str, int]:
        """Rejected samples, lost and damaged frames, counted by cause; from any thread."""
        bad_frames = self.bad_frames
        return total([self._rejects.snapshot, {Cause.BAD_FRAME: bad_frames} if bad_frames else {}])

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
        elapsed_us = None if self._last is None else self._clock.elapsed_us(self._last[1].t_us, frame.t_us)
        if self._last is not None and elapsed_us == 0 and seq == self._last[0]:
            self._rejects.count(Cause.DUPLICATE)
            return None
        if elapsed_us is not None and elapsed_us <= 0:
            self._restart()
            elapsed_us = None
        lost = self._lost(seq)
        self._last, self._others = (seq, frame), 0
        return self._judge(frame, t_ns, elapsed_us, lost)

    def _judge(self, frame: SampleFrame, t_ns: int, elapsed_us: int | None, lost: int) -> Sample | None:
        """Hand the conversion to the gate, with what the bridge itself says of it."""
        causes = self._remarks(frame.flags) if frame.flags else ()
        gap = _GAP if lost or (frame.flags and frame.flags & BridgeFlag.OVERFLOW) else _NONE
        sample = Sample(self._clock.host_ns(frame.t_us, t_ns), frame.counts, gap)
        return self._gate.offer(sample, None if elapsed_us is None else elapsed_us * 1000, lost=lost, causes=causes)

    def _remarks(self, flags: BridgeFlag) -> list[Cause]:
        if BridgeFlag.RESTARTED in flags:
            self._gate.settle()
        return [ours for theirs, ours in _CAUSES.items() if theirs in flags]

    def _lost(self, seq: int) -> int:
        """Return how many samples are missing before this one; numbers of other frames are none."""
        if self._last is None:
            return 0
        lost = max(0, ((seq - self._last[0] - 1) & 0xFFFF) - self._others)
        self.lost_frames += lost
        self._rejects.count(Cause.LOST, lost)
        return lost

    def _check_channels(self, frame: SampleFrame) -> None:
        if self._channels is None and frame.counts:
            self._channels = len(frame.counts)
        if len(frame.counts) != self._channels:
            raise SensorError(
                f"the bridge on {self._name} sends {len(frame.counts)} channels, {self._channels} were expected",
                "correct `channels` in the configuration, or check the bridge's wiring and firmware",
            )

    def _restart(self) -> None:
        """Begin anew after the bridge restarted: other clock, other numbers; the held sample cannot be confirmed."""
        self.restarts += 1
        self._clock.reset()
        self._last = None
        self._gate.restart()
