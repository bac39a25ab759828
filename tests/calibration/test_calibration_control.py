"""The control socket's language: any bytes in any pieces; who may speak it; a station that is silent or lies."""

import grp
import itertools
import os
import pwd
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.control import LINE_MAX_BYTES, Ask, Checked, ControlError, Lines, Told, decode_ask, decode_told, encode
from calibration.control_client import Hold, OutOfReachError, out_of_service, short_path, socket_path
from station.control import may_call

ASKS = st.builds(
    Ask,
    do=st.sampled_from(["status", "take", "back", "check"]),
    scale=st.none() | st.integers(1, 9),
    who=st.text(max_size=64),
    weight_g=st.none() | st.floats(0.1, 1e6),
    wait_s=st.floats(0.1, 600),
)
CHECKED = Checked(
    time="2026-05-04T08:00:00Z", weight_g=5000, weighed_g=5001, sd_g=0.5, error_g=1, relative=2e-4, outcome="pass"
)
TOLDS = st.builds(
    Told,
    state=st.sampled_from(["in_service", "draining", "out_of_service"]),
    holder=st.text(),
    error=st.none() | st.text(),
    checked=st.none() | st.just(CHECKED),
    waiting=st.booleans(),
)


@given(asks=st.lists(ASKS, max_size=5), tolds=st.lists(TOLDS, max_size=5), cuts=st.lists(st.integers(0, 400)))
def test_what_is_said_arrives_whatever_the_pieces(asks: list[Ask], tolds: list[Told], cuts: list[int]) -> None:
    stream = b"".join([*map(encode, asks), *map(encode, tolds)])
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    lines, heard = Lines(), []
    for begin, end in itertools.pairwise(edges):
        heard += lines.feed(stream[begin:end])
    assert [decode_ask(line) for line in heard[: len(asks)]] == asks
    assert [decode_told(line) for line in heard[len(asks) :]] == tolds


@given(noise=st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else(noise: bytes) -> None:
    for line in Lines().feed(noise + b"\n"):
        for decode in (decode_ask, decode_told):
            try:
                decode(line)
            except ControlError:
                continue


def test_a_line_without_an_end_is_refused() -> None:
    lines = Lines()
    assert lines.feed(b"x" * LINE_MAX_BYTES) == []
    with pytest.raises(ControlError, match="more than 4096 bytes"):
        lines.feed(b"x")


def test_unknown_keys_are_passed_over_and_other_versions_are_not() -> None:
    assert decode_ask(b'{"v": 1, "do": "status", "later": true}') == Ask(do="status")
    for line in (b'{"v": 2, "do": "status"}', b'{"v": 1, "do": "format"}', b'{"v": 1, "do": "take", "scale": 0}'):
        with pytest.raises(ControlError):
            decode_ask(line)


def test_the_kernel_says_who_may_call() -> None:
    nobody = pwd.getpwnam("nobody")
    group = grp.getgrgid(nobody.pw_gid).gr_name
    assert may_call(0, 0, None)
    assert may_call(os.geteuid(), 12345, None)
    assert not may_call(nobody.pw_uid, nobody.pw_gid, None)
    assert may_call(nobody.pw_uid, nobody.pw_gid, group)
    assert not may_call(nobody.pw_uid, nobody.pw_gid, "no-such-group")
    assert not may_call(4_000_000, 4_000_000, group)


def test_no_station_is_no_error(tmp_path: Path) -> None:
    assert socket_path(tmp_path) == tmp_path / "control.sock"
    assert socket_path(tmp_path, "/run/x.sock") == Path("/run/x.sock")
    for place in (tmp_path, tmp_path / "absent" / "control.sock"):
        with out_of_service(place) as hold:
            assert not hold.running
            hold.check()
    assert not Hold(None).running


def test_a_socket_may_lie_deeper_than_its_name_may_be_long(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listening, short_path(deep / "control.sock") as name:
        listening.bind(name)
        assert (deep / "control.sock").is_socket()


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([], "the connection has ended"),
        ([b"hello\n"], "no answer of version 1"),
        ([encode(Told(state="draining", waiting=True))], "the connection has ended"),
        ([encode(Told(state="in_service", error="busy", message="x has it", remedy="wait"))], "x has it; wait"),
    ],
)
def test_a_station_that_ends_or_refuses_is_one_clear_error(tmp_path: Path, answers: list[bytes], why: str) -> None:
    with socket.socket(socket.AF_UNIX) as listening, short_path(tmp_path / "control.sock") as name:
        listening.bind(name)
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                for answer in answers:
                    connection.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(OutOfReachError, match=why), out_of_service(tmp_path):
            pytest.fail("nobody gave us the ports")
        serving.join()
