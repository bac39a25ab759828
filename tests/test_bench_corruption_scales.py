"""The benchmark of scales on a bad line: what it calls passable, that the drivers keep it, that it can fail."""

import re

import pytest

from benchmarks import corruption_scales
from benchmarks.corruption_line import SerialLine
from benchmarks.scale_cases import CASES, TEXT
from drivers.sim.cas_device import CasDevice
from drivers.toledo_continuous import ToledoContinuousCodec
from station import wiring

BY_NAME = {case.name: case for case in CASES}
CAS = CasDevice().receive(b"\x11")


def is_twin(name: str, sent: bytes, got: bytes) -> bool:
    case = TEXT if name == TEXT.name else BY_NAME[name]
    return SerialLine(case, 0.0, 1).is_twin(sent, got)


@pytest.mark.parametrize(
    ("name", "sent", "got", "passable"),
    [
        ("toledo-8217", b"\x0208.475\r", b"\x0208.445\r", True),
        ("toledo-8217", b"\x0208.475\r", b"xx\x0208.445\r", True),
        ("toledo-8217", b"\x0208.475\r", b"\x0208.45\r", False),
        ("toledo-8217", b"\x0208.475\r", b"\x0208.4:5\r", False),
        ("cas", b"\x01\x02S 00.345kgc\x03\x04", b"\x01\x02S 00.365kgc\x03\x04", False),
        ("cas", b"\x01\x02S 00.345kgc\x03\x04", b"\x01\x02S 00.365kga\x03\x04", True),
        ("dialog-06, price 1000", b"\x0202\x1b3\x1b00345\x1b001000\x1b000345\x03",
         b"\x0202\x1b3\x1b00365\x1b001000\x1b000345\x03", False),
        ("dialog-06, price 1000", b"\x0202\x1b3\x1b00345\x1b001000\x1b000345\x03",
         b"\x0202\x1b3\x1b00365\x1b001000\x1b000365\x03", True),
        ("ascii-line ohaus", b"     11.285 kg  \r\n", b"     31.285 kg  \r", True),
        ("ascii-line ohaus", b"     11.285 kg  \r\n", b"      1.285 kg  \r\n", True),
        ("ascii-line ohaus", b"     11.285 kg  \r\n", b"     1.285 kg  \r\n", False),
        ("ascii-line ohaus", b"     11.285 kg  \r\n", b"      11.28 kg  \r\n", False),
        ("magellan 8N1", b"S141\r", b"S143\r", True),
        ("nci ecr", b"\n01.735KG\r\nS00\r\x03", b"\n01.730KG\rS00\r\x03", True),
        ("mt-sics", b"S S      8.180 kg\r\n", b"S D      8.180 kg\r\n", False),
        ("hx711-text", b"654321\r\n", b"65321\r\n", True),
        ("hx711-text", b"654321\r\n", b"65a321\r\n", False),
    ],
)  # fmt: skip
def test_passable_is_only_what_nobody_could_know(name: str, sent: bytes, got: bytes, passable: bool) -> None:
    assert is_twin(name, sent, got) is passable


def test_every_serial_scale_is_measured() -> None:
    serial = {name for name, entry in wiring.SCALES.items() if not entry.counts}
    measured = {re.sub("_", "-", case.module.__name__.removeprefix("drivers.")) for case in CASES}
    assert measured == serial


@pytest.mark.parametrize("name", ["toledo-8217", "nci ecr", "cas", "mt-sics", "ascii-line radwag"])
def test_no_driver_lets_through_more_than_its_protocol(name: str) -> None:
    result = corruption_scales.measure(40.0, 3, [BY_NAME[name]])
    assert result["kept"]
    assert result["scales"][name]["damaged"] > 50
    assert result["scales"][name]["sound"] > 50


def test_it_fails_where_a_driver_does_not_look_at_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToledoContinuousCodec, "_sound", lambda _, frame: frame[4:10].isdigit())
    result = corruption_scales.measure(100.0, 1, [BY_NAME["ascii-line toledo-continuous"]])
    assert not result["kept"]
    assert result["scales"]["ascii-line toledo-continuous"]["beyond"] > 0
