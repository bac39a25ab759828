"""The link of one light station: `station.link.Link` without a thread, on the same sessions and the same backoff."""

import time
from collections import deque
from collections.abc import Callable

from paho.mqtt.enums import MQTTErrorCode

from station.backoff import Backoff
from station.fleet.loop import Loop
from station.link_session import FAILURES, Session, system_uniform
from station.link_values import Emit, LinkDown, LinkEvent, LinkOptions, Publication
from station.link_words import Trouble


class FleetLink:
    """Keeps one connection at a time, served by a loop. What it emits is emitted in the loop's thread."""

    def __init__(
        self, loop: Loop, options: LinkOptions, subscriptions: list[str], will: Callable[[], Publication | None],
        emit: Emit,
    ) -> None:  # fmt: skip
        self._loop = loop
        self._options = options
        self._subscriptions = subscriptions
        self._will = will
        self._emit = emit
        self._inbox: deque[LinkEvent] = deque()  # not handed on from within the MQTT client's callbacks
        self._backoff = Backoff(options.backoff_min_s, options.backoff_max_s, system_uniform)
        self._session: Session | None = None
        self._fd: int | None = None
        self._number = 0
        self._closed = False

    # -- as the consumer knows it

    @property
    def alive(self) -> bool:
        """Whether it still connects."""
        return not self._closed

    def start(self) -> None:
        """Begin to connect."""
        self._connect()

    def publish(self, connection: int, publication: Publication) -> int | None:
        """Send a message; return its packet identifier, None when the connection is gone."""
        if (session := self._current(connection)) is None:
            return None
        info = session.publish(publication)
        self._loop.touch(self)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def acknowledge(self, connection: int, mid: int) -> None:
        """Acknowledge a message that arrived."""
        if (session := self._current(connection)) is not None:
            session.acknowledge(mid)
            self._loop.touch(self)

    def subscribe_again(self, connection: int, topic: str) -> None:
        """Have the retained message of a topic sent again."""
        if (session := self._current(connection)) is not None:
            session.subscribe([topic])
            self._loop.touch(self)

    def reset(self, connection: int, reason: str) -> None:
        """Give this connection up and make a new one."""
        if (session := self._current(connection)) is not None:
            session.end(reason, goodbye=False)
            self._loop.touch(self)

    def cut(self, reason: str) -> None:
        """Give the present connection up, whichever it is."""
        self.reset(self._number, reason)

    def close(self, last: Publication | None, timeout_s: float) -> bool:  # noqa: ARG002 - nothing is waited for
        """Publish a last message and end."""
        self._closed = True
        session, up = self._session, self._fd is not None
        if session is None or not up:
            return False
        if last is not None:
            session.publish(last)
        session.end("the station ends", goodbye=True)
        try:
            session.step(readable=False)
            session.finished()
        except FAILURES:
            return False
        finally:
            self._drop(session)
        return True

    # -- as the loop knows it

    @property
    def wants_write(self) -> bool:
        """Whether the socket must take more."""
        return self._session is not None and self._session.wants_write

    def serve(self, *, readable: bool) -> None:
        """Read, write, keep alive; then hand on what has come."""
        session = self._session
        if session is None or self._fd is None:
            return
        trouble = None
        try:
            session.step(readable=readable)
            if session.finished():
                trouble = session.why()
        except FAILURES as error:
            trouble = session.explain(error)
        if trouble is None:
            self._loop.interest(self._fd, self)
        else:
            self._drop(session)
            self._lost(session, trouble)
        while self._inbox:
            self._emit(self._inbox.popleft())

    # -- inside

    def _current(self, connection: int) -> Session | None:
        return self._session if self._fd is not None and self._number == connection else None

    def _connect(self) -> None:
        if self._closed:
            return
        self._number += 1
        session = Session(self._number, self._options, self._subscriptions, self._inbox.append)
        will, self._session = self._will(), session

        def work() -> Callable[[], None]:
            try:
                session.open(will)
            except FAILURES as error:
                trouble = session.explain(error)
                session.close()
                return lambda: self._failed(session, trouble)
            return lambda: self._opened(session)

        self._loop.apart(work)

    def _opened(self, session: Session) -> None:
        if self._closed or session.sock is None:
            session.close()
            self._lost(session, session.why())
            return
        self._fd = session.sock.fileno()
        self._loop.watch(self._fd, self)
        self._loop.touch(self)

    def _failed(self, session: Session, trouble: Trouble) -> None:
        self._lost(session, trouble)
        while self._inbox:
            self._emit(self._inbox.popleft())

    def _drop(self, session: Session) -> None:
        if self._fd is not None:
            self._loop.forget(self._fd)
        self._fd = self._session = None
        session.close()

    def _lost(self, session: Session, trouble: Trouble) -> None:
        self._session = None
        where = f"broker {self._options.host}:{self._options.port}"
        self._inbox.append(
            LinkDown(connection=session.number, reason=f"{where}: {trouble.reason}", remedy=trouble.remedy)
        )
        lasted_s = 0.0 if session.up_since_s is None else time.monotonic() - session.up_since_s
        self._loop.later(self._backoff.delay_s(lasted_s, proven=session.proven), self._connect)
