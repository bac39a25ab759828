"""What every sensor driver promises, and the words in which it reports.

A scale driver yields `Sample`s (counts: calibration makes grams of them elsewhere) or `Indication`s (grams, from an
instrument that is calibrated itself). A camera driver yields `Frame`s. A driver never invents a value: what it
cannot read it says with `SensorError`, and the caller closes it, waits, and opens it again.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class SensorError(OSError):
    """A sensor is absent, lost or unusable: what happened, and what the technician can do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ZeroRefusedError(SensorError):
    """An instrument that is there does not zero itself: why, and what helps."""


class SampleFlag(enum.IntFlag):
    """What is special about a sample; a sample with any flag but GAP is no weight."""

    GAP = 1  # samples before this one were lost; the sample itself is sound
    SETTLING = 2  # the converter restarted
    SATURATED = 4  # at least one channel at the end of its range
    STALE = 8  # not all channels are fresh
    CORRUPT = 16  # its read broke the protocol
    FROZEN = 32  # the same counts again and again, or those of a dead line


@dataclass(frozen=True, slots=True)
class Sample:
    """Raw counts of all channels of one converter at `t_ns` on the host's monotonic clock."""

    t_ns: int
    counts: tuple[int, ...]
    flags: SampleFlag = SampleFlag(0)


class ScaleState(enum.StrEnum):
    """What an instrument says of itself."""

    STABLE = "stable"
    MOTION = "motion"
    UNDER_ZERO = "under_zero"
    OVERLOAD = "overload"
    NOT_READY = "not_ready"
    SAME = "same"  # the load has not moved since the weight it gave last, and it will not give it again
    BELOW_MINIMUM = "below_minimum"  # empty, or lighter than what it may weigh


@dataclass(frozen=True, slots=True)
class Indication:
    """What a calibrated instrument shows at `t_ns`; `weight_g` is None unless it reported a weight.

    With SAME, `weight_g` is the weight it gave before: still on, but no new measurement.
    `reason` says in words why there is no weight, where the state alone does not. Not `spoken`: the instrument said
    nothing that could be understood; the driver says so in its place.
    """

    t_ns: int
    state: ScaleState
    weight_g: float | None = None
    reason: str = ""
    spoken: bool = True


@dataclass(frozen=True, slots=True)
class Barcode:
    """What a scanner on the scale's wire read by `t_ns`, without the identifier that it put before it.

    `symbology` is what that identifier stood for (`drivers.symbology`), empty where the scanner did not tell.
    """

    t_ns: int
    text: str
    symbology: str = ""


Reading = Sample | Indication | Barcode


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture: `pixels` is height x width x 3, RGB, uint8; `t_ns` when its exposure began, host monotonic."""

    t_ns: int
    pixels: NDArray[np.uint8]


class ScaleDriver(Protocol):
    """A source of weight. `open`, then `read` again and again, then `close`; all from one thread."""

    def open(self) -> None:
        """Connect; raise `SensorError` when the device is not there or not what was configured."""

    def read(self, timeout_s: float) -> Sequence[Reading]:
        """Return what arrived within `timeout_s`, oldest first, maybe nothing; raise `SensorError` when it is lost."""

    def close(self) -> None:
        """Let go of the device; never raises."""


@runtime_checkable
class Rejecting(Protocol):
    """A driver that tells what it did not believe; every driver that yields `Sample`s does."""

    @property
    def rejects(self) -> Mapping[str, int]:
        """What was rejected since the start, counted by cause; may be asked from any thread."""


@runtime_checkable
class Zeroable(Protocol):
    """A driver whose instrument can be told to take its present load as zero."""

    def zero(self) -> None:
        """Return when the instrument has agreed; from the thread that reads, while open.

        Raise `ZeroRefusedError` when it does not, `SensorError` when it is lost.
        """


@runtime_checkable
class Resting(Protocol):
    """A driver that may wake up more rarely, and hand out several samples at a time, while nothing happens."""

    calm: bool  # may be set from any thread; no sample is lost, none is older than 0.1 s


@runtime_checkable
class Lockable(Protocol):
    """A camera driver whose camera can hold its exposure, gain, white balance and focus."""

    def lock(self) -> Mapping[str, float]:
        """Hold them as they are now; return what the camera reads back, by name, units in the names; while open.

        Raise `SensorError` when the camera does not keep one of them.
        """


class CameraDriver(Protocol):
    """A source of pictures. `open`, then `capture` on demand, then `close`; all from one thread."""

    def open(self) -> None:
        """Connect; raise `SensorError` when the camera is not there."""

    def capture(self, timeout_s: float) -> Frame:
        """Return a picture whose exposure began after the call; raise `SensorError` when none comes in time."""

    def close(self) -> None:
        """Let go of the camera; never raises."""
