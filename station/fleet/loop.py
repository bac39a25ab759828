"""One thread that serves many connections: who is ready, whose time has come, who has just connected.

Connecting waits for TCP and TLS, so a few threads do that; the connection is then handed to the loop. All else runs in
the thread that calls `turn`.
"""

import heapq
import itertools
import queue
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

CONNECTING_AT_ONCE = 48
LONGEST_S = 0.25


class Served(Protocol):
    """One connection of the loop."""

    def serve(self, *, readable: bool) -> None:
        """Read, write, keep alive."""

    @property
    def wants_write(self) -> bool:
        """Whether the socket must take more before anything else is of use."""


class Loop:
    """See the module."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._touched: dict[Served, None] = {}
        self._done: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._pool = ThreadPoolExecutor(CONNECTING_AT_ONCE, "connect")
        self._ear, self._bell = socket.socketpair()
        self._bell.settimeout(0)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._writing: set[int] = set()

    def later(self, delay_s: float, work: Callable[[], None]) -> None:
        """Do something after a while."""
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), work))

    def apart(self, work: Callable[[], Callable[[], None]]) -> None:
        """Do what waits in another thread; what it returns is done in this one."""

        def run() -> None:
            self._done.put(work())
            try:
                self._bell.send(b"d")
            except OSError:  # full: it looks anyhow; closed: nobody is left to look
                return

        self._pool.submit(run)

    def listen(self, file: Any, heard: Callable[[], None]) -> None:
        """Call when there is something to read."""
        self._selector.register(file, selectors.EVENT_READ, heard)

    def watch(self, fd: int, served: Served) -> None:
        """Serve a connection whenever it is readable."""
        self._selector.register(fd, selectors.EVENT_READ, served)

    def forget(self, fd: int) -> None:
        """Serve a connection no more."""
        self._writing.discard(fd)
        self._selector.unregister(fd)

    def interest(self, fd: int, served: Served) -> None:
        """Ask for writability exactly while the connection wants it."""
        if served.wants_write == (fd in self._writing):
            return
        self._writing ^= {fd}
        write = selectors.EVENT_WRITE if fd in self._writing else 0
        self._selector.modify(fd, selectors.EVENT_READ | write, served)

    def touch(self, served: Served) -> None:
        """Something was queued for a connection: write it soon."""
        self._touched[served] = None

    def turn(self) -> None:
        """Wait for the next things to do, and do them."""
        for key, events in self._selector.select(self._wait_s()):
            if key.fileobj is self._ear:
                self._ear.recv(4096)
            elif callable(key.data):
                key.data()
            else:
                key.data.serve(readable=bool(events & selectors.EVENT_READ))
        while not self._done.empty():
            self._done.get()()
        now_s = time.monotonic()
        while self._timers and self._timers[0][0] <= now_s:
            heapq.heappop(self._timers)[2]()
        while self._touched:
            touched, self._touched = self._touched, {}
            for served in touched:
                served.serve(readable=False)

    def close(self) -> None:
        """Let go of everything."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._selector.close()
        self._ear.close()
        self._bell.close()

    def _wait_s(self) -> float:
        if self._touched or not self._done.empty():
            return 0.0
        due_s = self._timers[0][0] - time.monotonic() if self._timers else LONGEST_S
        return min(max(due_s, 0.0), LONGEST_S)
