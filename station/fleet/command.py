"""`station fleet`: the command line of a fleet, its progress and its table."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from station import clitools
from station.fleet.options import FleetOptions, Result

STATIONS_MOST = 20_000
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made there
_BEGIN_LINE = "\r\x1b[K"

_EPILOG = """\
Each station has a client of its own (client id = station id), last will, birth message, health and an outbox on disk;
this command also plays the backend: it claims baskets, counts and acknowledges verdicts, in memory. First all stations
connect at once; then claims come for the given time; then every connection is cut at once. Whenever connections are
lost otherwise, because you restart the broker, say, the table tells how long it took until all were online again.
Outboxes lie in memory unless --state names a folder: real stations have a disk each, and need not wait for one another.

With --ca every station gets a certificate by a lab's authority (station provision lab-ca); without, plain TCP, which
goes to loopback only. Never point it at a broker that real stations use: ids begin with `fleet-`, but load is load.
"""


def add_command(commands: clitools.Subparsers) -> None:
    """Add `fleet`."""
    parser = clitools.add_command(commands, "fleet", _run, "load a broker with many simulated stations")
    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    number = parser.add_argument
    number("--stations", metavar="N", type=_within(1, STATIONS_MOST, int), default=100, help="default: %(default)s")
    number(
        "--processes", metavar="N", type=_within(1, 64, int), help="default: one for 500 stations, at most one a core"
    )
    number(
        "--rate", metavar="PER_S", type=_within(0, 10_000, float), default=20.0, help="claims (default: %(default)s)"
    )
    number("--duration", metavar="S", type=_within(0, 86_400, float), default=30.0, help="of the load (default: 30)")
    number("--storms", metavar="N", type=_within(0, 100, int), default=1, help="how often to cut all (default: 1)")
    number("--patience", metavar="S", type=_within(1, 3600, float), default=120.0, help="for a storm (default: 120)")
    number("--backoff-min", metavar="S", type=_within(0.01, 3600, float), default=1.0, help="as mqtt.backoff_min_s")
    number("--seed", metavar="N", type=int, default=1, help="other baskets and other chance (default: 1)")
    parser.add_argument("--lean", action="store_true", help="verdicts and answers only, no evt/transaction")
    parser.add_argument("--host", default="127.0.0.1", help="the broker (default: %(default)s)")
    number("--port", metavar="PORT", type=_within(1, 65_535, int), help="default: 8883 with --ca, else 1883")
    parser.add_argument("--ca", metavar="DIR", type=Path, help="a lab's authority, which signs for every station")
    parser.add_argument("--backend", default="backend.1", help="its name in the access list (default: %(default)s)")
    parser.add_argument("--store", default="fleet", help="default: %(default)s")
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        help="outboxes lie there (default: in memory), and certificates stay for the next run",
    )
    clitools.add_json_option(parser)


def _within(least: float, most: float, kind: type[int] | type[float]) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not within {least:g} to {most:g}")
        return value

    read.__name__ = "number"
    return read


def _run(given: argparse.Namespace) -> int:
    from station.fleet.run import FleetError, Run

    tell = _progress(shown=sys.stderr.isatty() and not given.json)
    if given.state is not None:
        given.state.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="station-fleet-", dir=given.state or _memory()) as outboxes:
        folder = Path(outboxes)
        options = _options(given, given.state or folder, tell)
        run = Run(options, folder, tell)
        try:
            result = run.go()
        except FleetError as error:
            raise clitools.CommandError(str(error)) from error
        finally:
            run.close()
            tell("")
    if given.json:
        clitools.print_json({**msgspec.to_builtins(result), "well": result.well})
    else:
        _show(result)
    return clitools.OK if result.well else clitools.FAILED


def _options(given: argparse.Namespace, folder: Path, tell: Callable[[str], None]) -> FleetOptions:
    processes = given.processes or max(1, min(os.cpu_count() or 1, -(-given.stations // 500)))
    options = FleetOptions(
        host=given.host, port=given.port or (8883 if given.ca else 1883),
        backend=given.backend, store=given.store, stations=given.stations,
        processes=processes, rate_per_s=given.rate, duration_s=given.duration, storms=given.storms, seed=given.seed,
        lean=given.lean, patience_s=given.patience, backoff_min_s=given.backoff_min,
        backoff_max_s=max(60.0, given.backoff_min), certificates=None if given.ca is None else folder / "certificates",
    )  # fmt: skip
    try:
        options.link("x")
    except ValueError as error:
        raise clitools.CommandError(f"{error}: give the lab's authority with --ca", clitools.USAGE) from error
    if given.ca is not None:
        _provide(given.ca, options, tell)
    return options


def _provide(ca: Path, options: FleetOptions, tell: Callable[[str], None]) -> None:
    from station.fleet import certificates
    from station.provision.authority import Authority
    from station.provision.folder import FolderError
    from station.provision.issuing import IssueError

    assert options.certificates is not None  # noqa: S101 - given with `ca`
    try:
        certificates.provide(Authority(ca), options.certificates, options, lambda n: tell(f"certificates: {n}"))
    except (FolderError, IssueError) as error:
        raise clitools.CommandError(str(error)) from error


def _memory() -> str | None:
    """Return where files cost no disk: every real station has one of its own, all of these would share one."""
    return str(MEMORY) if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None


def _progress(*, shown: bool) -> Callable[[str], None]:
    def tell(text: str) -> None:
        if shown:
            sys.stderr.write(f"{_BEGIN_LINE}{text[:118]}")
            sys.stderr.flush()

    return tell


def _show(result: Result) -> None:
    from rich.console import Console
    from rich.table import Table

    secured = "mutual TLS" if result.tls else "plain TCP"
    table = Table(
        title=f"{result.stations} stations in {result.processes} process(es), {secured}", title_justify="left"
    )
    table.add_column("")
    table.add_column("seen", justify="right")
    latency = ", ".join(f"{name} {value:.1f}" for name, value in result.latency_ms.items()) or "none"
    for storm in result.storms:
        seen = "not in time" if storm.seconds is None else f"{storm.seconds:.2f} s"
        table.add_row(f"until all are online, {storm.stations} were not ({storm.cause})", seen)
    rows = (
        ("claims, answers", f"{result.claims}, {_counted(result.answers)}"),
        ("verdicts", f"{result.verdicts}"),
        ("verdicts a second", f"{result.verdicts_per_s:.1f}"),
        ("verdict made to verdict received, ms", latency),
        ("late, duplicates, differing duplicates", f"{result.late}, {result.duplicates}, {result.differing}"),
        ("gaps, claims without verdict, unconfirmed", f"{result.gaps}, {result.missing}, {result.unconfirmed}"),
        ("published by stations, refused by the broker", f"{result.published}, {result.refused}"),
        ("processor time of the stations", f"{result.processor_s:.1f} s"),
    )
    for name, seen in rows:
        table.add_row(name, seen)
    Console().print(table)
    for trouble, count in result.troubles.items():
        print(f"{count} x {trouble}")


def _counted(answers: dict[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(answers.items())) or "none"
