"""`calibrate`: the technician's tool. Exit status 0 done, 1 refused, 2 wrong usage or bad configuration.

Errors are one line on stderr; with `--json` also `{"error": …}` on stdout, so that whoever reads it always can.
"""

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from calibration import camera_store, factory, spelling, stations, store
from calibration.arguments import parser
from calibration.bench import Bench, Scale
from calibration.camera_record import CameraRecord
from calibration.model import Cell
from calibration.stations import ConfigurationError, StationConfig
from calibration.store import CalibrationError, Record

OK, REFUSED, USAGE = 0, 1, 2
Command = Callable[[argparse.Namespace, Bench | None], int]


def main(arguments: list[str] | None = None, bench: Bench | None = None) -> int:
    """Run one command; errors are one line on stderr. Without a `bench` only what needs no hardware works."""
    spelling.prepare()
    chosen = parser(HANDLERS).parse_args(arguments)
    try:
        status: int = chosen.run(chosen, bench)
        sys.stdout.flush()
    except ConfigurationError as error:
        return _complain(error, USAGE, json=chosen.json)
    except CalibrationError as error:
        return _complain(error, REFUSED, json=chosen.json)
    except KeyboardInterrupt:
        return _complain("interrupted; what was captured is kept", REFUSED, json=chosen.json)
    except BrokenPipeError:  # whoever read our output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        return _complain(f"{error.strerror or error}; check the disk and where the output goes", REFUSED)
    return status


def _at_desk(name: str) -> Command:
    """Return the command of `session_cli`, loaded when it is called."""

    def run(chosen: argparse.Namespace, bench: Bench | None) -> int:
        from calibration import session_cli

        if bench is None:
            raise ConfigurationError("this command needs the station's drivers: use the program `calibrate`")
        chosen.config_path = None if chosen.simulate else stations.find(chosen.config)
        status: int = getattr(session_cli, name)(session_cli.Desk(chosen, bench, _scale(chosen, bench)))
        return status

    return run


def _scale(chosen: argparse.Namespace, bench: Bench) -> Scale:
    if not chosen.simulate:
        return bench.scale(chosen.config_path, chosen.scale)
    return bench.simulated(_simulated_dir(chosen), speed=chosen.speed, seed=chosen.seed, fault=chosen.fault)


def _simulated_dir(chosen: argparse.Namespace) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(chosen.state) if chosen.state else cache / "validation-station" / "simulated"


def _camera(chosen: argparse.Namespace, bench: Bench | None) -> int:
    """Calibrate a camera, or print its tags."""
    from calibration import camera_cli

    if chosen.sheets is not None:
        return camera_cli.print_sheets(Path(chosen.sheets), chosen.tag_mm)
    if bench is None:
        raise ConfigurationError("this command needs the station's drivers: use the program `calibrate`")
    chosen.config_path = None if chosen.simulate else stations.find(chosen.config)
    if chosen.simulate:
        camera = bench.simulated_camera(_simulated_dir(chosen), seed=chosen.seed, fault=chosen.fault)
    else:
        camera = bench.camera(chosen.config_path, chosen.camera)
    return camera_cli.run(chosen, bench, camera)


def _check_weight(chosen: argparse.Namespace, _bench: Bench | None) -> int:
    """Ask the running station to weigh its check weight."""
    from calibration.control_client import OutOfReachError, socket_path, span_check
    from calibration.loads import LoadError, mass_g

    config = _config(chosen)
    try:
        weight_g = None if chosen.weight is None else mass_g(chosen.weight)
        checked = span_check(socket_path(config.state_dir, config.control.socket), weight_g)
    except LoadError as error:
        raise ConfigurationError(f"--weight: {error}") from error
    except OutOfReachError as error:
        raise CalibrationError(str(error)) from error
    if chosen.json:
        _print_json(checked)
    else:
        print(
            f"{checked.outcome}: {checked.weight_g:g} g weighs {checked.weighed_g:.1f} g"
            f" ({checked.error_g:+.1f} g, {checked.relative:+.3%})"
        )
    return REFUSED if checked.outcome == "fail" else OK


def _config(chosen: argparse.Namespace) -> StationConfig:
    return stations.read(stations.find(chosen.config))


def _import(chosen: argparse.Namespace, _bench: Bench | None) -> int:
    """Judge the file, store it as the scale's calibration, and echo what it implies."""
    config = _config(chosen)
    number = _only_scale(chosen.scale, config)
    scale = config.scale[number - 1]
    cells = _read_factory(Path(chosen.file)).cells
    _check(cells, scale, chosen.file)
    record = store.new_record(factory.factory_calibration(cells, scale.division_g), "factory", datetime.now(UTC))
    path = store.save(config.state_dir, number, record)
    for warning in factory.warnings(cells):
        print(f"calibrate: warning: {warning}", file=sys.stderr)
    if chosen.json:
        _print_json({**_summary(number, record), "file": str(path), "warnings": factory.warnings(cells)})
    else:
        _print_record(number, record)
        print(f"stored in {path}; a running station takes it up by itself")
    return OK


