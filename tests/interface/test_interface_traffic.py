"""Whatever a running station says is published: every topic, every field, the properties beside the payload."""

from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from station import schemas
from tests.support.backend import Heard
from tests.support.magellan import scanner_rig
from tests.support.rig import CHEESE, MILK, bridge_rig

PROOF = {"signature", "keyid", "prevhash", "hash"}


def closed(part: Any) -> Any:
    """Return a schema that lets no unknown field pass: what is published must be all that is sent."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {key: closed(value) for key, value in part.items()}
    if "properties" in made and made.get("type") == "object":
        made["additionalProperties"] = False
    return made


def problems(heard: Heard, root: str) -> list[str]:
    """Return everything in a message that is not published."""
    group, _, name = heard.topic.removeprefix(root).partition("/")
    message = schemas.message_of(group, name)
    if message is None:
        return [f"{heard.topic} is not published"]
    checker = Draft202012Validator(closed(schemas.schema(message)))
    found = [f"{heard.topic} {error.json_path}: {error.message}" for error in checker.iter_errors(heard.event)]
    if (heard.expiry_s is None) != (message.expiry_s is None) or (heard.expiry_s or 0) > (message.expiry_s or 0):
        found.append(f"{heard.topic} expires after {heard.expiry_s} s, not {message.expiry_s}")
    names = {name for name, _ in heard.user}
    if names != (PROOF if heard.topic == root + "evt/verdict" else set()) | names & {"late"}:
        found.append(f"{heard.topic} has the user properties {sorted(names)}")
    return found


def test_all_that_a_station_says_is_published(tmp_path: Path) -> None:
    with scanner_rig(tmp_path) as (rig, device):
        rig.claim(CHEESE)
        rig.put(411, 1033)
        rig.wait_verdicts(1)
        device.scan("]Q1https://pay.example/t/9f3c")
        rig.claim(CHEESE, MILK, revision=2)
        rig.wait_verdicts(2)
        rig.claim(CHEESE, revision=1)
        rig.command("release", {"transaction_id": "T-1"})
        rig.command("feedback", {"transaction_id": "T-9", "source": "attendant", "contents": []})
        rig.command("zero", {})
        rig.command("stream", {"seconds": 5, "hz": 5})
        rig.backend.send("cmd/claim", b"\xff")
        rig.wait(lambda: len(rig.answers("claim")) == 4 and bool(rig.answers("feedback") and rig.answers("zero")))
        rig.wait(lambda: bool(rig.backend.heard("tel/weight")))
        rig.clear()
        rig.wait(lambda: "closed" in rig.phases())
        rig.mute(silent=True)
        rig.wait(lambda: bool(rig.alarms()))
        assert rig.station.stop() == 0
        rig.wait(lambda: rig.backend.heard("st/conn")[-1].event["data"] == {"state": "offline"})
        said = [heard for heard in rig.backend.messages if "/cmd/" not in heard.topic]
        assert [problem for heard in said for problem in problems(heard, rig.backend.root)] == []
        published = {f"{m.group}/{m.name}" for m in schemas.MESSAGES if not m.incoming and m.group != "res"}
        assert published <= {heard.topic.removeprefix(rig.backend.root) for heard in said}


def test_load_cells_are_published_too(tmp_path: Path) -> None:
    with bridge_rig(tmp_path) as rig:
        rig.put(2000)
        rig.wait(lambda: bool(rig.phases()) and rig.phases()[-1] == "stable")
        rig.claim("2999999999991")
        rig.wait_verdicts(1)
        rig.wait(lambda: bool(rig.health().get("cells")))
        said = [heard for heard in rig.backend.messages if "/cmd/" not in heard.topic]
        assert [problem for heard in said for problem in problems(heard, rig.backend.root)] == []


def test_what_is_not_published_is_noticed(tmp_path: Path) -> None:
    """The check above can fail: an unknown topic, an unknown field, an unknown word, a property too many."""
    with scanner_rig(tmp_path) as (rig, _):
        [conn] = rig.backend.heard("st/conn")[-1:]
        root = rig.backend.root
        assert problems(conn, root) == []
        for topic, old, new in (
            ("st/novelty", b"", b""),
            ("st/conn", b'"state":', b'"mood":"fine","state":'),
            ("st/conn", b'"online"', b'"asleep"'),
            ("st/conn", b"station.conn.v1", b"station.conn.v2"),
        ):
            changed = Heard(root + topic, conn.payload.replace(old, new), conn.retain, False, None, None, conn.user)
            assert len(problems(changed, root)) == 1, (topic, new)
