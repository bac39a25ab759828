"""A recorded visit is made again: to the last bit with the same source, question by question with another."""

import re
from pathlib import Path

import msgspec
import pytest

from station.records import core_state
from station.records.anonymous import anonymised
from station.records.book import RecordError, read, rewritten
from station.records.entries import AnyEntry, Asked, Happened, Head
from station.records.replay import replay
from tests.support.recorded import Recorded, claim


@pytest.fixture
def station(tmp_path: Path) -> Recorded:
    return Recorded(tmp_path)


def with_head(entries: list[AnyEntry], **changes: object) -> list[AnyEntry]:
    head = entries[0]
    assert isinstance(head, Head)
    return [msgspec.structs.replace(head, **changes), *entries[1:]]


def test_every_visit_is_made_again_to_the_last_bit(station: Recorded) -> None:
    for number in range(5):
        station.shop(f"T-{number}", [number, number + 3, number + 7], also_g=300.0 * (number == 3))
    assert {told["decision"] for told in station.told} == {"accept", "review"}
    assert len(station.finished) == 5
    for number in range(5):
        result = replay(station.entries(number), station.shelf)
        assert (result.way, result.verdicts, result.differences) == ("whole", 1, ())


def test_weights_learned_before_the_visit_are_those_it_is_judged_by(station: Recorded) -> None:
    for number in range(4):
        station.shop(f"T-{number}", [1, 5, 9])
    asked = [entry for entry in station.entries() if isinstance(entry, Asked)]
    assert asked[0].since is not None
    assert asked[0].since.places
    untaught = [
        msgspec.structs.replace(entry, since=None) if isinstance(entry, Asked) else entry for entry in station.entries()
    ]
    assert replay(station.entries(), station.shelf).same
    assert not replay(untaught, station.shelf).same


def test_a_reading_that_was_doubted_is_judged_as_doubted(station: Recorded) -> None:
    station.sd_factor = 30.0
    station.shop("T-1", [1, 2])
    trusted = [
        msgspec.structs.replace(entry, sd_g=None) if isinstance(entry, Asked) else entry for entry in station.entries()
    ]
    assert replay(station.entries(), station.shelf).same
    assert not replay(trusted, station.shelf).same


def test_a_visit_with_several_verdicts_gives_all_of_them(station: Recorded) -> None:
    station.feed_claim(claim("T-1", [1, 2]))
    station.put(500)
    station.wait(3)
    station.put(900)
    station.wait(3)
    station.world.clear()
    station.wait(3)
    assert len(station.told) >= 2
    result = replay(station.entries(), station.shelf)
    assert (result.verdicts, result.same) == (len(station.told), True)


def test_another_claim_gives_another_verdict_and_says_where(station: Recorded) -> None:
    station.shop("T-1", [1, 2, 3])
    entries = station.entries()
    changed: list[AnyEntry] = []
    for entry in entries:
        if isinstance(entry, Happened) and entry.event.__struct_config__.tag == "claimed":
            event = msgspec.structs.replace(entry.event, claim=claim("T-1", [1, 2]))
            changed.append(msgspec.structs.replace(entry, event=event))
        else:
            changed.append(entry)
    fields = {difference.field for difference in replay(changed, station.shelf).differences}
    assert {"p_as_claimed", "decision", "weight.expected_g"} <= fields


def test_another_source_asks_the_checker_again_and_says_so(station: Recorded) -> None:
    station.shop("T-1", [1, 2, 3])
    result = replay(with_head(station.entries(), core="sha256:other", software="0.0"), station.shelf)
    assert (result.way, result.same) == ("judgement", True)
    assert any("another" in note for note in result.notes)
    assert any("version 0.0" in note for note in result.notes)


def test_another_policy_shows_in_what_differs(station: Recorded) -> None:
    station.shop("T-1", [1, 2, 3], also_g=300)
    head = station.entries()[0]
    assert isinstance(head, Head)
    policy = msgspec.structs.replace(head.policy, risk_appetite=20.0, small_check_minor=1000.0)
    result = replay(with_head(station.entries(), policy=policy), station.shelf)
    assert "decision" in {difference.field for difference in result.differences}


def test_a_state_of_the_core_that_was_tampered_with_is_refused(station: Recorded) -> None:
    station.shop("T-1", [1])
    evil = b"cos\nsystem\n(S'true'\ntR."
    with pytest.raises(RecordError, match=r"os\.system|posix\.system"):
        replay(with_head(station.entries(), engine=evil), station.shelf)


def test_the_core_uses_no_more_of_calibration_than_a_state_may_name() -> None:
    folder = Path(core_state.__file__).parents[1] / "core"
    used = {name for path in folder.glob("*.py") for name in re.findall(r"from (calibration\.\w+)", path.read_text())}
    assert used == core_state.OURS


@pytest.mark.parametrize("what", ["catalogue", "weights"])
def test_what_a_record_refers_to_must_be_there(station: Recorded, what: str) -> None:
    station.shop("T-1", [1])
    for path in (station.shelf.folder / "shared").glob(f"*.{what}"):
        path.unlink()
    with pytest.raises(RecordError, match="not on the shelf"):
        replay(station.entries(), station.shelf)


def test_an_anonymous_copy_names_nobody_and_replays_alike(station: Recorded) -> None:
    station.shop("T-secret-1", [1, 2])
    station.shop("T-secret-2", [3, 4])
    data = anonymised(station.entries())
    entries = read(data)
    text = msgspec.json.encode(entries)
    assert b"secret" not in text
    head = entries[0]
    assert isinstance(head, Head)
    assert (head.store, head.station, head.time[10:]) == ("store", "station", "T00:00:00Z")
    assert b"secret" not in head.engine
    result = replay(entries, station.shelf)
    assert (result.way, result.verdicts, result.same) == ("whole", 1, True)


def test_a_record_rewritten_is_the_same_record(station: Recorded) -> None:
    station.shop("T-1", [1])
    assert read(rewritten(station.entries()))[:-1] == station.entries()[:-1]
