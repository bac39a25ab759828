"""A record is whole or refused: no cut, no flipped bit, no stranger's file is taken for one."""

import contextlib
import gzip
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.records.book import RecordError, read
from station.records.entries import End, Told
from tests.support.recorded import Recorded


@cache
def sample() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        station = Recorded(Path(folder))
        station.shop("T-1", [1])
        return station.finished[0].data


@given(st.integers(min_value=0))
def test_a_record_that_was_cut_off_is_refused(at: int) -> None:
    data = sample()
    with pytest.raises(RecordError):
        read(data[: at % len(data)])


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=7))
def test_a_flipped_bit_is_found(at: int, bit: int) -> None:
    data = bytearray(sample())
    data[at % len(data)] ^= 1 << bit
    with contextlib.suppress(RecordError):
        assert read(bytes(data)) == read(sample())  # a bit of gzip's own head, that says nothing


@given(st.binary(max_size=400))
def test_no_stranger_is_taken_for_a_record(data: bytes) -> None:
    for stranger in (data, gzip.compress(data)):
        with pytest.raises(RecordError):
            read(stranger)


def test_a_line_that_was_changed_is_found() -> None:
    text = gzip.decompress(sample()).replace(b'"T-1"', b'"T-2"')
    with pytest.raises(RecordError, match="changed or damaged"):
        read(gzip.compress(text))


def test_lines_behind_the_end_are_refused() -> None:
    lines = gzip.decompress(sample()).splitlines(keepends=True)
    with pytest.raises(RecordError, match=r"goes on behind its end|changed"):
        read(gzip.compress(b"".join([*lines, lines[1]])))


def test_anybody_can_read_a_record_with_zcat() -> None:
    lines = gzip.decompress(sample()).splitlines()
    assert lines[0].startswith(b'{"entry":"head","format":1,')
    entries = read(sample())
    assert len(lines) == len(entries)
    assert isinstance(entries[-1], End)
    assert any(isinstance(entry, Told) for entry in entries)
