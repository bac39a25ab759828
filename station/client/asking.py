"""Commands and their answers.

A command is sent with a response topic of this client's own and fresh correlation data. Until an answer comes it is
sent again with the same bytes, which the station takes for the same command: it is carried out once.
"""

import asyncio
import contextlib
import math
import secrets
import time

import msgspec

from station.client.telling import FAILURE, Speaker, event
from station.client.values import ClientError, CommandRefusedError, NoAnswerError
from station.link_values import Arrived, Publication
from station.messages import Result
from station.signing import KEY_ID, SIGNATURE, Signer
from station.wire import Station, uuid7

NOBODY = 16  # the broker's reason code: no matching subscribers
NS_PER_MS = 1_000_000


class _Answer(msgspec.Struct, frozen=True):
    data: Result


class _Order(msgspec.Struct, frozen=True):
    """What is sent: the bytes, and the signature over them."""

    payload: bytes
    user: tuple[tuple[str, str], ...]


class Asking:
    """The commands of one client. Used in the event loop only."""

    def __init__(self, speaker: Speaker, client_id: str, repeat_s: float) -> None:
        self._speaker = speaker
        self._client_id = client_id
        self._repeat_s = repeat_s
        self._asked: dict[tuple[Station, bytes], asyncio.Future[Result]] = {}

    async def ask(
        self, station: Station, name: str, data: msgspec.Struct, timeout_s: float, signer: Signer | None = None
    ) -> Result:
        """Send a command, signed if need be, and return its answer; raise `CommandRefusedError` or `NoAnswerError`."""
        event_id = uuid7(time.time_ns() // NS_PER_MS, secrets.token_bytes(10))
        payload = event(self._speaker.source, name, event_id, data)
        user = () if signer is None else ((SIGNATURE, signer.sign(payload).hex()), (KEY_ID, signer.key_id))
        key = (station, secrets.token_bytes(16))
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._asked[key] = future
        try:
            result = await self._repeat(key, name, _Order(payload, user), future, timeout_s)
        finally:
            del self._asked[key]
        if result.status != "ok":
            raise CommandRefusedError(result.code or "other", result.message or "")
        return result

    def answered(self, station: Station, arrived: Arrived) -> None:
        """An answer has come; those to questions that nobody waits for any more are passed over."""
        future = self._asked.get((station, arrived.correlation or b""))
        if future is None or future.done():
            return
        try:
            future.set_result(msgspec.json.decode(arrived.payload, type=_Answer).data)
        except msgspec.DecodeError as error:
            future.set_exception(ClientError(f"{station.id} gave an answer that cannot be read: {error}"))

    async def _repeat(
        self, key: tuple[Station, bytes], name: str, order: "_Order", future: asyncio.Future[Result], timeout_s: float
    ) -> Result:
        station, correlation = key
        end_s = time.monotonic() + timeout_s
        code: int | None = None
        while (left_s := end_s - time.monotonic()) > 0:
            publication = Publication(
                topic=station.topic("cmd", name),
                payload=order.payload,
                user=order.user,
                expiry_s=max(1, math.ceil(left_s)),
                response_topic=station.topic("res", self._client_id),
                correlation=correlation,
            )
            with contextlib.suppress(TimeoutError):
                code = await asyncio.wait_for(self._speaker.publish(publication), left_s)
            if code is not None and code >= FAILURE:
                raise ClientError(
                    f"the broker refuses cmd/{name} for {station.id} (reason code {code}): see its access list"
                )
            wait_s = min(self._repeat_s, end_s - time.monotonic())
            done, _ = await asyncio.wait({future}, timeout=max(0.0, wait_s))
            if done:
                return future.result()
        why = "the broker says that nobody listens: it is offline" if code == NOBODY else "it may be offline or busy"
        raise NoAnswerError(f"{station.id} did not answer cmd/{name} within {timeout_s:g} s; {why}")
