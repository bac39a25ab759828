"""The parts of the storm: processes, a broker that can be restarted in every way, and what only root may do to them.

What a process said is kept outside of it. Root may fill a disk, lose packets and let clocks jump.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.mosquitto import Mosquitto

LIMIT_S = 20.0
INSIDE = "STATION_CHAOS_INSIDE"  # set where the network and the mounts are our own
DISK_BYTES = 24 * 1024 * 1024


class Part:
    """A process that may be killed and started again; `said` holds the lines that it wrote, whatever became of it."""

    def __init__(self, arguments: list[str], log: Path, extra: dict[str, str] | None = None) -> None:
        self.said: list[str] = []
        self._log = log
        self._command = [sys.executable, "-m", *arguments]
        self._environment = {**os.environ, **(extra or {})}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it unless it runs."""
        if self._process is None:
            with self._log.open("a", encoding="utf-8") as log:
                process = subprocess.Popen(
                    self._command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment
                )
            self._process = process
            self._reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            self._reader.start()

    def kill(self) -> None:
        """End it as a power switch would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def halt(self, *, on: bool) -> None:
        """Let it stand still, or go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    @property
    def done(self) -> bool:
        """Whether it said that it has nothing left to do."""
        return "done" in self.said

    @property
    def crashes(self) -> list[str]:
        """Return the last lines of what it died of by itself, if it did."""
        text = self._log.read_text(encoding="utf-8") if self._log.exists() else ""
        return [part.strip().splitlines()[-1] for part in text.split("Traceback (most recent call last):")[1:]]

    def lines(self, kind: str) -> list[list[str]]:
        """Return the words behind `kind` of every line that begins with it."""
        return [words[1:] for line in list(self.said) if (words := line.split()) and words[0] == kind]

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None and self._reader is not None:
            self._process.send_signal(number)
            self._process.wait(LIMIT_S)
            self._reader.join(LIMIT_S)
            self._process = None

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line.endswith("\n"):  # what a kill cut off was not said
                    self.said.append(line.rstrip("\n"))


class Broker:
    """mosquitto with persistence and a short queue for absent clients."""

    def __init__(self, folder: Path, queue: int) -> None:
        self._folder = folder / "broker"
        self._folder.mkdir()
        lines = ["persistence true", f"persistence_location {self._folder}/", f"max_queued_messages {queue}"]
        self._mosquitto = Mosquitto(folder, *lines, "autosave_interval 10")
        self._runs = False

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._mosquitto.port

    def start(self) -> None:
        """Start it unless it runs; it reads what it saved."""
        if not self._runs:
            self._mosquitto.start()
            self._runs = True

    def kill(self) -> None:
        """Kill it: what it knew since it saved last, within 10 s, is gone."""
        self._mosquitto.kill()
        self._runs = False

    def stop(self) -> None:
        """End it in an orderly way: it saves everything."""
        self._mosquitto.stop()
        self._runs = False

    def forget(self) -> None:
        """Remove what it saved."""
        shutil.rmtree(self._folder)
        self._folder.mkdir()


class Kernel:
    """What is done to the loopback and to mounts. Only inside namespaces of our own; see `enter`."""

    def __init__(self) -> None:
        self.available = os.environ.get(INSIDE) == "1"
        if self.available:
            _run("ip", "link", "set", "lo", "up", "mtu", "1500")

    def shape(self, *words: str) -> None:
        """Shape all packets of the loopback (`tc qdisc`); without words no more."""
        _run("tc", "qdisc", *(("replace", "dev", "lo", "root", *words) if words else ("del", "dev", "lo", "root")))

    def link(self, *, up: bool) -> None:
        """Take the network away, or give it back."""
        _run("ip", "link", "set", "lo", "up" if up else "down")

    @staticmethod
    def has(*words: str) -> bool:
        """Say whether the kernel knows such a shape."""
        known = subprocess.run(
            ["tc", "qdisc", "replace", "dev", "lo", "root", *words], capture_output=True, check=False
        )
        if known.returncode == 0:
            _run("tc", "qdisc", "del", "dev", "lo", "root")
        return known.returncode == 0


class SmallDisk:
    """A memory file system of bounded size as a station's state directory."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ballast = folder, folder / "ballast"
        _run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(folder))

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 65536):
                    pass
            except OSError:  # it is full
                return

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Give it up, with all that is on it."""
        _run("umount", "--lazy", str(self._folder))


class Clock:
    """A wall clock that jumps, for one process: libfaketime, where it is installed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
        self.jump(0)

    def environment(self) -> dict[str, str]:
        """Return what makes a process live by this clock; its monotonic clock stays."""
        if self.library is None:
            return {}
        return {
            "LD_PRELOAD": str(self.library), "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def jump(self, days: int) -> None:
        """Set the clock so many days before or behind the true time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{days:+d}d\n", encoding="ascii")
        fresh.replace(self._file)


def enter(module: str) -> None:
    """Begin anew in a network and with mounts of our own, where that is allowed; return where it is not."""
    unshare = shutil.which("unshare")
    if os.environ.get(INSIDE) == "1" or os.geteuid() != 0 or unshare is None or shutil.which("tc") is None:
        return
    inside = [unshare, "--net", "--mount", "--propagation", "private"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode == 0:
        os.environ[INSIDE] = "1"
        os.execv(unshare, [*inside, sys.executable, "-m", module, *sys.argv[1:]])  # noqa: S606 - no shell is wanted


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
