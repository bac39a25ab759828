"""The control socket: where a technician's tool on this machine asks the running station for things.

A Unix socket, mode 0660. Whoever connects is known to the kernel (SO_PEERCRED), not by what he says: root, the
station's own user, and members of the configured group are heard, others are told so and let go. The thread here owns
the sockets and speaks the language (`calibration.control`); it puts questions on the consumer's queue (`Asked`, and
`Gone` when a caller has left, however) and writes the answers. What they mean is `service`'s business.
"""

import contextlib
import grp
import itertools
import os
import pwd
import selectors
import socket
import struct
import threading
from pathlib import Path

import msgspec

from calibration.control import Ask, ControlError, Lines, Told, decode_ask, encode
from calibration.control_client import short_path
from station.core.effects import Alarm
from station.sensing import Emit, Worker

MODE = 0o660
CALLERS_MAX = 8
LOOK_S = 0.25  # how long the thread may take to notice that it shall end
RECEIVE_BYTES = 4096
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class Asked(msgspec.Struct, frozen=True):
    """A caller wants something; `peer` is who it is, in words."""

    caller: int
    peer: str
    ask: Ask


class Gone(msgspec.Struct, frozen=True):
    """A caller has left."""

    caller: int


class Deaf(msgspec.Struct, frozen=True):
    """There is no socket: tools cannot reach the station."""

    reason: str

    def alarm(self) -> Alarm:
        """Return what to tell."""
        text = f"no control socket, so that tools cannot take the station out of service: {self.reason}"
        remedy = "correct [control] in the configuration, and the owner of its folder; then restart"
        return Alarm(
            code="CONTROL_FAILED", part="control", raised=True, severity="warning", message=text, remedy=remedy
        )


class ControlOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, and which group may call besides root and the station's user."""

    path: Path
    group: str | None = None


class _Caller:
    def __init__(self, number: int, connection: socket.socket, peer: str) -> None:
        self.number, self.connection, self.peer = number, connection, peer
        self.lines = Lines()


class ControlServer(Worker):
    """Listens until it is stopped. A station that cannot listen runs all the same, and says so once."""

    def __init__(self, options: ControlOptions, emit: Emit) -> None:
        super().__init__("control", emit)
        self._options = options
        self._selector = selectors.DefaultSelector()
        self._callers: dict[int, _Caller] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # of the table of callers: answers are written from the consumer's thread

    def tell(self, caller: int, told: Told) -> None:
        """Answer a caller, if it is still there; from any thread."""
        with self._lock:
            found = self._callers.get(caller)
            if found is not None:
                with contextlib.suppress(OSError):  # it has left, or does not read: its end is noticed by the thread
                    found.connection.send(encode(told), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def run(self) -> None:
        """Serve callers; the socket's file goes with the thread."""
        try:
            listening = self._listen()
        except (OSError, KeyError) as error:
            missing = f"there is no group {self._options.group}"
            self.emit(Deaf(missing if isinstance(error, KeyError) else str(error.strerror)))
            while self.going:
                self.stopping.wait(LOOK_S)
            return
        with listening, self._selector:
            self._selector.register(listening, selectors.EVENT_READ)
            while self.going:
                for key, _ in self._selector.select(LOOK_S):
                    if key.fileobj is listening:
                        self._admit(listening)
                    else:
                        self._hear(key.data)
            for caller in list(self._callers.values()):
                self._let_go(caller)
            self._options.path.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        with contextlib.ExitStack() as undo:
            undo.callback(listening.close)
            self._options.path.unlink(missing_ok=True)  # a former run's: the state directory is locked, nobody listens
            with short_path(self._options.path) as name:
                listening.bind(name)
            if self._options.group is not None:
                os.chown(self._options.path, -1, grp.getgrnam(self._options.group).gr_gid)
            self._options.path.chmod(MODE)
            listening.listen(CALLERS_MAX)
            undo.pop_all()
        return listening

    def _admit(self, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # it left again
            return
        pid, uid, gid = _CREDENTIALS.unpack(
            connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        name = _user_name(uid)
        caller = _Caller(next(self._numbers), connection, f"{name}, pid {pid}")
        refusal = None
        if not may_call(uid, gid, self._options.group):
            refusal = (f"{name} may not control this station", "use root, its user, or the group of `control.group`")
        elif len(self._callers) >= CALLERS_MAX:
            refusal = ("too many tools are connected", "end one of them")
        if refusal is not None:
            told = Told(state="in_service", error="refused", message=refusal[0], remedy=refusal[1])
            with contextlib.suppress(OSError):
                connection.send(encode(told), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            connection.close()
            return
        with self._lock:
            self._callers[caller.number] = caller
        self._selector.register(connection, selectors.EVENT_READ, caller)

    def _hear(self, caller: _Caller) -> None:
        try:
            data = caller.connection.recv(RECEIVE_BYTES)
            asks = [decode_ask(line) for line in caller.lines.feed(data)]
        except ControlError as error:
            told = Told(state="in_service", error="protocol", message=str(error), remedy="use the tool of this release")
            self.tell(caller.number, told)
            self._let_go(caller)
            return
        except OSError:
            data, asks = b"", []
        for ask in asks:
            self.emit(Asked(caller.number, caller.peer, ask))
        if not data:
            self._let_go(caller)

    def _let_go(self, caller: _Caller) -> None:
        with self._lock:
            self._callers.pop(caller.number, None)
        self._selector.unregister(caller.connection)
        caller.connection.close()
        self.emit(Gone(caller.number))


def may_call(uid: int, gid: int, group: str | None) -> bool:
    """Say whether this user may control the station that this process is."""
    if uid in {0, os.geteuid()}:
        return True
    if group is None:
        return False
    try:
        wanted, user = grp.getgrnam(group).gr_gid, pwd.getpwuid(uid).pw_name
    except KeyError:
        return False
    return wanted in {gid, *os.getgrouplist(user, gid)}


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
