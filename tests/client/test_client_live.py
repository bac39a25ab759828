"""The backend client over a real broker, beside a station that says whatever the test wants."""

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from station import signing
from station.client import (
    Claim,
    Client,
    ClientError,
    CommandRefusedError,
    Content,
    Feedback,
    Line,
    NoAnswerError,
    Received,
    SqliteStore,
)
from station.signing_keys import Verifier, find, ready
from tests.support.backend import Backend, Heard, cloud_event
from tests.support.clients import EPOCH, STATION, options, read, until, verdict_payload
from tests.support.mosquitto import Mosquitto

CLAIM = Claim(transaction_id="T-1", revision=1, lines=(Line(line=1, gtin="4006381333931", quantity=1),))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@pytest.fixture
def station(broker: Mosquitto) -> Iterator["Scripted"]:
    with Scripted(broker.port, STATION.root, client_id="vs-03") as made:
        yield made


class Scripted(Backend):
    """Plays the station: publishes verdicts, hears acknowledgements, answers commands as told."""

    answer: dict[str, Any] | None = None

    def say(self, *numbers: int, epoch: str = EPOCH, user: list[tuple[str, str]] | None = None) -> None:
        more: dict[str, Any] = {"UserProperty": user} if user else {}
        for seq in numbers:
            self.send("evt/verdict", verdict_payload(seq, epoch), **more)

    def acknowledged(self) -> list[int]:
        return [heard.event["data"]["seq"] for heard in self.heard("ack/verdict")]

    def on_heard(self, heard: Heard) -> None:
        if self.answer is not None and "/cmd/" in heard.topic and heard.response_topic is not None:
            name = heard.response_topic.removeprefix(self.root)
            payload = cloud_event(self.answer)
            assert heard.correlation is not None
            self.post(name, payload, CorrelationData=heard.correlation)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_verdicts_are_stored_yielded_and_acknowledged(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1, 2, 1, 2, 3)
            found = await read(client, 3)
            assert [(one.seq, one.verdict.transaction_id) for one in found] == [(1, "T-1"), (2, "T-2"), (3, "T-3")]
            assert found[0].payload == verdict_payload(1)
            assert (found[0].station, found[0].verified, found[0].late) == (STATION, False, False)
            await until(lambda: station.acknowledged()[-1:] == [3])
            await until(lambda: client.counts["duplicates"] == 2)
            assert client.counts["stored"] == 3
            assert station.acknowledged() == sorted(station.acknowledged())

    run(work())
    with Backend(broker.port, STATION.root, client_id="later") as later:
        later.wait(lambda: bool(later.heard("ack/verdict")))
        [kept] = later.heard("ack/verdict")
        assert (kept.retain, kept.event["data"]) == (True, {"epoch": EPOCH, "seq": 3})


def test_what_is_lacking_is_asked_for_and_not_acknowledged(
    broker: Mosquitto, station: Scripted, tmp_path: Path
) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1, 3)
            await read(client, 2)
            await until(lambda: bool(station.heard("cmd/resend")))
            asked = station.heard("cmd/resend")[0].event
            assert asked["data"] == {"epoch": EPOCH, "from_seq": 2}
            assert station.acknowledged()[-1] == 1
            await asyncio.to_thread(station.say, 2, 3)
            await until(lambda: station.acknowledged()[-1] == 3)
            assert client.counts["gaps"] >= 1

    run(work())


def test_a_slow_reader_holds_up_neither_acknowledgements_nor_answers(
    broker: Mosquitto, station: Scripted, tmp_path: Path
) -> None:
    """Far more than the broker may have on its way to us: what is not read waits in the database."""

    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, *range(1, 101))
            verdicts = client.verdicts()
            first = await anext(verdicts)
            await until(lambda: station.acknowledged()[-1:] == [100])
            station.answer = {"status": "ok"}
            await client.send_release(STATION, transaction_id=first.verdict.transaction_id)
            assert [(await anext(verdicts)).seq for _ in range(99)] == list(range(2, 101))

    run(work())


def test_a_restart_goes_on_where_it_ended(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def first() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1, 2, 3)
            await until(lambda: client.counts["stored"] == 3)

    async def second() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            assert [one.seq for one in await read(client, 5)] == [1, 2, 3, 4, 5]
            await until(lambda: station.acknowledged()[-1:] == [5])

    run(first())
    station.say(4, 5)  # the broker keeps them
    run(second())


