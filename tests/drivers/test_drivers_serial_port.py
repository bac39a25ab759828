"""The serial transport over real pseudo-terminals, and its errors."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from drivers.base import SensorError
from drivers.link import Link
from drivers.serial_port import LineSettings, SerialPort
from tests.drivers.wire import Peer

TIOCGEXCL = 0x80045440  # asm-generic/ioctls.h
EVEN_7 = LineSettings(bytesize=7, parity="E")


def read_all(port: Link, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = port.read(5.0)
        assert part, "nothing came"
        data += part
    return data


def test_bytes_go_both_ways() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, LineSettings())
        port.open()
        port.write(b"W")
        assert peer.heard() == b"W"
        peer.say(bytes(range(256)))
        assert read_all(port, 256) == bytes(range(256))
        port.close()


def test_seven_bits_drop_the_parity_that_a_peer_shows_as_bit_7() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, EVEN_7)
        port.open()
        peer.say(b"\x82\x3f\x41\x8d")
        assert read_all(port, 4) == b"\x02?A\x0d"
        port.close()


def test_nothing_comes_is_no_error() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, LineSettings())
        port.open()
        assert port.read(0.0) == b""
        assert port.read(-1.0) == b""
        port.close()


def test_discarded_input_is_gone() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, LineSettings())
        port.open()
        peer.say(b"old")
        assert port.read(5.0)[:1] == b"o"
        peer.say(b"older")
        port.discard_input()
        peer.say(b"new")
        assert read_all(port, 3) == b"new"
        port.close()


def test_a_second_opening_is_refused() -> None:
    with Peer() as peer:
        first, second = SerialPort(peer.path, LineSettings()), SerialPort(peer.path, LineSettings())
        first.open()
        with pytest.raises(SensorError, match="in use by another program"):
            second.open()
        first.close()
        second.open()
        second.close()


def test_other_programs_are_shut_out_until_it_is_closed() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, LineSettings())
        port.open()
        assert exclusive(peer.path)
        port.close()
        assert not exclusive(peer.path)


def exclusive(path: str) -> bool:
    """Ask the kernel whether a terminal is reserved; root may open it even then."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        return error.errno == errno.EBUSY
    try:
        return bool(int.from_bytes(fcntl.ioctl(fd, TIOCGEXCL, bytes(4)), "little"))
    finally:
        os.close(fd)


def test_an_unplugged_port_is_lost_for_reading_writing_and_discarding() -> None:
    peer = Peer()
    port = SerialPort(peer.path, EVEN_7)
    port.open()
    peer.unplug()
    with pytest.raises(SensorError, match="was lost") as caught:
        port.read(1.0)
    assert "plug" in caught.value.remedy
    with pytest.raises(SensorError, match="was lost"):
        port.write(b"W")
    with pytest.raises(SensorError, match="was lost"):
        port.discard_input()
    port.close()
    port.close()


def test_an_absent_port_says_so() -> None:
    with pytest.raises(SensorError, match="/dev/absent does not exist") as caught:
        SerialPort("/dev/absent", LineSettings()).open()
    assert "plug" in caught.value.remedy


def test_what_is_no_port_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    with pytest.raises(SensorError, match="not a usable serial port"):
        SerialPort(str(path), LineSettings()).open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_forbidden_port_names_the_group() -> None:
    with Peer() as peer:
        os.chmod(peer.path, 0)  # noqa: PTH101 - a device path
        with pytest.raises(SensorError, match="no permission") as caught:
            SerialPort(peer.path, LineSettings()).open()
        assert "dialout" in caught.value.remedy


def test_a_device_that_takes_no_data_is_an_error_and_not_a_hang() -> None:
    with Peer() as peer:
        port = SerialPort(peer.path, LineSettings())
        port.open()
        with pytest.raises(SensorError, match="accepts no data"):
            port.write(b"x" * 200_000)
        port.close()


@pytest.mark.parametrize("call", ["read", "write", "discard"])
def test_a_port_that_is_not_open_says_so(call: str) -> None:
    port = SerialPort("/dev/x", LineSettings())
    with pytest.raises(SensorError, match="not open"):
        {"read": lambda: port.read(0), "write": lambda: port.write(b"x"), "discard": port.discard_input}[call]()
