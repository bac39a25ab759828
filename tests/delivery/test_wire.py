import contextlib
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from station import wire
from station.clock import STEPPED_FOR_NS, Clock, read_boot_id
from station.wire import Envelope, Numbering, Stamp, Station, WireError

STATION = Station("0815", "vs-03")
STAMP = Stamp(wall_ns=1_700_000_000_123_999_999, monotonic_ns=42_000_000_001, boot_id="b", clock="synced")

JSON_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(JSON_TEXT, inner, max_size=4),
    max_leaves=12,
)
JSON_OBJECTS = st.dictionaries(JSON_TEXT, JSON_VALUES, max_size=5)


@given(
    data=JSON_OBJECTS, wall_ns=st.integers(0, 2**62), monotonic_ns=st.integers(0, 2**62), seq=st.integers(1, 2**31 - 1)
)
def test_an_envelope_comes_back_as_it_went(data: dict[str, Any], wall_ns: int, monotonic_ns: int, seq: int) -> None:
    stamp = Stamp(wall_ns=wall_ns, monotonic_ns=monotonic_ns, boot_id="boot", clock="unsynced")
    payload = wire.encode(
        STATION,
        stamp,
        wire.uuid7(wall_ns // 10**6 % 2**48, b"0123456789"),
        "verdict",
        data,
        numbering=Numbering("e", seq),
    )
    envelope = msgspec.json.decode(payload, type=Envelope)
    assert (envelope.data, envelope.seq, envelope.epoch) == (data, seq, "e")
    assert (envelope.type, envelope.source, envelope.monons) == (
        "station.verdict.v1",
        "/vs/0815/vs-03",
        str(monotonic_ns),
    )
    moment = datetime.fromisoformat(envelope.time)
    assert round(moment.timestamp() * 1000) == wall_ns // 1_000_000
    assert wire.decode(payload).data == data


def test_the_envelope_is_written_as_published() -> None:
    payload = wire.encode(STATION, STAMP, "i", "transaction", {"visit_id": "v", "transaction_id": None})
    assert payload == (
        b'{"specversion":"1.0","id":"i","source":"/vs/0815/vs-03","type":"station.transaction.v1","subject":"v",'
        b'"time":"2023-11-14T22:13:20.123Z","datacontenttype":"application/json","bootid":"b","monons":"42000000001",'
        b'"clock":"synced","data":{"visit_id":"v","transaction_id":null}}'
    )


@given(unix_ms=st.integers(0, 2**48 - 1), entropy=st.binary(min_size=10, max_size=10))
def test_ids_are_uuids_of_version_7_and_carry_their_time(unix_ms: int, entropy: bytes) -> None:
    value = uuid.UUID(wire.uuid7(unix_ms, entropy))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == unix_ms
    assert value.int & (1 << 62) - 1 == int.from_bytes(entropy, "big") & (1 << 62) - 1


def test_ids_agree_with_the_example_of_rfc_9562() -> None:  # appendix A.6
    rand_a, rand_b = 0xCC3, 0x18C4DC0C0C07398F
    entropy = (rand_a << 68 | rand_b).to_bytes(10, "big")
    assert wire.uuid7(0x017F22E279B0, entropy) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.binary(max_size=300))
@example(b"[" * 100_000)
@example(b'{"id":' * 20_000)
@example(b'{"specversion":"1.0","id":"\\ud800","source":"s","type":"t"}')
@example(b'{"specversion":"1.0","id":"i","source":"s","type":"t","data":1e999999}')
def test_no_bytes_make_the_decoder_fail_in_another_way(payload: bytes) -> None:
    with contextlib.suppress(WireError):  # anything else fails the test
        assert isinstance(wire.object_data(wire.decode(payload)), dict)


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        (b"x" * (wire.MAX_COMMAND_BYTES + 1), "too_large", str(wire.MAX_COMMAND_BYTES)),
        (b'{"id": "\xff"}', "bad_encoding", "byte 8"),
        (b"{", "not_json", "JSON"),
        (b"[" * 50_000, "not_json", "nested too deeply"),
        (b"{}", "not_cloudevent", "specversion"),
        (b"[1]", "not_cloudevent", "object"),
        (b'{"specversion":"0.3","id":"i","source":"s","type":"t"}', "not_cloudevent", "specversion"),
        (b'{"specversion":"1.0","id":"","source":"s","type":"t"}', "not_cloudevent", "id"),
        (b'{"specversion":"1.0","id":"i","source":"s","type":"t","data":[]}', "bad_data", "object"),
    ],
)
def test_what_is_no_command_is_refused_with_a_code(payload: bytes, code: str, words: str) -> None:
    with pytest.raises(WireError) as caught:
        wire.object_data(wire.decode(payload))
    assert caught.value.code == code
    assert words in caught.value.message