def test_it_lives_through_a_restart_of_the_broker(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(tmp_path, "persistence true", f"persistence_location {folder}/") as broker:

        async def work() -> None:
            async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
                await until(lambda: client.trouble is None)
                with Scripted(broker.port, STATION.root, client_id="vs-03") as station:
                    await asyncio.to_thread(station.say, 1)
                    await read(client, 1)
                await asyncio.to_thread(broker.stop)
                await until(lambda: client.trouble is not None)
                assert f"127.0.0.1:{broker.port}" in (client.trouble or "")
                await asyncio.to_thread(broker.start)
                await until(lambda: client.trouble is None)
                with Scripted(broker.port, STATION.root, client_id="vs-03") as station:
                    await asyncio.to_thread(station.say, 2)
                    assert [one.seq for one in await read(client, 2)] == [1, 2]
                    await until(lambda: station.acknowledged()[-1:] == [2])

        run(work())


def test_commands_are_answered(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            station.answer = {"status": "ok"}
            await client.send_claim(STATION, CLAIM)
            told = Feedback(transaction_id="T-1", source="attendant", contents=(Content(gtin="4006381333931"),))
            await client.send_feedback(STATION, told)
            await client.send_cancel(STATION, "T-1")
            await client.send_zero(STATION)
            station.answer = {"status": "error", "code": "stale_revision", "message": "revision 2 is known"}
            with pytest.raises(CommandRefusedError, match="stale_revision: revision 2 is known") as refusal:
                await client.send_claim(STATION, CLAIM)
            assert refusal.value.code == "stale_revision"

    run(work())
    names = [heard.topic.rpartition("/")[2] for heard in station.messages if "/cmd/" in heard.topic]
    assert names == ["claim", "feedback", "claim", "zero", "claim"]
    assert station.heard("cmd/claim")[1].event["data"] == {"transaction_id": "T-1", "cancel": True}
    assert station.heard("cmd/claim")[0].response_topic == STATION.root + "res/backend.1"


def test_an_answer_that_never_comes_is_no_answer(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port, repeat_s=0.1), SqliteStore(tmp_path / "v.db")) as client:
            with pytest.raises(NoAnswerError, match=r"vs-03 did not answer cmd/claim within 0\.5 s"):
                await client.send_claim(STATION, CLAIM, timeout_s=0.5)

    run(work())
    sent = station.heard("cmd/claim")
    assert len(sent) > 1
    assert len({(heard.payload, heard.correlation) for heard in sent}) == 1, "a repetition is the same command"


def test_a_station_that_is_not_there_is_told(broker: Mosquitto, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port, repeat_s=0.1), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            with pytest.raises(NoAnswerError, match="nobody listens"):
                await client.send_zero(STATION, timeout_s=0.5)

    run(work())


def test_unusable_verdicts_are_refused_and_the_others_stored(
    broker: Mosquitto, station: Scripted, tmp_path: Path
) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            for payload in (
                b"", b"\xff", b"{}", verdict_payload(0), verdict_payload(1)[:-9],
                verdict_payload(1).replace(b"/vs/0815/vs-03", b"/vs/0815/vs-04"),
                verdict_payload(1).replace(b"station.verdict.v1", b"station.verdict.v2"), b"[" * 100_000,
            ):  # fmt: skip
                await asyncio.to_thread(station.send, "evt/verdict", payload)
            await asyncio.to_thread(station.say, 1)
            assert [one.seq for one in await read(client, 1)] == [1]
            await until(lambda: client.counts["refused"] == 8)

    run(work())


def test_only_what_a_trusted_key_signed_is_stored(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    keys, others = (ready(None, tmp_path / name, {}).pair for name in ("mine", "theirs"))
    assert find(None, tmp_path / "mine", {}).path.exists()

    def properties(seq: int, pair: Any, previous: bytes = signing.GENESIS) -> list[tuple[str, str]]:
        payload = verdict_payload(seq)
        hash_ = signing.chain_hash(EPOCH, seq, previous, payload)
        proof = signing.Proof(signature=pair.sign(payload), key_id=pair.key_id, previous_hash=previous, hash=hash_)
        return list(proof.properties())

    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db"), Verifier([keys.public])) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1)
            await asyncio.to_thread(station.say, 1, user=properties(1, others))
            await asyncio.to_thread(station.say, 1, user=properties(2, keys))
            swapped = [*properties(1, keys)[:3], ("hash", "00" * 32)]
            await asyncio.to_thread(station.say, 1, user=swapped)
            await until(lambda: client.counts["refused"] == 4)
            await asyncio.to_thread(station.say, 1, user=[*properties(1, keys), ("late", "true")])
            [one] = await read(client, 1)
            assert (one.verified, one.late) == (True, True)
            await until(lambda: station.acknowledged() == [1])

    run(work())


def test_a_failing_program_ends_the_client_and_nothing_is_acknowledged(
    broker: Mosquitto, station: Scripted, tmp_path: Path
) -> None:
    def fail(_database: sqlite3.Connection, _received: Received) -> None:
        raise RuntimeError("no ledger")

    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db", fail)) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1)
            with pytest.raises(RuntimeError, match="no ledger"):
                await read(client, 1)

    run(work())
    assert station.acknowledged() == []


def test_a_verdict_is_read_when_the_next_is_asked_for(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1, 2, 3)
            assert [one.seq for one in await read(client, 2)] == [1, 2]
            assert [one.seq for one in await read(client, 2)] == [2, 3]

    async def again() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            assert [one.seq for one in await read(client, 1)] == [3]

    run(work())
    run(again())


def test_there_is_one_reader(broker: Mosquitto, station: Scripted, tmp_path: Path) -> None:
    async def work() -> None:
        async with Client(options(broker.port), SqliteStore(tmp_path / "v.db")) as client:
            await until(lambda: client.trouble is None)
            await asyncio.to_thread(station.say, 1)
            first, second = client.verdicts(), client.verdicts()
            await anext(first)
            with pytest.raises(ClientError, match="one reader"):
                await anext(second)

    run(work())


@pytest.mark.parametrize("wrong", [{"group": "a/b"}, {"store": "#"}, {"client_id": "a+b"}])
def test_options_that_cannot_be_topics_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be part of a topic"):
        options(1883, **wrong)
