"""Whatever a broker delivers as a command gets a coded answer; nothing crashes, memory stays."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import fuzz_commands
from station import messages
from station.command_trust import Trust
from station.commanding import NAMES
from station.commands import Answer, Command, Commands
from station.link_values import Arrived

PUBLISHED = {*get_args(messages.ResultCode), "ok", "elsewhere", "waits"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def test_spoilt_commands_get_published_codes() -> None:
    codes, _ = fuzz_commands.run(4000)
    assert set(codes) <= PUBLISHED
    assert {"ok", "not_json", "bad_data", "bad_claim", "expired", "bad_signature", "unsigned", "retained"} <= set(codes)


@given(name=st.sampled_from(sorted(NAMES)), data=JSON, event_id=st.text(min_size=1, max_size=8))
def test_any_json_is_a_command_or_told_why_not(name: str, data: object, event_id: str) -> None:
    event = {"specversion": "1.0", "id": event_id, "source": "/b", "type": "t", "data": data}
    book = Commands(fuzz_commands.STATION, NAMES, Trust())
    taken = book.take(_arrived(msgspec.json.encode(event)), name, 0)
    assert isinstance(taken, Command) or (isinstance(taken, Answer) and taken.data["code"] in PUBLISHED)


def test_every_code_in_the_source_is_published() -> None:
    folder = Path(messages.__file__).parent
    found = set()
    for path in [*folder.glob("command*.py"), folder / "config_remote.py"]:
        found |= set(re.findall(r'(?:CommandRefusedError\(|_refuse\(|error\(|return )"([a-z_]+)",', path.read_text()))
    assert found <= PUBLISHED
    assert {"no_key", "wrong_base", "not_allowed", "id_reused"} <= found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_spoilt_commands_crash_nothing_and_memory_stays() -> None:
    codes, grown_kib = fuzz_commands.run(1_000_000)
    assert codes.total() == 1_000_000
    assert set(codes) <= PUBLISHED
    assert grown_kib < 20_000


def _arrived(payload: bytes) -> Arrived:
    return Arrived(connection=1, mid=1, t_ns=0, topic="", payload=payload)
