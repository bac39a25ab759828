"""The thread of an emulated device: wait for the host's bytes or the next tick, whichever is first."""

import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from drivers.sim.host_port import HostPort

_MAX_WAIT_S = 0.02  # how long a request from another thread, such as `stop`, may wait
_ANSWER_S = 5.0


class Emulator(ABC):
    """Runs a device on a port until stopped. Subclasses say what happens on received bytes and on ticks."""

    def __init__(self, port: HostPort, name: str) -> None:
        self._port = port
        self._requests: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the device is on the wire when this returns."""
        self.begin()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the port."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_ANSWER_S)
        self._port.close()

    def ask(self, request: Callable[[], None]) -> None:
        """Do `request` in the device's own thread, and wait until it is done."""
        done = threading.Event()
        self._requests.put((request, done))
        done.wait(_ANSWER_S)

    def run(self) -> None:
        """Serve until stopped, or until the host is gone for good; `start` does this in a thread."""
        while not self._stopping.is_set() and not self._port.gone:
            data = self._port.receive(min(max(self.wait_s(), 0.0), _MAX_WAIT_S))
            if data:
                self.received(data)
            self.tick()
            while not self._requests.empty():
                request, done = self._requests.get()
                request()
                done.set()

    @abstractmethod
    def begin(self) -> None:
        """Power up."""

    @abstractmethod
    def wait_s(self) -> float:
        """Return how long until the next tick is due."""

    @abstractmethod
    def received(self, data: bytes) -> None:
        """Take bytes from the host."""

    @abstractmethod
    def tick(self) -> None:
        """Do what time brings."""
