"""The commands of `calibrate` and their options."""

import argparse
from typing import Any, NoReturn, get_args

from calibration.captures import Direction, Position
from calibration.procedure import STEPS

USAGE = 2
DUE_MOST_DAYS = 3650
DUE_DAYS = 365  # a shop's station: once a year, and after every change of the mechanics
FORMATS = ("html", "pdf", "json", "dcc")  # of `calibration.certificate`, which takes long to load
SUMMARIES = {
    "diagnose": "look at the empty scale: noise, plugs, wiring",
    "as-found": "weigh with the calibration in force, before anything is touched",
    "exercise": "load the platform to its capacity, so that everything sits",
    "zero": "measure the empty platform",
    "corners": "measure one load in the middle and at every corner",
    "span": "measure the heaviest load again and again",
    "linearity": "measure rising loads",
    "eccentricity": "check one load in the middle and at every corner",
    "repeatability": "measure one load put down again and again",
    "discrimination": "see whether a small load is noticed",
    "creep": "keep a load on and watch it",
    "verify": "weigh test weights with the calibration in force",
}


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parser(handlers: dict[str, Any]) -> argparse.ArgumentParser:
    """Return the parser; each command's namespace carries `run`, of `handlers` by its name."""
    made: argparse.ArgumentParser = Parser(
        prog="calibrate", description="Calibrate the station's scales. Nothing is applied before `accept`."
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    _add_run(commands, handlers["run"])
    for step in STEPS:
        _add_step(commands, step, handlers["step"])
    _add_ends(commands, handlers)
    _add_camera(commands, handlers["camera"])
    bring_in = _command(commands, "import", handlers["import"], "take over factory values of the load cells")
    bring_in.add_argument(
        "file", metavar="FILE", help='JSON: {"cells": [{"zero_counts": ..., "counts_per_g": ...}, ...]}'
    )
    show = _command(
        commands, "show", handlers["show"], "show the calibration in force, previous ones, and an open session"
    )
    show.add_argument("--simulate", action="store_true", help="those of the simulated platform")
    show.add_argument("--state", metavar="DIR", help="where its sessions are kept")
    return made


def _command(commands: Any, name: str, run: Any, summary: str, *, simulate: bool = False) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    command.set_defaults(run=run, name=name)
    command.add_argument("--config", metavar="FILE", help="the station's configuration")
    command.add_argument("--scale", metavar="N", type=int, help="which [[scale]], counting from 1")
    command.add_argument("--json", action="store_true", help="print JSON")
    if simulate:
        command.add_argument("--lang", choices=("en", "de"), help="language; if absent, the terminal's")
        _add_simulation(command)
    else:
        command.set_defaults(simulate=False)
    return command


def _add_simulation(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("trying it out")
    group.add_argument("--simulate", action="store_true", help="a simulated platform; the simulator puts the load on")
    group.add_argument("--speed", type=_positive, default=4.0, metavar="N", help="how fast its time runs (4)")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="which platform")
    group.add_argument("--fault", choices=("dead", "swapped", "bound", "noisy"), help="what is wrong with cell 3")
    group.add_argument("--state", metavar="DIR", help="where its sessions are kept")


def _add_head(command: argparse.ArgumentParser) -> None:
    """Add what a session's head is made from."""
    command.add_argument("--operator", metavar="NAME", help="who calibrates")
    command.add_argument("--place", metavar="TEXT", help="where the station stands")
    command.add_argument(
        "--weights", metavar="LIST", help='test weights: "4x10kg M1; 2x5kg M1", or a JSON file with certificates'
    )
    command.add_argument(
        "--cell-rating", metavar="LOAD", help="nominal load of one cell; no corner is loaded beyond it"
    )
    command.add_argument(
        "--interval", type=_positive, metavar="G", help="verification interval e (default: division_g)"
    )
    command.add_argument("--repeats", type=int, choices=range(2, 21), metavar="N", help="placements for repeatability")
    command.add_argument("--creep-minutes", type=_not_negative, metavar="MIN", help="30 when full, 5 when routine")
    command.add_argument("--down", action="store_true", help="loads of the error curve also step by step downwards")
    command.add_argument("--no-as-found", action="store_true", help="take no readings with the calibration in force")
    command.add_argument(
        "--override", action="append", metavar='"CODE REASON"', help="let a refusal pass; the reason is recorded"
    )
    command.add_argument("--yes", action="store_true", help="ask nothing")


def _add_run(commands: Any, run: Any) -> None:
    command = _command(commands, "run", run, "the whole calibration, guided; takes up an open session", simulate=True)
    command.add_argument("--kind", choices=("full", "routine"), default="full", help="full: commissioning, certificate")
    command.add_argument("--new", action="store_true", help="abort the open session and begin a new one")
    _add_due(command)
    _add_head(command)


def _add_step(commands: Any, step: str, run: Any) -> None:
    command = _command(commands, step, run, SUMMARIES[step], simulate=True)
    command.set_defaults(step=step)
    command.add_argument(
        "--load", metavar="LOAD", help="what lies there: 10kg, 20,5 kg, a weight's name; none: nothing"
    )
    command.add_argument("--position", choices=get_args(Position), help="where: centre, front left, ... (C)")
    command.add_argument("--direction", choices=get_args(Direction), help="of the error curve")
    command.add_argument("--seconds", type=_positive, metavar="S", help="how long to measure")
    command.add_argument("--temperature", type=float, metavar="C", help="of the load cells, recorded")
    command.add_argument("--replace", action="store_true", help="repeat the capture of this load and place")
    _add_head(command)


def _add_ends(commands: Any, handlers: dict[str, Any]) -> None:
    accept = _command(commands, "accept", handlers["accept"], "put the session's result into force", simulate=True)
    _add_due(accept)
    accept.add_argument("--yes", action="store_true", help="ask nothing")
    _command(commands, "abort", handlers["abort"], "give the open session up; its captures stay", simulate=True)
    back = _command(commands, "rollback", handlers["rollback"], "put a previous calibration into force", simulate=True)
    back.add_argument("version", nargs="?", metavar="VERSION", help="which (default: the one before)")
    report = _command(commands, "report", handlers["report"], "what a session has shown", simulate=True)
    report.add_argument("--session", metavar="ID", help="which (default: the newest)")
    report.add_argument("--format", action="append", choices=FORMATS, help="write a certificate so; may be repeated")
    report.add_argument("--output", metavar="DIR", help="where to (default: beside the session)")
    report.add_argument("--laboratory", default="", metavar="NAME", help="who calibrates, on the certificate")
    report.add_argument("--customer", default="", metavar="NAME", help="for whom")
    report.add_argument("--country", default="DE", metavar="CC", help="two letters (DE)")
    check = _command(commands, "check", handlers["check"], "have the running station weigh its check weight")
    check.add_argument("--weight", metavar="LOAD", help="if another than the configured one")


def _add_camera(commands: Any, run: Any) -> None:
    summary = "focus, exposure, the platform in the picture, dirt, and whether the scale agrees"
    command = _command(commands, "camera", run, summary)
    command.add_argument("--lang", choices=("en", "de"), help="language; if absent, the terminal's")
    command.add_argument("--camera", metavar="NAME", help="which [[camera]]; not needed where there is one")
    command.add_argument("--platform", metavar="WxD", help="its width and depth in mm; if absent, as last time")
    command.add_argument("--tag-mm", type=_positive, default=40.0, metavar="MM", help="black square of a tag (40)")
    command.add_argument("--tags", metavar="FILE", help="JSON with each tag's id, x_mm, y_mm, size_mm")
    command.add_argument("--board", type=_positive, metavar="MM", help="a ChArUco board of 7 x 5 squares so wide")
    command.add_argument("--margin", type=_not_negative, default=20.0, metavar="MM", help="around the platform (20)")
    command.add_argument("--card", action="store_true", help="also look at a white card: dust, white balance")
    command.add_argument("--wave", action="store_true", help="also look at a patterned cloth being waved: smears")
    command.add_argument("--print", metavar="FILE", dest="sheets", help="write tags as SVG, to print at true size")
    command.add_argument("--operator", metavar="NAME", help="who calibrates")
    command.add_argument("--override", metavar="REASON", help="store it though something failed; recorded")
    command.add_argument("--yes", action="store_true", help="ask nothing: the platform is empty")
    group = command.add_argument_group("trying it out")
    group.add_argument("--simulate", action="store_true", help="a camera above a simulated platform")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="which")
    faults = ("blurred", "dark", "dirty", "mislaid", "untagged")
    group.add_argument("--fault", choices=faults, help="what is wrong with it")
    group.add_argument("--state", metavar="DIR", help="where its calibration is kept")


def _add_due(command: argparse.ArgumentParser) -> None:
    command.add_argument("--due", type=_days, default=DUE_DAYS, metavar="DAYS", help=f"valid for so long ({DUE_DAYS})")


def _days(text: str) -> int:
    value = int(text)
    if not 1 <= value <= DUE_MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text} must be 1 to {DUE_MOST_DAYS} days")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:  # noqa: PLR2004 - neither nan nor inf
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return value


def _not_negative(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 240:  # noqa: PLR2004 - four hours, the longest test there is
        raise argparse.ArgumentTypeError(f"{text} must be 0 to 240")
    return value
