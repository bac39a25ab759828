"""`station doctor`: examine a configured station, or find what is connected to a machine that has none yet."""

import argparse
import sys

from drivers.probing.serial_probe import Limits
from station import clitools, config
from station.doctor import examining, telling
from station.doctor.findings import Finding, Severity, failed
from station.doctor.probing import Bench, probe

_SECONDS, _LEAST_S, _MOST_S = 60.0, 5.0, 600.0

_EPILOG = """\
--probe only listens and reads; it opens no port that another program holds. Opening a serial port raises its control
lines, on which some boards restart. On I2C it switches multiplexers from channel to channel and sets them back.
--ask also sends, to ports that say nothing known: SI, I4, W, S14, IP, Q, ESC P, P, s, READ (weight or serial number),
ENQ and DC1 (CAS), a status request (Checkout-Dialog), a ping (load-cell bridge), at their usual line settings. None of
them sets a zero, a tare or a price; a scale with a printer may print. It starts a NAU7802 that it finds, and reads a
DFRobot board.
"""


def add_command(commands: clitools.Subparsers) -> None:
    """Add `doctor`."""
    parser = clitools.add_command(commands, "doctor", _run, "examine the station, or find what is connected")
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    clitools.add_config_option(parser)
    clitools.add_json_option(parser)
    parser.add_argument("--probe", action="store_true", help="find scales and converters, suggest a configuration")
    parser.add_argument("--ask", action="store_true", help="with --probe: put harmless questions to silent devices")
    parser.add_argument(
        "--port", action="append", metavar="PATH", help="with --probe: only this serial port; may be repeated"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=_SECONDS, help="with --probe: how long it may take (default: %(default)g)"
    )


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not _LEAST_S <= value <= _MOST_S:
        raise argparse.ArgumentTypeError(f"{text} is no number from {_LEAST_S:g} to {_MOST_S:g}")
    return value


def _run(arguments: argparse.Namespace) -> int:
    if arguments.probe:
        return run_probe(
            Bench(ports=arguments.port, ask=arguments.ask, limits=Limits(all_s=arguments.seconds)),
            as_json=arguments.json,
        )
    if arguments.ask or arguments.port:
        raise clitools.CommandError("--ask and --port belong to --probe", clitools.USAGE)
    return _examine(arguments)


def run_probe(bench: Bench, *, as_json: bool) -> int:
    """Probe, show the report, and return the exit status."""
    progress = telling.Progress(shown=sys.stderr is not None and sys.stderr.isatty())
    try:
        report = probe(bench, progress.tell)
    finally:
        progress.end()
    if as_json:
        clitools.print_json(telling.report_json(report))
    else:
        print(telling.report_text(report), end="")
    return clitools.FAILED if failed(report.findings) else clitools.OK


def _examine(arguments: argparse.Namespace) -> int:
    from station import wiring

    path = config.find(arguments.config)
    try:
        loaded = config.load(path, wiring.driver_options())
    except config.ConfigError as error:
        remedy = "correct it: `station config check` tells the same; `station doctor --probe` suggests the scales"
        _show(
            [
                Finding(part="configuration", severity=Severity.ERROR, evidence=problem, remedy=remedy)
                for problem in str(error).splitlines()
            ],
            as_json=arguments.json,
        )
        return clitools.USAGE
    counts = tuple(wiring.SCALES[scale.driver].counts for scale in loaded.scales)
    findings = examining.examine(examining.Case(loaded, counts, wiring.link_options(loaded)))
    _show(findings, as_json=arguments.json)
    return clitools.FAILED if failed(findings) else clitools.OK


def _show(findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        clitools.print_json(telling.findings_json(findings))
    else:
        print(telling.findings_text(findings), end="")
