"""What a calibration costs the technician: actions, key presses and minutes, for a full and a routine one.

The guided flow itself runs on the simulated platform in virtual time: simulated hands begin three seconds after the
screen asks, need another second and one and a half for every weight they carry; whatever the screen asks is answered
with one key. Nothing is skipped. Beside it stands what the same table would cost with a key for every capture, as
tools without automatic capture want it.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import msgspec

from calibration import accepting, procedure, sessions
from calibration.bench import Scale
from calibration.captures import Hardware, Session
from calibration.conduct import Conductor
from calibration.guide import Guide
from calibration.loads import weight_set
from calibration.preparing import platform_of
from calibration.procedure import Kind
from calibration.remarks import Message
from calibration.sessions import SessionFile
from calibration.view import View
from drivers.sim.workbench import CAPACITY_G, DIVISION_G, Workbench

WEIGHTS = "4x10kg M1; 2x5kg M1"
RATE_HZ = 20.0
ANSWERED = {"is_empty", "all_there"}


class Patient:
    """A technician who answers what the screen asks; implements `calibration.conduct.Face`."""

    def __init__(self) -> None:
        self.presses = 0
        self.asked: list[str] = []
        self._keys: list[str] = []
        self._answered: Message | None = None

    def show(self, view: View, trouble: Message | None) -> None:
        """Read the screen."""
        question = trouble or view.question
        if question is None:
            self._answered = None
        elif question != self._answered and question.key in ANSWERED:
            self._answered = question
            self._keys.append("enter")
        if question is not None and (not self.asked or self.asked[-1] != question.key):
            self.asked.append(question.key)

    def pressed(self) -> Sequence[str]:
        """Press."""
        keys, self._keys = self._keys, []
        self.presses += len(keys)
        return keys


def scale_on(bench: Workbench, state_dir: Path) -> Scale:
    """Return the workbench as a scale to calibrate."""
    return Scale(
        station="vs-bench", number=1, driver="sim", part="scale-1", capacity_g=CAPACITY_G, division_g=DIVISION_G,
        gives_counts=True, options={}, make=lambda: bench, state_dir=state_dir, positions_mm=bench.positions_mm,
        hands=bench, now=lambda: datetime(2026, 3, 1, 10, tzinfo=UTC),
    )  # fmt: skip


def start(scale: Scale, kind: Kind, weights: str = WEIGHTS) -> SessionFile:
    """Begin a session as `calibrate run` would."""
    kit = weight_set(weights)
    platform = platform_of(scale, 4)
    plan = procedure.plan(kind, platform, procedure.choose_loads(platform, kit), procedure.OPTIONS[kind])
    head = Session(
        session_id="20260301T100000Z-1", station=scale.station, scale=1, kind=kind, created="2026-03-01T10:00:00Z",
        operator="bench", hardware=Hardware(driver="sim", part="scale-1", channels=4), capacity_g=scale.capacity_g,
        division_g=scale.division_g, verification_interval_g=scale.division_g, positions_mm=scale.positions_mm,
        weights=kit,
    )  # fmt: skip
    return sessions.begin(scale.state_dir, head, plan)


def guide_of(scale: Scale, session: SessionFile) -> Guide:
    """Return the guide of a session, where it stands."""
    return Guide(
        platform_of(scale, 4), session.session, session.plan, session.latest(), history=session.captures,
        prior=session.prior,
    )  # fmt: skip


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    kind: Kind
    steps: int
    actions: int
    by_hand: int  # actions in which something is put on or taken off
    key_presses: int
    minutes: float
    minutes_of_waiting: float  # creep, in which nobody is needed
    decision: str
    keys_without_automatic_capture: int


def run(kind: Kind, seed: int) -> Effort:
    """Go through one calibration."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Workbench(seed=seed, speed=None, rate_hz=RATE_HZ)
        scale = scale_on(bench, Path(folder))
        session = start(scale, kind)
        patient = Patient()
        Conductor(scale, session, guide_of(scale, session), patient, lambda _session: []).run()
        result = accepting.evaluated(session)
        creep = [capture for capture in session.captures if capture.step == "creep"]
        loads = [(action.do, action.load_g, action.position) for action in session.plan]
        moves = sum(now != before for before, now in pairwise(loads) if now[0] != "hold")
        return Effort(
            kind=kind,
            steps=len({action.step for action in session.plan}),
            actions=len(session.plan),
            by_hand=moves,
            key_presses=patient.presses,
            minutes=bench.elapsed_s / 60,
            minutes_of_waiting=(creep[-1].start_ns - creep[0].end_ns) / 60e9,
            decision=result.decision,
            keys_without_automatic_capture=len(session.plan),
        )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    kinds: tuple[Kind, ...] = ("full", "routine")
    found = [run(kind, given.seed) for kind in kinds]
    if given.json:
        print(json.dumps([msgspec.to_builtins(effort) for effort in found]))
        return 0
    print(f"{'':<10}{'steps':>7}{'captures':>10}{'loads moved':>13}{'keys':>6}", end="")
    print(f"{'keys otherwise':>16}{'minutes':>9}  of which creep")
    for effort in found:
        print(
            f"{effort.kind:<10}{effort.steps:>7}{effort.actions:>10}{effort.by_hand:>13}{effort.key_presses:>6}"
            f"{effort.keys_without_automatic_capture:>16}{effort.minutes:>9.1f}{effort.minutes_of_waiting:>10.1f}"
            f"   decision: {effort.decision}"
        )
    return 0 if all(effort.decision == "pass" for effort in found) else 1


if __name__ == "__main__":
    sys.exit(main())
