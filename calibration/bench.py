"""What the technician's tool is given of the station: one scale with its driver, its identity and its key."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from calibration.record import Signer, Verifier
from drivers.base import CameraDriver, ScaleDriver


class Hands(Protocol):
    """Somebody who puts weights on a simulated platform."""

    def put(self, pieces_g: Sequence[float], place: str) -> None:
        """Put these on at the place, in place of what is there."""

    def clear(self) -> None:
        """Take everything off."""

    def press(self, place: str) -> None:
        """Lean on a corner for a moment."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[scale]]` as far as calibrating it goes; `make` gives its driver, from the same factory as the daemon's."""

    station: str
    number: int
    driver: str
    part: str
    capacity_g: float
    division_g: float
    gives_counts: bool
    options: dict[str, object]
    make: Callable[[], ScaleDriver]
    state_dir: Path
    control: Path | None = None  # the daemon's control socket; None: there is no daemon
    positions_mm: tuple[tuple[float, float], ...] | None = None
    hands: Hands | None = None
    now: Callable[[], datetime]  # aware
    software: str = ""  # the version that computes


class Camera(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[camera]]` as far as calibrating it goes; `scale` is the platform below it, where there is one."""

    station: str
    name: str
    driver: str
    make: Callable[[], CameraDriver]
    state_dir: Path
    scale: Scale | None = None
    control: Path | None = None
    hands: Hands | None = None
    platform_mm: tuple[float, float] | None = None  # where it is known
    now: Callable[[], datetime]
    software: str = ""


class Bench(Protocol):
    """Whoever knows the station's configuration, its drivers and its keys."""

    def scale(self, config: Path, number: int | None) -> Scale:
        """Return a scale of the configuration; `ConfigurationError` where there is no such one."""

    def simulated(self, state_dir: Path, *, speed: float, seed: int, fault: str | None) -> Scale:
        """Return a simulated platform with somebody who puts weights on it."""

    def camera(self, config: Path, name: str | None) -> Camera:
        """Return a camera of the configuration; `ConfigurationError` where there is no such one."""

    def simulated_camera(self, state_dir: Path, *, seed: int, fault: str | None) -> Camera:
        """Return a camera above a simulated platform."""

    def signer(self, config: Path | None, state_dir: Path) -> Signer:
        """Return the station's key, made if there is none yet."""

    def verifier(self, config: Path | None, state_dir: Path) -> Verifier:
        """Return the station's public keys."""
