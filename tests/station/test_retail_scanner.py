"""A scanner on the scale's wire: a phone's code goes to the backend, whose claim is judged; a product is noted."""

from pathlib import Path

from tests.support.magellan import scanner_rig
from tests.support.rig import CHEESE, MILK, wait_until

TOKEN = "https://pay.example/t/9f3c"


def test_a_phones_code_on_the_scales_wire_leads_to_a_verdict(tmp_path: Path) -> None:
    with scanner_rig(tmp_path) as (rig, device):
        rig.put(411, 1033)
        rig.wait(lambda: "stable" in rig.phases())
        for code in ("F4006381333931", "F4006381333930", f"]Q1{TOKEN}", f"]Q1{TOKEN}"):
            device.scan(code)
        rig.wait(lambda: bool(rig.backend.heard("evt/token")))
        [heard] = rig.backend.heard("evt/token")
        visit_id = rig.backend.heard("evt/transaction")[-1].event["data"]["visit_id"]
        assert heard.event["data"] == {"visit_id": visit_id, "token": TOKEN, "symbology": "qr"}
        assert heard.event["type"] == "station.token.v1"
        assert heard.expiry_s is not None
        assert heard.expiry_s <= 60
        rig.claim(CHEESE, MILK)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["visit_id"]) == ("accept", visit_id)
        rig.clear()
        rig.wait(lambda: rig.phases()[-2:] == ["removed", "closed"])
        wait_until(lambda: any("product scanned" in line and CHEESE in line for line in rig.station.log))
        assert rig.station.stop() == 0
        assert not any(TOKEN in line for line in rig.station.log)
        assert len(rig.backend.heard("evt/token")) == 1


def test_a_code_before_any_load_opens_the_visit_that_the_claim_and_the_load_go_on_with(tmp_path: Path) -> None:
    with scanner_rig(tmp_path) as (rig, device):
        device.scan("PAY-17")
        rig.wait(lambda: bool(rig.backend.heard("evt/token")))
        [heard] = rig.backend.heard("evt/token")
        assert heard.event["data"]["symbology"] == "unknown"
        rig.claim(CHEESE)
        rig.put(411)
        [verdict] = rig.wait_verdicts(1)
        assert (verdict["decision"], verdict["visit_id"]) == ("accept", heard.event["data"]["visit_id"])
