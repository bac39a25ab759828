"""`calibrate`, put together: the technician's tool with this station's configuration, drivers and keys."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec

from calibration import cli
from calibration.bench import Camera, Scale
from calibration.control_client import socket_path
from calibration.record import CalibrationError, Signer
from calibration.stations import ConfigurationError
from drivers.base import ScaleDriver
from drivers.sim import bench_camera, workbench
from station import __version__
from station.config import Config, ConfigError, load
from station.signing_keys import KeyRing, SigningError, Verifier, ready
from station.wiring import SCALES, camera, driver_options

SIMULATED_HZ = 10.0  # the slower of an HX711's two rates


def main(arguments: list[str] | None = None) -> int:
    """Run `calibrate`."""
    return cli.main(arguments, StationBench())


class StationBench:
    """Implements `calibration.bench.Bench`."""

    def scale(self, config: Path, number: int | None) -> Scale:
        """Return a scale of the configuration."""
        found = _load(config)
        number = _number(found, number)
        chosen = found.scales[number - 1]
        state_dir = Path(found.station.state_dir)
        return Scale(
            station=found.station.id,
            number=number,
            driver=chosen.driver,
            part=chosen.name,
            capacity_g=chosen.capacity_g,
            division_g=chosen.division_g,
            gives_counts=SCALES[chosen.driver].counts,
            options=msgspec.to_builtins(chosen.options),
            make=partial(_make, chosen.driver, chosen.options),
            state_dir=state_dir,
            control=socket_path(state_dir, found.control.socket),
            positions_mm=chosen.positions_mm,
            now=_now,
            software=__version__,
        )

    def simulated(self, state_dir: Path, *, speed: float, seed: int, fault: str | None) -> Scale:
        """Return a simulated platform with somebody who puts weights on it."""
        bench = workbench.Workbench(seed=seed, speed=speed, fault=fault, rate_hz=SIMULATED_HZ)
        return Scale(
            station="vs-simulated",
            number=1,
            driver="sim",
            part="scale-1",
            capacity_g=workbench.CAPACITY_G,
            division_g=workbench.DIVISION_G,
            gives_counts=True,
            options={"rate_hz": SIMULATED_HZ},
            make=lambda: bench,
            state_dir=state_dir,
            positions_mm=bench.positions_mm,
            hands=bench,
            now=_running_with(lambda: bench.elapsed_s),
            software=__version__,
        )

    def camera(self, config: Path, name: str | None) -> Camera:
        """Return a camera of the configuration."""
        found = _load(config)
        names = [each.name for each in found.cameras]
        if name is None and len(names) != 1:
            raise ConfigurationError(f"there are {len(names)} cameras: choose one with --camera NAME")
        if name is not None and name not in names:
            raise ConfigurationError(f"--camera {name}: the configuration has {', '.join(names) or 'none'}")
        chosen = found.cameras[0 if name is None else names.index(name)]
        state_dir = Path(found.station.state_dir)
        return Camera(
            station=found.station.id,
            name=chosen.name,
            driver=chosen.driver,
            make=partial(camera, chosen),
            state_dir=state_dir,
            scale=self.scale(config, 1) if len(found.scales) == 1 else None,
            control=socket_path(state_dir, found.control.socket),
            now=_now,
            software=__version__,
        )

    def simulated_camera(self, state_dir: Path, *, seed: int, fault: str | None) -> Camera:
        """Return a camera above a simulated platform; nobody waits, so its time runs as fast as it can."""
        bench = workbench.Workbench(seed=seed, speed=None, rate_hz=SIMULATED_HZ)
        scale = msgspec.structs.replace(
            self.simulated(state_dir, speed=1.0, seed=seed, fault=None),
            make=lambda: bench, hands=bench, positions_mm=bench.positions_mm,
        )  # fmt: skip
        eye = bench_camera.BenchCamera(bench.world, fault=fault, seed=seed)
        return Camera(
            station=scale.station,
            name="top",
            driver="sim",
            make=lambda: eye,
            state_dir=state_dir,
            scale=scale,
            hands=bench,
            platform_mm=bench_camera.PLATFORM_MM,
            now=_now,
            software=__version__,
        )

    def signer(self, config: Path | None, state_dir: Path) -> Signer:
        """Return the station's key, made if there is none yet."""
        return _keys(config, state_dir).pair

    def verifier(self, config: Path | None, state_dir: Path) -> Verifier:
        """Return the station's public keys."""
        keys = _keys(config, state_dir)
        return Verifier((keys.pair.public, *keys.former))


def _load(path: Path) -> Config:
    try:
        return load(path, driver_options())
    except ConfigError as error:
        raise ConfigurationError(str(error)) from error


def _number(config: Config, number: int | None) -> int:
    count = len(config.scales)
    if count == 0:
        raise ConfigurationError("the configuration has no [[scale]]")
    if number is None and count > 1:
        raise ConfigurationError(f"there are {count} scales: choose one with --scale N")
    if number is not None and not 1 <= number <= count:
        raise ConfigurationError(f"--scale {number}: the configuration has {count}")
    return number or 1


def _make(driver: str, options: msgspec.Struct) -> ScaleDriver:
    made: ScaleDriver = SCALES[driver].make(options)
    return made


def _keys(config: Path | None, state_dir: Path) -> KeyRing:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        return ready(None if config is None else _load(config).station.signing_key, state_dir)
    except SigningError as error:
        raise CalibrationError(str(error)) from error


def _now() -> datetime:
    return datetime.now(UTC)


def _running_with(elapsed_s: Callable[[], float]) -> Callable[[], datetime]:
    """Return a clock that runs with simulated time."""
    began = _now()
    return lambda: began + timedelta(seconds=elapsed_s())


if __name__ == "__main__":
    sys.exit(main())
