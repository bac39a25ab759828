"""The backend client and the whole station: a basket from the claim to feedback, with verified signatures."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.client import Claim, Client, CommandRefusedError, Content, Feedback, Line, SqliteStore, Station
from station.signing_keys import Verifier, known
from tests.support.clients import options, until
from tests.support.rig import CHEESE, MILK, Rig, toledo_rig

STATION = Station("0815", "vs-03")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with toledo_rig(tmp_path) as made:
        made.wait_idle()
        yield made


def claim(*gtins: str, revision: int = 1) -> Claim:
    lines = tuple(Line(line=number, gtin=gtin, quantity=1) for number, gtin in enumerate(gtins, 1))
    return Claim(transaction_id="T-1", revision=revision, lines=lines)


def test_a_basket_from_claim_to_feedback(rig: Rig, tmp_path: Path) -> None:
    verifier = Verifier(known(tmp_path / "state" / "keys"))

    async def work() -> None:
        async with Client(options(rig.broker.port), SqliteStore(tmp_path / "v.db"), verifier) as client:
            await client.send_claim(STATION, claim(CHEESE))
            rig.put(411, 1033)
            async with asyncio.timeout(20):
                verdicts = client.verdicts()
                doubted = await anext(verdicts)
                assert doubted.verified
                assert doubted.verdict.decision in {"review", "reject"}
                assert doubted.verdict.explanations[0].gtin == MILK
                await client.send_claim(STATION, claim(CHEESE, MILK, revision=2))
                accepted = await anext(verdicts)
            assert (accepted.seq, accepted.verdict.decision, accepted.verdict.verdict_no) == (2, "accept", 2)
            assert accepted.verdict.weight is not None
            assert accepted.verdict.weight.gross_g == pytest.approx(1445, abs=5)
            with pytest.raises(CommandRefusedError) as refusal:
                await client.send_claim(STATION, claim(MILK, revision=1))
            assert refusal.value.code == "stale_revision"
            contents = (Content(gtin=CHEESE), Content(gtin=MILK))
            await client.send_feedback(STATION, Feedback(transaction_id="T-1", source="attendant", contents=contents))
            await client.send_release(STATION, transaction_id="T-1")
            rig.clear()
            await until(lambda: rig.phases()[-1:] == ["closed"])
            acknowledged = rig.backend.heard("ack/verdict")
            await until(lambda: rig.backend.heard("ack/verdict")[-1].event["data"]["seq"] == 2)
            assert acknowledged[0].event["data"]["epoch"] == accepted.epoch

    asyncio.run(work())
    assert rig.station.stop() == 0
