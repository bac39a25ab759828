"""The host's end of the simulated world's socket; implements `drivers.link.Link`."""

import contextlib
import select
import socket

from drivers.base import SensorError

_CHUNK_BYTES = 65_536
_TIMEOUT_S = 1.0
_REMEDY = "start the simulated world, or correct `world` in the configuration"


class SocketLink:
    """One connection to the world at `path`, opened with the line `wanted`."""

    def __init__(self, path: str, wanted: bytes) -> None:
        self._path = path
        self._wanted = wanted
        self._socket: socket.socket | None = None
        self._poll = select.poll()

    @property
    def name(self) -> str:
        """The path of the socket."""
        return self._path

    def open(self) -> None:
        """Connect and say what is wanted."""
        self.close()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_TIMEOUT_S)
        try:
            connection.connect(self._path)
            connection.sendall(self._wanted)
        except OSError as error:
            connection.close()
            raise SensorError(f"no simulated world at {self._path}", _REMEDY) from error
        self._socket = connection
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes there are; wait up to `timeout_s` for the first one; b"" when none came."""
        connection = self._require_open()
        if not self._poll.poll(max(0.0, timeout_s) * 1000):
            return b""
        try:
            data = connection.recv(_CHUNK_BYTES)
        except OSError as error:
            raise self._lost() from error
        if not data:
            raise self._lost()
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`, or fail within a second."""
        try:
            self._require_open().sendall(data)
        except SensorError:
            raise
        except OSError as error:
            raise self._lost() from error

    def discard_input(self) -> None:
        """Forget what has arrived and was not read."""
        while self.read(0.0):
            pass

    def close(self) -> None:
        """Hang up; never raises."""
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()

    def _require_open(self) -> socket.socket:
        if self._socket is None:
            raise SensorError(f"{self._path} is not open", "open the link first")
        return self._socket

    def _lost(self) -> SensorError:
        return SensorError(f"the simulated world at {self._path} hung up", _REMEDY)
