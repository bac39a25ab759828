"""The device's end of a wire: a pseudo-terminal that can be unplugged, or a connected socket."""

import contextlib
import os
import pty
import select
import socket
import time
import tty
from pathlib import Path
from typing import Protocol

_CHUNK_BYTES = 4096


class HostPort(Protocol):
    """What an emulator needs of its wire. A byte that nobody takes is lost, as on a real line."""

    @property
    def gone(self) -> bool:
        """Whether the host hung up for good."""

    def receive(self, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes from the host; b"" when none came or nobody is connected."""

    def send(self, data: bytes) -> None:
        """Send without waiting."""

    def close(self) -> None:
        """Let go; never raises."""


class PtyPort:
    """A pseudo-terminal behind a symbolic link that stays when the device is plugged in again."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._master: int | None = None
        self._poll = select.poll()

    @property
    def gone(self) -> bool:
        """Never: another host may open the terminal."""
        return False

    def plug(self) -> None:
        """Make a new terminal and point the link at it."""
        self.close()
        master, slave = pty.openpty()
        tty.setraw(slave)
        name = os.ttyname(slave)
        os.close(slave)  # only the host opens it, so its exclusive claim ends with it
        os.set_blocking(master, False)
        fresh = self.link.with_name(self.link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(name)
        fresh.replace(self.link)
        self._poll = select.poll()
        self._poll.register(master, select.POLLIN)
        self._master = master

    def receive(self, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes from the host; b"" when none came or nobody is connected."""
        events = self._poll.poll(timeout_s * 1000) if self._master is not None else []
        if not events:
            if self._master is None:
                time.sleep(timeout_s)
            return b""
        if self._master is None or not events[0][1] & select.POLLIN:  # hung up: the host has closed its end
            time.sleep(timeout_s)
            return b""
        try:
            return os.read(self._master, _CHUNK_BYTES)
        except OSError:  # the host closed its end just now
            return b""

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        if self._master is not None and data:
            with contextlib.suppress(OSError):  # nobody reads: the terminal is full, or closed
                os.write(self._master, data)

    def close(self) -> None:
        """Unplug: the terminal dies, and the link with it."""
        master, self._master = self._master, None
        if master is not None:
            self.link.unlink(missing_ok=True)
            os.close(master)


class SocketPort:
    """A connected Unix socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._gone = False

    @property
    def gone(self) -> bool:
        """Whether the other end is closed."""
        return self._gone

    def receive(self, timeout_s: float) -> bytes:
        """Wait up to `timeout_s` for bytes from the host; b"" when none came."""
        if self._gone or not self._poll.poll(timeout_s * 1000):
            return b""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except OSError:
            data = b""
        self._gone = not data
        return data

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        with contextlib.suppress(BlockingIOError):  # nobody reads: lost, as on a line
            try:
                self._socket.send(data, socket.MSG_DONTWAIT)
            except (BrokenPipeError, ConnectionResetError):
                self._gone = True

    def close(self) -> None:
        """Hang up; never raises."""
        self._gone = True
        self._socket.close()
