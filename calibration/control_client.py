"""The technician's end of the control socket: takes a running station out of service for as long as a block lasts.

    with out_of_service(state_dir, scale=1, who="calibrate") as hold:
        ...  # the ports are ours; `hold.running` is False where no daemon runs, then they were free anyway

However the block ends, and if the process dies in it, the station goes back into service.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from calibration.control import SOCKET_NAME, Ask, Checked, ControlError, Lines, Told, decode_told, encode

ANSWER_S = 5.0  # the daemon answers at once
DRAIN_S = 180.0  # a shopper is served to the end, at most two minutes; then ports are let go


class OutOfReachError(Exception):
    """The station cannot be taken out of service; the message says why and what to do."""


class Hold:
    """A station held out of service, or the knowledge that none runs."""

    def __init__(self, link: "_Link | None") -> None:
        self._link = link

    @property
    def running(self) -> bool:
        """Return whether a daemon runs, and is held."""
        return self._link is not None

    def check(self) -> None:
        """Raise `OutOfReachError` if the daemon has gone, or taken itself back: then the ports are no longer ours."""
        if self._link is not None and self._link.ask(Ask(do="status"), ANSWER_S).state != "out_of_service":
            raise OutOfReachError("the station took itself back into service; begin again")


def socket_path(state_dir: Path, configured: str | None = None) -> Path:
    """Return where the station listens: where the configuration says (`control.socket`), else in its state."""
    return Path(configured) if configured else state_dir / SOCKET_NAME


@contextlib.contextmanager
def out_of_service(
    where: Path,
    scale: int | None = None,
    *,
    who: str = "calibrate",
    wait_s: float = DRAIN_S,
    progress: Callable[[Told], None] | None = None,
) -> Iterator[Hold]:
    """Hold the station of this state directory (or socket) out of service; a station that does not run is no error.

    `progress` is told while a shopper is still being served. Raises `OutOfReachError`.
    """
    link = _connect(where / SOCKET_NAME if where.is_dir() else where)
    if link is None:
        yield Hold(None)
        return
    with contextlib.closing(link):
        link.ask(Ask(do="take", scale=scale, who=who), wait_s, progress)
        yield Hold(link)
        with contextlib.suppress(OutOfReachError):  # closing does the same
            link.ask(Ask(do="back"), ANSWER_S)


def status(where: Path) -> Told | None:
    """Return how the station stands, None where none runs."""
    link = _connect(where / SOCKET_NAME if where.is_dir() else where)
    if link is None:
        return None
    with contextlib.closing(link):
        return link.ask(Ask(do="status"), ANSWER_S)


def span_check(where: Path, weight_g: float | None = None, wait_s: float = 60.0) -> Checked:
    """Have the station weigh its check weight, to be put on the empty platform within `wait_s`."""
    link = _connect(where / SOCKET_NAME if where.is_dir() else where)
    if link is None:
        raise OutOfReachError("no station runs here; start it, or use `calibrate verify`")
    with contextlib.closing(link):
        told = link.ask(Ask(do="check", weight_g=weight_g, wait_s=wait_s), wait_s + ANSWER_S)
    if told.checked is None:
        raise OutOfReachError("the station gave no result; try again")
    return told.checked


class _Link:
    """One connection; one question at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = Lines()
        self._waiting: list[bytes] = []

    def close(self) -> None:
        """End the connection, and with it the hold."""
        self._connection.close()

    def ask(self, ask: Ask, wait_s: float, progress: Callable[[Told], None] | None = None) -> Told:
        """Return the answer; raise `OutOfReachError` for a refusal, for silence, and if the station ends."""
        until_s = time.monotonic() + wait_s
        try:
            self._connection.sendall(encode(ask))
            while (told := self._next(until_s)).waiting:
                if progress is not None:
                    progress(told)
        except TimeoutError as error:
            raise OutOfReachError(f"the station did not answer within {wait_s:g} s; try again") from error
        except (OSError, ControlError) as error:
            raise OutOfReachError(f"the station's answer is lost ({error}); see its log") from error
        if told.error is not None:
            raise OutOfReachError(f"{told.message}; {told.remedy}")
        return told

    def _next(self, until_s: float) -> Told:
        while not self._waiting:
            self._connection.settimeout(max(until_s - time.monotonic(), 0.001))
            data = self._connection.recv(4096)
            if not data:
                raise ConnectionResetError("the connection has ended")
            self._waiting.extend(self._lines.feed(data))
        return decode_told(self._waiting.pop(0))


def _connect(path: Path) -> _Link | None:
    """Return the connection, None where no daemon listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with short_path(path) as name:
            connection.connect(name)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        remedy = "use the station's user, root, or a user of the group that `control.group` names"
        raise OutOfReachError(f"{path}: {error.strerror}; {remedy}") from error
    return _Link(connection)


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name of this socket that is short enough for the kernel (107 bytes), however deep it lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
