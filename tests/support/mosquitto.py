"""A real mosquitto on a free loopback port, which can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

START_S = 10.0


def program() -> str:
    """Return the broker's path; skip the test where there is none."""
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return found


def free_port() -> int:
    """Return a TCP port of the loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Mosquitto:
    """One broker. `extra` are further lines of its configuration; `log` is what it wrote."""

    def __init__(self, folder: Path, *extra: str, anonymous: bool = True) -> None:
        self.port = free_port()
        self.log: list[str] = []
        self._program = program()
        self._config = folder / f"mosquitto-{self.port}.conf"
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'true' if anonymous else 'false'}"]
        lines += ["user root", "log_dest stderr", "log_type all", *extra]
        self._config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        running = threading.Event()
        process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self._process = process
        self._reader = threading.Thread(target=self._read, args=(process, running), daemon=True)
        self._reader.start()
        if not running.wait(START_S):
            self.kill()
            raise AssertionError("mosquitto did not start:\n" + "".join(self.log[-20:]))

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in an orderly way."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._reader is None:
            return
        self._process.send_signal(number)
        self._process.wait(START_S)
        self._reader.join(START_S)
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process = None

    def _read(self, process: subprocess.Popen[str], running: threading.Event) -> None:
        for line in process.stderr or ():
            self.log.append(line)
            if line.rstrip().endswith("running"):
                running.set()
