"""What the client says to the broker: acknowledgements and commands, with the broker's own answer to each."""

import asyncio
from typing import Any

import msgspec

from station.client.store import Prefix
from station.link import Link
from station.link_values import Publication, Published
from station.messages import Acknowledgement
from station.wire import Station

FAILURE = 128  # reason codes from here on are refusals


def event(source: str, kind: str, event_id: str, data: msgspec.Struct) -> bytes:
    """Return a CloudEvent of a backend."""
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": f"backend.{kind}.v1",
        "datacontenttype": "application/json",
        "data": data,
    }
    return msgspec.json.encode(made)


class Speaker:
    """Publishes on the present connection, and waits for the broker's word. Used in the event loop only."""

    def __init__(self, link: Link, source: str) -> None:
        self.source = source
        self._link = link
        self._connection: int | None = None
        self._up = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[int | None]] = {}
        self._prefixes: dict[tuple[Station, str], Prefix] = {}
        self._noted = asyncio.Event()

    async def up(self) -> int:
        """Wait for a connection; return its number."""
        while self._connection is None:
            await self._up.wait()
        return self._connection

    def link_up(self, connection: int) -> None:
        """A connection stands."""
        self._connection = connection
        self._up.set()

    def link_down(self) -> None:
        """The connection is gone: nobody knows what the broker has of what it did not answer."""
        self._connection = None
        self._up.clear()
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_result(None)

    def published(self, answer: Published) -> None:
        """The broker has answered."""
        future = self._waiting.pop(answer.mid, None) if answer.connection == self._connection else None
        if future is not None and not future.done():
            future.set_result(answer.reason_code)

    async def publish(self, publication: Publication) -> int | None:
        """Publish when there is a connection; return the broker's reason code, None when the connection went."""
        mid = self._link.publish(await self.up(), publication)
        if mid is None:
            return None
        future: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting[mid] = future
        return await future

    def note(self, prefix: Prefix) -> None:
        """Have a prefix acknowledged; of several of one epoch the furthest counts."""
        key = (prefix.station, prefix.epoch)
        known = self._prefixes.pop(key, prefix)
        self._prefixes[key] = max(known, prefix, key=lambda each: each.upto)
        self._noted.set()

    async def next_prefix(self) -> Prefix:
        """Return the oldest prefix that is to be acknowledged; wait for one."""
        while not self._prefixes:
            self._noted.clear()
            await self._noted.wait()
        return self._prefixes.pop(next(iter(self._prefixes)))

    async def acknowledge(self, prefix: Prefix) -> int | None:
        """Publish `ack/verdict`, retained; return the broker's reason code."""
        word = Acknowledgement(prefix.epoch, prefix.upto)
        payload = event(self.source, "acknowledgement", f"ack-{prefix.epoch}-{prefix.upto}", word)
        topic = prefix.station.topic("ack", "verdict")
        return await self.publish(Publication(topic=topic, payload=payload, retain=True))
