"""Whatever stands in a file, the audit answers in words: no traceback, no forged verdict, no control characters."""

import base64
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station import signing_keys
from station.audit import Finding, Sealed, examine
from station.audit_sources import lines
from station.audit_spool import START, Chain, Spool
from tests.delivery.test_audit import Line, made

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(["topic", "payload", "payload_base64", "properties", "user-properties", "signature", "keyid"])


class World:
    """Six verdicts and the keys to check them with."""

    def __init__(self, folder: Path) -> None:
        self.lines = made(folder)
        self.keys = signing_keys.Verifier(signing_keys.known(folder / "keys"))

    def audit(self, data: bytes) -> tuple[list[Finding], list[Sealed], list[Chain]]:
        findings: list[Finding] = []
        sealed: list[Sealed] = []
        chains: list[Chain] = []
        with Spool() as spool:
            for record in lines(io.BytesIO(data)):
                if isinstance(record, Finding):
                    findings.append(record)
                    continue
                found, wrong = examine(record, self.keys)
                findings += wrong
                if found is not None:
                    sealed.append(found)
                    findings += spool.take(found)
            for result in spool.chains(START):
                (chains if isinstance(result, Chain) else findings).append(result)  # type: ignore[arg-type]
        for finding in findings:
            assert finding.text.isprintable(), finding
            json.dumps([finding.text, finding.source, finding.epoch]).encode("ascii")
        return findings, sealed, chains


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("state"))


@given(data=st.binary(max_size=2000))
def test_any_bytes(world: World, data: bytes) -> None:
    _findings, sealed, _chains = world.audit(data)
    assert sealed == []


@given(line=st.dictionaries(WORDS, JSON, max_size=5), inner=JSON)
def test_any_json(world: World, line: dict[str, Any], inner: Any) -> None:
    line = {"payload": json.dumps(inner)} | line
    _findings, sealed, _chains = world.audit(json.dumps(line).encode())
    assert sealed == []


@given(
    name=st.sampled_from(["signature", "keyid", "prevhash", "hash"]),
    value=st.text() | st.text("0123456789abcdefABCDEF", min_size=64, max_size=128) | JSON,
)
def test_any_property(world: World, name: str, value: Any) -> None:
    line = world.lines[0]
    changed = line | {"properties": line["properties"] | {name: value}}
    findings, _sealed, _chains = world.audit(json.dumps(changed).encode())
    same = isinstance(value, str) and value.lower() == line["properties"][name]
    assert (findings == []) == same


@given(place=st.integers(0), bit=st.integers(0, 7))
def test_no_bit_of_a_payload_can_be_turned(world: World, place: int, bit: int) -> None:
    payload = bytearray(world.lines[0]["payload"].encode())
    payload[place % len(payload)] ^= 1 << bit
    line = world.lines[0] | {"payload_base64": base64.b64encode(payload).decode()}
    findings, sealed, _chains = world.audit(json.dumps(line).encode())
    assert sealed == []
    assert {finding.kind for finding in findings} <= {"bad_signature", "not_a_verdict"}
    assert findings


@given(chosen=st.lists(st.integers(0, 5), max_size=15))
def test_any_choice_in_any_order_misses_exactly_what_is_missing(world: World, chosen: list[int]) -> None:
    """The oracle is a set: what lies below the highest number and is not there is a gap."""
    findings, sealed, chains = world.audit(_file([world.lines[index] for index in chosen]))
    there = {index + 1 for index in chosen}
    missing = set(range(1, max(there, default=0))) - there
    told: set[int] = set()
    for finding in findings:
        assert finding.kind == "gap"
        words = finding.text.split()
        told |= set(range(int(words[0]), int(words[2]) + 1)) if words[1] == "to" else {int(words[0])}
    assert told == missing
    assert Counter(verdict.numbers.seq for verdict in sealed) == Counter(index + 1 for index in chosen)
    assert [chain.verdicts for chain in chains] == ([len(there)] if there else [])


@given(cut=st.integers(0), keep=st.integers(0))
def test_a_file_cut_anywhere_holds_what_is_whole(world: World, cut: int, keep: int) -> None:
    data = _file(world.lines)
    start = cut % len(data)
    end = start + keep % (len(data) - start + 1)
    _findings, sealed, _chains = world.audit(data[:start] + data[end:])
    pieces = data[:start].count(b"\n"), data[end:].count(b"\n")
    assert pieces[0] + pieces[1] - 1 <= len(sealed) <= pieces[0] + pieces[1] + 1  # the seam is one line, or two
    assert {verdict.payload.decode() for verdict in sealed} <= {line["payload"] for line in world.lines}


def _file(lines: list[Line]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def test_a_line_without_end_does_not_fill_the_memory(world: World) -> None:
    whole = _file(world.lines)
    findings, sealed, _chains = world.audit(whole[:100] + b"x" * 9_000_000 + b"\n" + whole)
    assert [finding.kind for finding in findings] == ["unreadable"]
    assert len(sealed) == 6


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_deep_nesting_is_refused(world: World, depth: int) -> None:
    findings, _sealed, _chains = world.audit(b"[" * depth + b"]" * depth)
    assert [finding.kind for finding in findings] == ["unreadable"]
    findings, _sealed, _chains = world.audit(json.dumps({"payload": "[" * depth}).encode())
    assert [finding.kind for finding in findings] == ["not_a_verdict"]
