"""The simulated world on a Unix socket, so that a daemon in another process weighs and sees the same things."""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.sim.bridge_emulator import BridgeEmulator
from drivers.sim.host_port import SocketPort
from drivers.sim.live import LiveWorld
from drivers.sim.protocol import BRIDGE, CAMERA, FRAME, PICTURE_HEADER
from drivers.sim.world import PlacedObject

_LONGEST_LINE = 16
_FIRST_LINE_TIMEOUT_S = 5.0
_JOIN_S = 5.0


class Renderer(Protocol):
    """Draws what lies on the platform: height x width x 3, RGB, uint8."""

    def __call__(self, objects: Sequence[PlacedObject], *, rng_seed: int) -> NDArray[np.uint8]:
        """Draw; `rng_seed` varies the noise from picture to picture."""


class WorldServer:
    """Serves one live world at `path` to any number of clients until stopped."""

    def __init__(self, live: LiveWorld, path: Path, render: Renderer) -> None:
        self._live = live
        self._path = path
        self._render = render
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._pictures = 0
        self._thread = threading.Thread(target=self._accept, name="world-server", daemon=True)

    def start(self) -> None:
        """Begin to listen; clients can connect when this returns."""
        self._path.unlink(missing_ok=True)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and remove the socket."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._thread.join(_JOIN_S)
        self._listener.close()
        self.hang_up()
        self._path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        """Break all connections, as a fault; clients may come again."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # stopped
                return
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="world-client", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the client went away
            connection.settimeout(_FIRST_LINE_TIMEOUT_S)
            wanted = _read_line(connection)
            connection.settimeout(None)
            if wanted == BRIDGE:
                bridge = BridgeEmulator(self._live, SocketPort(connection))
                bridge.begin()
                bridge.run()
            elif wanted == CAMERA:
                while _read_line(connection) == FRAME:
                    self._send_picture(connection)
        with self._lock:
            self._connections.discard(connection)

    def _send_picture(self, connection: socket.socket) -> None:
        t_ns = time.monotonic_ns()
        with self._lock:
            self._pictures += 1
            number = self._pictures
        pixels = np.ascontiguousarray(self._render(self._live.snapshot(), rng_seed=number))
        height_px, width_px, _ = pixels.shape
        connection.sendall(PICTURE_HEADER.pack(t_ns, height_px, width_px) + pixels.tobytes())


def _read_line(connection: socket.socket) -> bytes:
    """Return one line, newline included, or what came before the end of the connection."""
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
        byte = connection.recv(1)  # no more: what follows the line belongs to the device
        if not byte:
            break
        line += byte
    return line