def _show(chosen: argparse.Namespace, _bench: Bench | None) -> int:
    """Show the chosen scale, or all; status 1 where one that needs a calibration has none."""
    state_dir, wanted = _wanted(chosen)
    records = {number: store.load(state_dir, number) for number in wanted}
    cameras = [] if chosen.scale is not None else camera_store.load_all(state_dir)
    if chosen.json:
        views = [{"camera": record.camera, "record": record} for record in cameras]
        _print_json([*(_summary(number, record) for number, record in records.items()), *views])
    else:
        for number, record in records.items():
            _print_record(number, record)
            _print_more(state_dir, number)
        _print_cameras(cameras)
    return REFUSED if None in records.values() else OK


def _wanted(chosen: argparse.Namespace) -> tuple[Path, list[int]]:
    """Return where the calibrations are, and the scales to show."""
    if chosen.simulate:
        return _simulated_dir(chosen), [1]
    config = _config(chosen)
    numbers = range(1, len(config.scale) + 1) if chosen.scale is None else [_only_scale(chosen.scale, config)]
    return config.state_dir, [number for number in numbers if config.scale[number - 1].gives_counts]


def _only_scale(argument: int | None, config: StationConfig) -> int:
    """Return the number of the scale that is meant; it must be one that counts."""
    if not config.scale:
        raise ConfigurationError("the configuration has no [[scale]]")
    if argument is None:
        candidates = [number for number, scale in enumerate(config.scale, 1) if scale.gives_counts]
        if len(candidates) > 1:
            raise ConfigurationError(f"there are {len(config.scale)} scales: choose one with --scale N")
        argument = candidates[0] if candidates else 1
    if not 1 <= argument <= len(config.scale):
        raise ConfigurationError(f"--scale {argument}: the configuration has {len(config.scale)}")
    scale = config.scale[argument - 1]
    if not scale.gives_counts:
        raise ConfigurationError(f"scale {argument} ({scale.driver}) is calibrated by itself")
    return argument


def _read_factory(path: Path) -> factory.FactoryFile:
    try:
        return msgspec.json.decode(path.read_bytes(), type=factory.FactoryFile)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: {error}") from error


def _check(cells: tuple[Cell, ...], scale: stations.Scale, name: str) -> None:
    """Refuse cells that cannot be those of the scale."""
    faults = factory.faults(cells, scale.capacity_g)
    if scale.channels is not None and len(cells) != scale.channels:
        faults.insert(0, f"{len(cells)} cells, the configuration says channels = {scale.channels}")
    if faults:
        raise CalibrationError(f"{name}: {'; '.join(faults)}")


def _summary(number: int, record: Record | None) -> dict[str, Any]:
    if record is None:
        return {"scale": number, "calibrated": False}
    implied = factory.implied(record.calibration.cells)
    return {"scale": number, "calibrated": True, "record": record, "implied": implied}


def _print_json(value: Any) -> None:
    print(msgspec.json.encode(value).decode())


def _print_record(number: int, record: Record | None) -> None:
    if record is None:
        print(f"scale {number}: not calibrated; `calibrate import FILE` takes factory values")
        return
    calibration = record.calibration
    kind = "certified" if calibration.certified else "uncertified"
    print(f"scale {number}: {kind}, {record.source} values of {record.created}, {record.version}")
    for cell in factory.implied(calibration.cells):
        print(
            f"  cell {cell.channel}: zero {cell.zero_counts:.0f}, {cell.counts_per_g:g} counts/g"
            f" (as of a {cell.rated_g / 1000:.3g} kg cell; converter ends at {cell.saturates_g / 1000:.3g} kg)"
        )
    print(f"  uncertainty: zero {calibration.zero_sd_g:g} g, gain {calibration.gain_rel_sd:.2%}")


def _print_more(state_dir: Path, number: int) -> None:
    """Print the previous calibrations and an open session."""
    from calibration import sessions

    for kept in store.history(state_dir, number):
        if not kept.in_force:
            record = kept.record
            told = kept.problem if record is None else f"{record.version} of {record.created}, {record.source}"
            print(f"  before: {told}")
    session = sessions.find_open(state_dir, number)
    if session is not None:
        head = session.session
        made = len(session.captures)
        print(f"  open session {head.session_id} of {head.operator}, {made} captures: `calibrate run` goes on")


def _print_cameras(records: list[CameraRecord]) -> None:
    from calibration import camera_cli

    for record in records:
        print("\n".join(camera_cli.lines(record)))


HANDLERS: dict[str, Command] = {
    **{name: _at_desk(name) for name in ("run", "step", "accept", "abort", "report", "rollback")},
    "import": _import,
    "show": _show,
    "check": _check_weight,
    "camera": _camera,
}


def _complain(error: Exception | str, status: int, *, json: bool = False) -> int:
    print(f"calibrate: {error}", file=sys.stderr)
    if json:
        _print_json({"error": str(error)})
    return status


if __name__ == "__main__":
    sys.exit(main())
