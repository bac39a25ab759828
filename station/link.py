"""The MQTT link: a thread that connects, connects again, and reports. It decides nothing and stores nothing."""

import threading
import time
from collections.abc import Callable

from paho.mqtt.enums import MQTTErrorCode

from station.backoff import Backoff
from station.link_session import Session, system_uniform
from station.link_values import Emit, LinkDown, LinkOptions, Publication


class Link:
    """Keeps one connection at a time. `will` makes the last will at each connect, or None; `emit` only queues.

    All methods but those of the thread are for the consumer. A `connection` names the connection that is meant: for
    any other than the present one, publishing returns None and the rest does nothing.
    """

    def __init__(
        self, options: LinkOptions, subscriptions: list[str], will: Callable[[], Publication | None], emit: Emit
    ) -> None:
        self._options = options
        self._subscriptions = subscriptions
        self._will = will
        self._emit = emit
        self._stop = threading.Event()
        self._session: Session | None = None
        self._number = 0
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs; it ends only with `close`, anything else is a defect."""
        return self._thread.is_alive()

    def publish(self, connection: int, publication: Publication) -> int | None:
        """Send a message; return its packet identifier, None when the connection is gone."""
        if (session := self._current(connection)) is None:
            return None
        info = session.publish(publication)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def acknowledge(self, connection: int, mid: int) -> None:
        """Acknowledge a message that arrived."""
        if (session := self._current(connection)) is not None:
            session.acknowledge(mid)

    def subscribe_again(self, connection: int, topic: str) -> None:
        """Have the retained message of a topic sent again."""
        if (session := self._current(connection)) is not None:
            session.subscribe([topic])

    def reset(self, connection: int, reason: str) -> None:
        """Give this connection up and make a new one."""
        if (session := self._current(connection)) is not None:
            session.end(reason, goodbye=False)

    def close(self, last: Publication | None, timeout_s: float) -> bool:
        """Publish a last message, wait for the broker at most `timeout_s`, and end; say whether the broker has it."""
        session, done = self._session, False
        if session is not None and session.up_since_s is not None and last is not None:
            info = session.publish(last)
            try:
                info.wait_for_publish(timeout_s)
                done = info.is_published()
            except (ValueError, RuntimeError):  # the connection went at this moment
                done = False
        self._stop.set()
        if session is not None:
            session.end("the station ends", goodbye=True)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return done

    def _current(self, connection: int) -> Session | None:
        session = self._session
        return session if session is not None and session.number == connection else None

    def _run(self) -> None:
        backoff = Backoff(self._options.backoff_min_s, self._options.backoff_max_s, system_uniform)
        while not self._stop.is_set():
            self._number += 1
            session = Session(self._number, self._options, self._subscriptions, self._emit)
            self._session = session
            trouble = session.run(self._will())
            self._session = None
            where = f"broker {self._options.host}:{self._options.port}"
            self._emit(LinkDown(connection=session.number, reason=f"{where}: {trouble.reason}", remedy=trouble.remedy))
            lasted_s = 0.0 if session.up_since_s is None else time.monotonic() - session.up_since_s
            self._stop.wait(backoff.delay_s(lasted_s, proven=session.proven))
