"""Delivery on a real kernel: power cuts below ext4 (dm-log-writes), and a storm with real delay and loss (netem).

The log of dm-log-writes is replayed up to a mark set when a verdict was announced: what was not flushed by then is
not there. So the file system and the device below SQLite are real, and the disk keeps nothing that it need not keep.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.delivering import Task
from benchmarks.power_cuts import ID, Acknowledging
from benchmarks.power_told import Told, look
from tests.hw.guest import report
from tests.hw.guest.report import Facts, command
from tests.support.mosquitto import Mosquitto

VERDICTS, PER_S, CUTS = 60, 20.0, 12
MEGABYTE = 1024 * 1024
MOUNT = Path("/mnt")


def ran(*words: str) -> str:
    """Run a command and return its output."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def logged(folder: Path, options: str) -> Iterator[Path]:
    """Mount a fresh ext4 whose device logs what becomes durable; yield what it was before."""
    data, log, before = (folder / name for name in ("data", "log", "before"))
    for image, size in ((data, 64), (log, 640)):
        with image.open("wb") as file:
            file.truncate(size * MEGABYTE)
    ran("mke2fs", "-q", "-t", "ext4", str(data))
    ran("cp", "--sparse=always", str(data), str(before))
    loops = [ran("losetup", "-f", "--show", str(image)) for image in (data, log)]
    table = f"0 {ran('blockdev', '--getsz', loops[0])} log-writes {loops[0]} {loops[1]}"
    ran("dmsetup", "create", "logged", "--table", table)
    ran("mount", "-o", options, "/dev/mapper/logged", str(MOUNT))
    try:
        yield before
    finally:
        ran("umount", str(MOUNT))
        ran("dmsetup", "remove", "logged")
        for loop in loops:
            ran("losetup", "-d", loop)


def deliver(broker: Mosquitto, control: Literal["", "off"]) -> Told:
    """Let a station deliver onto the mounted disk; mark the log after each verdict that it announces."""
    state = MOUNT / "state"
    state.mkdir()
    ran("sync")
    told = Told(ID)
    task = Task(str(state), ID, broker.port, VERDICTS, PER_S, control=control)
    arguments = [sys.executable, "-m", "benchmarks.delivering", msgspec.json.encode(task).decode()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as station:
        for line in station.stdout or ():
            if line.startswith("verdict "):
                _, epoch, seq, _, digest = line.split()
                told.verdicts[epoch, int(seq)] = digest
                ran("dmsetup", "message", "logged", "0", "mark", seq)
    return told


def cut(folder: Path, before: Path, told: Told, upto: int) -> tuple[int, bool]:
    """Return how many of the verdicts announced until a mark are missing, and whether anything else is wrong."""
    image, known = folder / "cut", Told(ID)
    known.confirmed = VERDICTS
    known.verdicts = {place: digest for place, digest in told.verdicts.items() if place[1] <= upto}
    ran("cp", "--sparse=always", str(before), str(image))
    ran("replay-log", str(folder / "log"), str(image), str(upto))
    ran("mount", "-o", "loop", str(image), str(MOUNT))
    try:
        if not (MOUNT / "state").exists():
            return len(known.verdicts), True
        found = look(MOUNT / "state", known)
    finally:
        ran("umount", str(MOUNT))
    return found.missing, bool(found.changed or found.gaps or found.findings or found.damaged or found.refused)


def cuts(control: Literal["", "off"] = "", options: str = "defaults") -> Facts:
    """Deliver, then cut after every few verdicts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Mosquitto(folder) as broker, Acknowledging(broker.port):
            with logged(folder, options) as before:
                told = deliver(broker, control)
            results = [cut(folder, before, told, VERDICTS * n // CUTS) for n in range(1, CUTS + 1)]
    return {
        "told": len(told.verdicts),
        "cuts": len(results),
        "missing": sum(missing for missing, _ in results),
        "otherwise wrong": sum(wrong for _, wrong in results),
    }


def storm() -> Facts:
    """Let it storm, with what this kernel can do to packets."""
    words = ["--verdicts", "200", "--stations", "2", "--per-s", "3", "--queue", "10", "--grace", "200", "--json"]
    arguments = [sys.executable, "-m", "benchmarks.chaos", *words]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    result = json.loads(done.stdout)
    return {key: result[key] for key in ("strikes", "product", "plain", "settled", "seconds")}


def start() -> Facts:
    return {"loaded": command("modprobe", "dm-log-writes") and command("modprobe", "sch_netem")}


def main() -> None:
    report.run([
        ("start", start),
        ("cuts", cuts),
        ("cuts, synchronous off", lambda: cuts(control="off")),
        ("cuts, no barriers", lambda: cuts(options="nobarrier")),
        ("storm", storm),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
