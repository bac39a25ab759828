"""`calibrate`: the technician's tool. Exit status 0 done, 1 refused, 2 wrong usage or bad configuration."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from calibration import factory, stations, store
from calibration.model import Cell
from calibration.stations import ConfigurationError, StationConfig
from calibration.store import CalibrationError, Record

OK, REFUSED, USAGE = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors are one line on stderr."""
    chosen = _parser().parse_args(arguments)
    try:
        config = stations.read(stations.find(chosen.config))
        status: int = chosen.run(chosen, config)
    except ConfigurationError as error:
        return _complain(error, USAGE)
    except CalibrationError as error:
        return _complain(error, REFUSED)
    return status


class _Parser(argparse.ArgumentParser):
    """argparse with errors of one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="calibrate", description="Calibrate the station's load cells.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    bring_in = commands.add_parser("import", help="take over factory values of the load cells")
    bring_in.add_argument(
        "file", metavar="FILE", help='JSON: {"cells": [{"zero_counts": ..., "counts_per_g": ...}, ...]}'
    )
    bring_in.set_defaults(run=_import)
    show = commands.add_parser("show", help="show the calibration in force")
    show.set_defaults(run=_show)
    for command in (bring_in, show):
        command.add_argument("--config", metavar="FILE", help="the station's configuration")
        command.add_argument("--scale", metavar="N", type=int, help="which [[scale]], counting from 1")
        command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _import(chosen: argparse.Namespace, config: StationConfig) -> int:
    """Judge the file, store it as the scale's calibration, and echo what it implies."""
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
        print(f"stored in {path}; the station takes it up at its next start")
    return OK


def _show(chosen: argparse.Namespace, config: StationConfig) -> int:
    """Show the chosen scale, or all; status 1 where one that needs a calibration has none."""
    numbers = range(1, len(config.scale) + 1) if chosen.scale is None else [_only_scale(chosen.scale, config)]
    wanted = [number for number in numbers if config.scale[number - 1].gives_counts]
    records = {number: store.load(config.state_dir, number) for number in wanted}
    if chosen.json:
        _print_json([_summary(number, record) for number, record in records.items()])
    else:
        for number, record in records.items():
            _print_record(number, record)
    return REFUSED if None in records.values() else OK


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


def _complain(error: Exception, status: int) -> int:
    print(f"calibrate: {error}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
