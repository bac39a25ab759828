"""A technician's terminal of 80 by 24: a program on a pseudo-terminal, its screen read back."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pyte

COLUMNS, ROWS = 80, 24
DEADLINE_S = 50.0


class Terminal:
    """One program; `wait` until the screen says something, `type` on it, `kill` it as a power cut would."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:  # the child becomes the program, or ends
            with contextlib.suppress(OSError):
                os.execve(command[0], list(command), {**os.environ, "TERM": "xterm", **(environment or {})})  # noqa: S606
            os._exit(127)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait(self, *texts: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait until one of the texts stands on the screen, and return which."""
        until_s = time.monotonic() + deadline_s
        while True:
            found = next((text for text in texts if text in self.text), None)
            if found is not None:
                return found
            assert time.monotonic() < until_s, f"{texts} did not come:\n{self.text}"
            assert self._read(0.1), f"it ended before {texts}:\n{self.text}"

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def interrupt(self) -> None:
        self.type("\x03")

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def end(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait until the program has ended; return its exit status, negative for a signal."""
        until_s = time.monotonic() + deadline_s
        while self._read(0.1):
            assert time.monotonic() < until_s, f"it did not end:\n{self.text}"
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self, seconds: float) -> bool:
        """Read what there is; return False after the end."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65_536)
        except OSError:  # the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


def program(name: str) -> str:
    """Return the path of a console script of this environment."""
    import sys

    return str(Path(sys.executable).with_name(name))
