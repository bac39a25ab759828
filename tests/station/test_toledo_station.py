"""A station of one retail scale and one broker, played against from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rig import CHEESE, MILK, SWEET, Rig, import_products, toledo_rig

QUICK = "[transaction]\nno_claim_s = 1.0\nsettle_s = 2.0\nclaim_expiry_s = 3.0"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with toledo_rig(tmp_path) as made:
        made.wait_idle()
        yield made


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Rig]:
    with toledo_rig(tmp_path, more=QUICK) as made:
        made.wait_idle()
        yield made


def test_an_honest_basket_is_accepted_and_the_visit_closes(rig: Rig) -> None:
    rig.claim(CHEESE, MILK)
    rig.put(411, 1033)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] == "accept"
    assert verdict["action"] == "release"
    assert verdict["transaction_id"] == "T-1"
    assert verdict["verdict_no"] == 1
    assert verdict["weight"]["gross_g"] == pytest.approx(1445, abs=5)
    rig.clear()
    rig.wait(lambda: "closed" in rig.phases())
    assert rig.phases() == ["placed", "stable", "removed", "closed"]
    assert rig.answers("claim") == [{"status": "ok"}]


def test_what_was_not_claimed_is_doubted_and_named(rig: Rig) -> None:
    rig.claim(MILK)
    rig.put(1033, 106)
    [verdict] = rig.wait_verdicts(1)
    assert verdict["decision"] in {"review", "reject"}
    assert "UNSCANNED" in verdict["reasons"]
    likeliest = verdict["explanations"][0]
    assert (likeliest["kind"], likeliest["gtin"]) == ("unscanned", SWEET)
    assert SWEET in {item["gtin"] for item in verdict["look_for"]}


def test_an_overcharged_shopper_is_told_so(rig: Rig) -> None:
    rig.claim(MILK, CHEESE)
    rig.put(1035)
    [verdict] = rig.wait_verdicts(1)
    assert "MISSING" in verdict["reasons"]
    assert verdict["explanations"][0]["gtin"] == CHEESE


def test_a_load_before_its_claim_and_a_corrected_claim(rig: Rig) -> None:
    rig.put(411, 106)
    rig.wait(lambda: "stable" in rig.phases())
    rig.claim(CHEESE)
    assert rig.wait_verdicts(1)[0]["decision"] != "accept"
    rig.claim(CHEESE, SWEET, revision=2)
    verdict = rig.wait_verdicts(2)[1]
    assert (verdict["decision"], verdict["revision"], verdict["verdict_no"]) == ("accept", 2, 2)


def test_a_changed_load_is_judged_again(rig: Rig) -> None:
    rig.claim(CHEESE)
    rig.put(411)
    rig.wait_verdicts(1)
    rig.put(1035)
    verdict = rig.wait_verdicts(2)[1]
    assert verdict["decision"] != "accept"
    rig.wait(lambda: "changed" in rig.phases())


def test_an_unclaimed_load_and_an_unsettled_one_abstain(quick: Rig) -> None:
    quick.put(500)
    [unclaimed] = quick.wait_verdicts(1)
    assert (unclaimed["decision"], unclaimed["reasons"]) == ("abstain", ["NO_CLAIM"])
    assert unclaimed["p_as_claimed"] is None
    quick.clear()
    quick.wait(lambda: quick.phases()[-1] == "closed")
    quick.claim(CHEESE)
    quick.put(411)
    with quick.world.now() as world:
        world.push(600, duration_s=8.0)
    unsettled = quick.wait_verdicts(2)[1]
    assert (unsettled["decision"], unsettled["reasons"]) == ("abstain", ["NOT_SETTLED"])


def test_a_claim_can_be_withdrawn_or_expires(quick: Rig) -> None:
    quick.claim(CHEESE)
    quick.command("claim", {"transaction_id": "T-1", "cancel": True})
    quick.wait(lambda: quick.phases() == ["closed"])
    quick.claim(MILK, transaction_id="T-2")
    quick.wait(lambda: quick.phases() == ["closed", "closed"])


def test_bad_claims_are_refused_with_a_code_and_a_place(rig: Rig) -> None:
    rig.command("claim", {"transaction_id": "T-1", "revision": 1, "lines": [{"line": 1, "gtin": "123", "quantity": 1}]})
    rig.command("claim", {"transaction_id": "T-1", "revision": 0, "lines": []})
    rig.command("dance", {})
    rig.wait(lambda: len(rig.answers("claim")) == 2 and len(rig.answers("dance")) == 1)
    codes = [answer["code"] for answer in rig.answers("claim") + rig.answers("dance")]
    assert codes == ["bad_claim", "bad_claim", "unsupported"]
    assert "line 1" in rig.answers("claim")[0]["message"]


def test_release_settles_a_doubt_from_outside(rig: Rig) -> None:
    rig.claim(MILK)
    rig.put(1033, 106)
    rig.wait_verdicts(1)
    rig.command("release", {"transaction_id": "T-1"})
    rig.wait(lambda: rig.answers("release") == [{"status": "ok"}])
    rig.clear()
    rig.wait(lambda: rig.phases()[-2:] == ["removed", "closed"])


def test_shoppers_follow_one_another(rig: Rig) -> None:
    for number in range(1, 4):
        rig.claim(CHEESE, transaction_id=f"T-{number}")
        rig.put(410)
        verdict = rig.wait_verdicts(number)[-1]
        assert (verdict["transaction_id"], verdict["decision"]) == (f"T-{number}", "accept")
        rig.clear()
        rig.wait(lambda done=number: rig.phases().count("closed") == done)  # type: ignore[misc] # default binds now


def test_a_new_catalogue_is_in_force_without_a_restart(rig: Rig) -> None:
    rig.claim(CHEESE)
    rig.put(306)
    assert rig.wait_verdicts(1)[0]["decision"] != "accept"
    before = rig.backend.heard("st/info")[-1].event["data"]["catalogue"]
    import_products(rig.station.config, f"gtin,name,weight_g,weight_sd_g,weight_n\n{CHEESE},Cheese,305,3,40\n")
    rig.wait(lambda: rig.backend.heard("st/info")[-1].event["data"]["catalogue"] != before)
    rig.claim(CHEESE, revision=2)
    assert rig.wait_verdicts(2)[1]["decision"] == "accept"


def test_every_message_is_a_cloud_event_of_this_station(rig: Rig) -> None:
    rig.claim(CHEESE)
    rig.put(410)
    rig.wait_verdicts(1)
    events = [message.event for message in rig.backend.messages if "/cmd/" not in message.topic]
    for event in events:
        assert event["specversion"] == "1.0"
        assert event["source"] == "/vs/0815/vs-03"
        assert event["type"].startswith("station.")
        assert {"id", "time", "bootid", "monons", "clock"} <= event.keys()
    assert {"conn", "info", "health", "config"} <= {m.topic.rsplit("/", 1)[1] for m in rig.backend.messages}
