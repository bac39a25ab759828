"""systemd's end of sd_notify: a socket that keeps what it is told."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE_S = 30.0


class NotifyListener:
    """A datagram socket, and the lines that came, in order."""

    def __init__(self, folder: Path, watchdog_s: float | None = None) -> None:
        self.path = folder / "notify"
        self.environ = {"NOTIFY_SOCKET": str(self.path)}
        if watchdog_s is not None:
            self.environ["WATCHDOG_USEC"] = str(round(watchdog_s * 1e6))
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))
        self._thread.join(PATIENCE_S)
        self._socket.close()
        self.path.unlink()

    def _listen(self) -> None:
        while data := self._socket.recv(4096):
            with self._news:
                self.lines.extend(data.decode().split("\n"))
                self._news.notify_all()

    def wait(self, done: Callable[[list[str]], bool]) -> None:
        """Wait until what came so far satisfies this."""
        with self._news:
            assert self._news.wait_for(lambda: done(self.lines), PATIENCE_S), self.lines

    def feeds(self) -> int:
        """Return how many signs of life there were."""
        return self.lines.count("WATCHDOG=1")

    def wait_feeds(self, more: int) -> None:
        """Wait for so many more signs of life."""
        wanted = self.feeds() + more
        self.wait(lambda lines: lines.count("WATCHDOG=1") >= wanted)