def test_unknown_attributes_are_passed_over_and_data_may_be_absent() -> None:
    event = wire.decode(b'{"specversion":"1.0","id":"i","source":"s","type":"t","traceparent":"00"}')
    assert wire.object_data(event) == {}


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("vs/1/0815/vs-03/cmd/claim", ("cmd", "claim")),
        ("vs/1/0815/vs-03/cmd/claim/x", None),
        ("vs/1/0815/vs-03/cmd", None),
        ("vs/1/0815/vs-03/cmd/", None),
        ("vs/1/0815/vs-04/cmd/claim", None),
        ("vs/1/0815/vs-033/cmd/claim", None),
    ],
)
def test_topics_have_exactly_two_levels_below_the_station(topic: str, expected: tuple[str, str] | None) -> None:
    assert STATION.match(topic) == expected


@pytest.mark.parametrize(
    ("topic", "accepted"),
    [
        ("vs/1/0815/vs-03/res/claim", True),
        ("vs/1/0815/vs-03/res/backend/7", True),
        ("vs/1/0815/vs-03/res/", False),
        ("vs/1/0815/vs-03/res/#", False),
        ("vs/1/0815/vs-03/res/a\x01", False),
        ("vs/1/0815/vs-03/evt/verdict", False),
        ("vs/1/0815/vs-04/res/claim", False),
        ("vs/1/0815/vs-03/res/" + "x" * 300, False),
    ],
)
def test_answers_go_only_below_the_own_res(topic: str, accepted: bool) -> None:
    assert STATION.may_answer_on(topic) is accepted


class Hands:
    """Two clocks moved by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * 10**9
        self.monotonic_ns = 5 * 10**9

    def clock(self, synchronised: Path) -> Clock:
        return Clock("boot", synchronised, lambda: self.wall_ns, lambda: self.monotonic_ns)

    def advance(self, seconds: float, *, jump_s: float = 0.0) -> None:
        self.monotonic_ns += round(seconds * 1e9)
        self.wall_ns += round((seconds + jump_s) * 1e9)


def test_a_clock_says_when_it_is_synchronised(tmp_path: Path) -> None:
    hands, flag = Hands(), tmp_path / "synchronized"
    clock = hands.clock(flag)
    assert clock.stamp().clock == "unsynced"
    flag.touch()
    assert clock.stamp().clock == "synced"


@pytest.mark.parametrize("jump_s", [-86_400.0, -1.0, 1.0, 86_400.0])
def test_a_jump_of_the_wall_clock_is_told_for_a_while(tmp_path: Path, jump_s: float) -> None:
    hands = Hands()
    clock = hands.clock(tmp_path)
    assert clock.stamp().clock == "synced"
    hands.advance(3, jump_s=jump_s)
    assert clock.stamp().clock == "stepped"
    hands.advance(STEPPED_FOR_NS / 2e9)
    assert clock.stamp().clock == "stepped"
    hands.advance(STEPPED_FOR_NS / 2e9)
    assert clock.stamp().clock == "synced"


def test_slewing_is_no_jump(tmp_path: Path) -> None:
    hands = Hands()
    clock = hands.clock(tmp_path)
    clock.stamp()
    hands.advance(36_000, jump_s=36_000 * 0.0005)
    assert clock.stamp().clock == "synced"


def test_ages_are_monotonic_within_a_boot_and_never_negative() -> None:
    then = Stamp(wall_ns=10**18, monotonic_ns=100, boot_id="a", clock="unsynced")
    assert Stamp(wall_ns=0, monotonic_ns=350, boot_id="a", clock="stepped").age_ns(then) == 250
    assert Stamp(wall_ns=10**18 + 7, monotonic_ns=0, boot_id="b", clock="synced").age_ns(then) == 7
    assert Stamp(wall_ns=0, monotonic_ns=0, boot_id="b", clock="unsynced").age_ns(then) == 0


def test_the_real_clock_runs() -> None:
    clock = Clock()
    first, second = clock.stamp(), clock.stamp()
    assert first.boot_id == read_boot_id() != ""
    assert second.age_ns(first) >= 0
    assert clock.new_id() != clock.new_id()
