"""The client: listens, stores, acknowledges, asks for what is lacking, and sends commands.

The link's thread passes everything into the event loop; the database is used by one thread of its own. A verdict is
acknowledged to the broker when it is stored, and `ack/verdict` is what the database says is stored without a gap. So
a slow reader of `verdicts()` holds up nobody: what it has not read waits in the database.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from station.client import reading
from station.client.asking import Asking
from station.client.options import Options
from station.client.orders import Orders, told
from station.client.reading import UnusableError, Verifier
from station.client.store import Gap, Store, StoreError
from station.client.telling import FAILURE, Speaker
from station.client.values import ClientError, CommandRefusedError, Received
from station.core.claim import Claim
from station.core.feedback import Feedback
from station.link import Link
from station.link_values import Arrived, LinkDown, LinkEvent, LinkUp, Published
from station.messages import (
    Cancellation,
    Diagnose,
    Diagnosis,
    Release,
    Resend,
    Result,
    Snapshot,
    Stream,
    TakeSnapshot,
    Zero,
)
from station.signing import Signer
from station.wire import Station

BATCH = 100
READ_AT_ONCE = 50
CLOSE_S = 2.0
RETRY_S = 1.0
LOOK_S = 1.0
ANSWER_S = 10.0

Value = TypeVar("Value")

log = logging.getLogger("station.client")


class Client:
    """See the package. `counts` only rises: stored, duplicates, conflicts, refused, gaps.

    With a `verifier` (`station.signing_keys.Verifier`), a verdict that is not signed by one of its keys is refused:
    neither stored nor acknowledged with `ack/verdict`. A `signer` (`station.signing_keys.load_order_key`) is needed for
    `orders` only: catalogues and configurations.
    """

    def __init__(
        self, options: Options, store: Store, verifier: Verifier | None = None, signer: Signer | None = None
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._options = options
        self._store = store
        self._verifier = verifier
        self._database = ThreadPoolExecutor(1, "station-client-store")
        self._events: asyncio.Queue[LinkEvent] = asyncio.Queue()
        self._arrived: asyncio.Queue[Arrived] = asyncio.Queue()  # no more than the link lets the broker send
        self._fresh = asyncio.Event()
        self._reading = self._closed = False
        self._read_row: int | None = None  # not noted in the database yet
        self._link_trouble: str | None = "not connected yet"
        self._store_trouble: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._loop = asyncio.get_running_loop()
        self._link = Link(options.link, options.subscriptions, lambda: None, self._emit)
        self._speaker = Speaker(self._link, f"/backend/{options.link.client_id}")
        self._asking = Asking(self._speaker, options.link.client_id, options.repeat_s)
        self._orders = None if signer is None else Orders(self._asking, signer)

    async def __aenter__(self) -> Self:
        await self._in_store(lambda: self._store.open(self._options.link.client_id))
        self._link.start()
        for work in (self._dispatch, self._keep, self._tell, self._watch):
            task = asyncio.create_task(work())
            task.add_done_callback(lambda _: self._fresh.set())  # whoever reads learns of the end
            self._tasks.append(task)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._link.close, None, CLOSE_S)
        with contextlib.suppress(StoreError):  # it is read again
            if (row := self._read_row) is not None:
                await self._in_store(lambda: self._store.read(row))
        self._closed = True
        self._fresh.set()
        await self._in_store(self._store.close)
        self._database.shutdown()

    @property
    def trouble(self) -> str | None:
        """Why nothing goes at present, None while all is well."""
        return self._store_trouble or self._link_trouble

    @property
    def orders(self) -> Orders:
        """Catalogues and configurations for stations; raises `ClientError` where there is no signer."""
        if self._orders is None:
            raise ClientError("catalogues and configurations are signed: give the client a signer")
        return self._orders

    # -- what a backend does

    async def verdicts(self) -> AsyncIterator[Received]:
        """Yield every verdict that this consumer stored, oldest first, for ever; also those not read in an earlier run.

        A verdict counts as read when the next one is asked for. At least once: after a crash, up to fifty may be
        yielded again. What must happen exactly once belongs into the store's transaction. One reader at a time. Raises
        the error that ended the client, if one did.
        """
        if self._reading:
            raise ClientError("verdicts() is read elsewhere already; one consumer has one reader")
        self._reading = True
        try:
            while not self._closed:
                self._fresh.clear()
                await self._note_read()
                rows = await self._retried(lambda: self._store.unread(READ_AT_ONCE))
                for row in rows:
                    yield row.received
                    self._read_row = row.row
                if not rows:
                    if self._ended():
                        return
                    await self._fresh.wait()
        finally:
            self._reading = False

    async def send_claim(self, station: Station, claim: Claim, timeout_s: float = ANSWER_S) -> Result:
        """Claim a basket; return the answer.

        Raises `CommandRefusedError` for a refusal, `NoAnswerError` when none comes in time. So do all others.
        """
        return await self._asking.ask(station, "claim", claim, timeout_s)

    async def send_cancel(self, station: Station, transaction_id: str, timeout_s: float = ANSWER_S) -> Result:
        """Withdraw a claim."""
        return await self._asking.ask(
            station, "claim", Cancellation(transaction_id=transaction_id, cancel=True), timeout_s
        )

    async def send_feedback(self, station: Station, feedback: Feedback, timeout_s: float = ANSWER_S) -> Result:
        """Say what was really in a basket."""
        return await self._asking.ask(station, "feedback", feedback, timeout_s)

    async def send_release(
        self, station: Station, transaction_id: str | None = None, visit_id: str | None = None,
        timeout_s: float = ANSWER_S,
    ) -> Result:  # fmt: skip
        """Say that it is paid or settled elsewhere: by transaction or by visit."""
        return await self._asking.ask(
            station, "release", Release(transaction_id=transaction_id, visit_id=visit_id), timeout_s
        )

    async def send_zero(self, station: Station, timeout_s: float = ANSWER_S) -> Result:
        """Set the zero of an empty platform."""
        return await self._asking.ask(station, "zero", Zero(), timeout_s)

    async def send_stream(
        self, station: Station, seconds: float, hz: float = 2.0, timeout_s: float = ANSWER_S
    ) -> Result:
        """Have the live weight published for so long (`tel/weight`, which this client does not listen to)."""
        return await self._asking.ask(station, "stream", Stream(seconds=seconds, hz=hz), timeout_s)

    async def send_snapshot(self, station: Station, camera: str | None = None, timeout_s: float = ANSWER_S) -> Snapshot:
        """Take a picture of the empty platform, where the station lets one leave."""
        result = await self._asking.ask(station, "snapshot", TakeSnapshot(camera=camera), timeout_s)
        return told(result.snapshot, station)

    async def send_diagnose(self, station: Station, timeout_s: float = ANSWER_S) -> Diagnosis:
        """Ask a station what is wrong with it."""
        return told((await self._asking.ask(station, "diagnose", Diagnose(), timeout_s)).diagnosis, station)

    # -- inside

    def _emit(self, event: LinkEvent) -> None:
        """Pass an event into the loop; for the link's thread."""
        try:
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
        except RuntimeError:  # the loop is closed: nobody listens any more
            log.debug("too late: %s", type(event).__name__)

    async def _dispatch(self) -> None:
        while True:
            match await self._events.get():
                case LinkUp() as up:
                    self._link_trouble = None
                    self._speaker.link_up(up.connection)
                case LinkDown() as down:
                    self._link_trouble = f"{down.reason}; {down.remedy}"
                    log.warning("%s", self._link_trouble)
                    self._speaker.link_down()
                case Published() as published:
                    self._speaker.published(published)
                case Arrived() as arrived:
                    self._take_in(arrived)

    def _take_in(self, arrived: Arrived) -> None:
        found = reading.split(arrived.topic)
        if found is not None and found[1:] == ("evt", "verdict"):
            self._arrived.put_nowait(arrived)
            return
        if found is not None and found[1] == "res":
            self._asking.answered(found[0], arrived)
        self._link.acknowledge(arrived.connection, arrived.mid)

    async def _keep(self) -> None:
        """Store what has arrived, all that waits at once, and only then let the broker forget it."""
        while True:
            waiting = [await self._arrived.get()]
            while len(waiting) < BATCH and not self._arrived.empty():
                waiting.append(self._arrived.get_nowait())
            if batch := [received for arrived in waiting if (received := self._read(arrived)) is not None]:
                due_s = time.time() + self._options.gap_s
                taken = await self._retried(lambda b=batch, d=due_s: self._store.take(b, d))  # type: ignore[misc]
                self.counts += Counter(
                    stored=taken.new, duplicates=len(batch) - taken.new - taken.conflicts, conflicts=taken.conflicts
                )
                for prefix in taken.prefixes:
                    self._speaker.note(prefix)
                self._fresh.set()
            for arrived in waiting:
                self._link.acknowledge(arrived.connection, arrived.mid)

    def _read(self, arrived: Arrived) -> Received | None:
        found = reading.split(arrived.topic)
        try:
            return None if found is None else reading.read(found[0], arrived.payload, arrived.user, self._verifier)
        except UnusableError as error:
            self.counts["refused"] += 1
            log.warning("a verdict on %s is refused: %s", arrived.topic, error)
            return None

    async def _tell(self) -> None:
        """Acknowledge; when another consumer is further by now, say what it has said once more, for ours came last."""
        while True:
            prefix = await self._speaker.next_prefix()
            if prefix.upto == 0:
                continue
            code = await self._speaker.acknowledge(prefix)
            if code is None or code >= FAILURE:
                self._speaker.note(prefix)
                await asyncio.sleep(RETRY_S)
                continue
            further = await self._retried(lambda p=prefix: self._store.told(p))  # type: ignore[misc]
            if further is not None:
                self._speaker.note(further)

    async def _watch(self) -> None:
        """Ask for what is lacking; say once a connection what the broker may not have been told."""
        told_on = None
        while True:
            await asyncio.sleep(LOOK_S)
            connection = await self._speaker.up()
            if connection != told_on:
                told_on = connection
                for prefix in await self._retried(self._store.untold):
                    self._speaker.note(prefix)
            for gap in await self._retried(lambda: self._store.gaps(time.time())):
                self.counts["gaps"] += 1
                await self._ask_for(gap)

    async def _ask_for(self, gap: Gap) -> None:
        log.warning("%s: verdict %d of epoch %s is lacking", gap.station.id, gap.from_seq, gap.epoch)
        try:
            resend = Resend(epoch=gap.epoch, from_seq=gap.from_seq)
            await self._asking.ask(gap.station, "resend", resend, self._options.gap_s)
        except CommandRefusedError as error:  # it sends again by itself what is not acknowledged
            log.info("%s does not resend: %s", gap.station.id, error)
        except ClientError as error:
            log.warning("%s", error)

    async def _note_read(self) -> None:
        if (row := self._read_row) is not None:
            await self._retried(lambda: self._store.read(row))
            self._read_row = None

    def _ended(self) -> bool:
        """Say whether the client has ended; raise what ended it."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error
        return any(task.done() for task in self._tasks)

    async def _in_store(self, work: Callable[[], Value]) -> Value:
        return await self._loop.run_in_executor(self._database, work)

    async def _retried(self, work: Callable[[], Value]) -> Value:
        """Use the database, again and again until it can be used."""
        while not self._closed:
            try:
                value = await self._in_store(work)
            except StoreError as error:
                self._store_trouble = str(error)
                log.warning("%s", error)
                await asyncio.sleep(RETRY_S)
            else:
                self._store_trouble = None
                return value
        raise ClientError("the client is closed")
