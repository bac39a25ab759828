"""Ports that give nothing away: held, forbidden, silent, noisy, foreign; and by which names ports go."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers import toledo_8217
from drivers.base import Indication
from drivers.probing.places import Host, SerialPlace, serial_places
from drivers.probing.serial_probe import Limits, probe_ports
from drivers.sim.line_device import LineDevice
from drivers.sim.toledo_device import ToledoDevice
from tests.doctor.bench import Machine, machine
from tests.drivers.wire import Peer, read_until

SHORT = Limits(listen_s=0.2, answer_s=0.02, all_s=30.0)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def usb(bench: Machine, node: str, **attributes: str) -> None:
    """Give a terminal a USB device in sysfs: the terminal hangs two floors below it."""
    device = bench.sys / "devices" / "usb1" / f"at-{node}"
    (device / "interface" / node).mkdir(parents=True)
    for name, text in attributes.items():
        (device / name).write_text(text + "\n")
    terminal = bench.sys / "class" / "tty" / node
    terminal.mkdir(parents=True)
    (terminal / "device").symlink_to(device / "interface" / node)


def assert_never_opened(peer: Peer) -> None:
    with pytest.raises(OSError, match="Input/output error"):  # as long as nobody has opened the other end
        peer.heard(1.0)


class Talker:
    """A device that says the same again and again, numbered, and keeps what it is told."""

    def __init__(self, says: str | bytes) -> None:
        self._says = says
        self._number = 0
        self.told = b""

    def observe(self, load_g: float, t_s: float) -> None:
        pass

    def receive(self, data: bytes) -> bytes:
        self.told += data
        return b""

    def stream(self, t_s: float) -> bytes:
        self._number += 1
        if isinstance(self._says, bytes):
            return self._says
        return self._says.format(ms=81_000 + round(t_s * 1000), counts=654_321 + self._number % 7).encode()


def test_a_port_that_a_driver_reads_is_left_alone(bench: Machine) -> None:
    port, _ = bench.scale(ToledoDevice())
    driver = toledo_8217.Driver(toledo_8217.Options(port=port))
    driver.open()
    try:
        read_until(driver, lambda value: isinstance(value, Indication) and value.weight_g is not None)
        [find] = bench.probe(limits=SHORT)
        assert find.candidates == ()
        assert "is in use by another program" in find.problem
        assert find.remedy
        assert find.asked == 0
        read_until(driver, lambda value: isinstance(value, Indication) and value.weight_g is not None)
    finally:
        driver.close()


def test_a_port_that_another_program_has_open_is_not_even_opened(bench: Machine) -> None:
    with Peer() as peer:
        port = bench.link(peer.path)
        process = bench.proc / "4711"
        (process / "fd").mkdir(parents=True)
        (process / "comm").write_text("minicom\n")
        (process / "fd" / "5").symlink_to(os.path.realpath(port))
        [find] = bench.probe(limits=SHORT)
        assert find.problem == "in use by minicom (pid 4711); not touched"
        assert_never_opened(peer)


def test_a_forbidden_port_is_not_opened_and_says_which_group_helps(bench: Machine) -> None:
    with Peer() as peer:
        bench.link(peer.path)
        host = replace(bench.host, may_open=lambda _: False)
        [find] = probe_ports(host, serial_places(host), ask=True, limits=SHORT, tell=lambda _: None)
        assert find.problem == "this user may not open it"
        assert find.remedy == host.admission(Path(peer.path), "dialout")
        assert_never_opened(peer)


def test_nobody_is_told_to_join_the_group_root(tmp_path: Path) -> None:
    class Rooted(Host):
        def group(self, path: Path) -> str:
            return {"a": "root", "b": "plugdev"}.get(path.name, "")

    remedy = Rooted().admission(tmp_path / "a", "dialout")
    assert 'GROUP="dialout"' in remedy
    assert "usermod -aG dialout USER" in remedy
    assert Rooted().admission(tmp_path / "b", "spi").startswith("join the group plugdev: ")
    assert Rooted().admission(tmp_path / "none", "spi").startswith("join the group spi: ")


def test_a_silent_port_is_asked_everything_and_found_silent(bench: Machine) -> None:
    with Peer() as peer:
        bench.link(peer.path)
        [find] = bench.probe(limits=SHORT)
        assert (find.candidates, find.problem, find.heard) == ((), "", "")
        assert find.asked == 18
        assert find.complete


def test_what_is_sent_sets_nothing_in_letter_protocols(bench: Machine) -> None:
    """A Toledo takes each letter as a command: T and C change its tare, Z its zero."""
    with Peer() as peer:
        bench.link(peer.path)
        bench.probe(limits=SHORT)
        sent = peer.heard()
    assert b"W\r" in sent
    assert not set(b"TZC") & set(sent)
    assert sent.endswith(b"READ\r\n")
    assert sent.count(b"E") == sent.count(b"A") == 1


def test_no_letter_that_a_toledo_obeys_is_sent_where_noise_is_on_the_line(bench: Machine) -> None:
    device = Talker(bytes(range(128, 256)))
    bench.scale(device)
    [find] = bench.probe(limits=SHORT)
    assert find.candidates == ()
    assert find.heard
    assert b"W\r" in device.told
    assert b"E" not in device.told


def test_other_text_is_told_and_not_asked(bench: Machine) -> None:
    device = Talker("$GPGGA,123519,4807.038,N,01131.000,E,1,08\r\n")
    bench.scale(device)
    [find] = bench.probe(limits=SHORT)
    assert find.candidates == ()
    assert "$GPGGA" in find.heard
    assert device.told == b""


def test_an_unplugged_port_is_a_finding_of_its_own(bench: Machine) -> None:
    port = bench.link("/dev/pts/none")
    [find] = bench.probe(limits=SHORT, places=[SerialPlace(port, port, ())])
    assert (find.problem, "plug" in find.remedy) == ("it does not exist", True)


def test_time_that_runs_out_is_told(bench: Machine) -> None:
    with Peer() as peer:
        bench.link(peer.path)
        [find] = bench.probe(limits=Limits(listen_s=0.1, answer_s=0.2, all_s=0.9))
        assert not find.complete
        assert find.asked < 18


def test_a_damaged_line_still_shows_a_printer(bench: Machine) -> None:
    _, emulator = bench.scale(LineDevice("dini-argeo", every_s=0.05))
    emulator.line.rates = replace(emulator.line.rates, drop_byte=0.1)
    [find] = bench.probe(ask=False)
    assert [candidate.keys["profile"] for candidate in find.candidates] == ["dini-argeo"]


@pytest.mark.parametrize(
    ("form", "layout", "columns"),
    [
        ("{ms},{counts}\r\n", {"width": 2, "time_column": 0}, [1]),
        ("{counts}\n", {"width": 1}, [0]),
        ("{counts},{counts}\n", {"width": 2}, [0, 1]),
    ],
)
def test_numbers_in_lines_are_laid_out(
    bench: Machine, form: str, layout: dict[str, object], columns: list[int]
) -> None:
    bench.scale(Talker(form))
    looks = (bench.candidate(ask=False) for _ in range(3))  # a clock is told by its pace, which a busy host disturbs
    candidate = next((look for look in looks if layout.items() <= look.keys.items()), None)
    assert candidate is not None
    assert (candidate.driver, candidate.keys["baud"]) == ("hx711-text", 115_200)
    assert candidate.choices[0].key == "columns"
    assert candidate.choices[0].values[0] == columns


def test_ports_go_by_their_lasting_names(bench: Machine) -> None:
    with Peer() as peer:
        port = bench.link(peer.path)
        path = bench.dev / "serial" / "by-path" / "pci-0:1.2"
        path.symlink_to("../../ttyUSB0")
        usb(bench, "ttyUSB0", idVendor="0403", idProduct="6001", serial="A502", manufacturer="FTDI", product="FT232R")
        [place] = serial_places(bench.host)
    assert place.port == port
    assert place.names == (port, str(path))
    assert place.device == str(bench.dev / "ttyUSB0")
    assert place.usb is not None
    assert (place.usb.vendor, place.usb.product, place.usb.serial, place.usb.name) == (
        "0403", "6001", "A502", "FTDI FT232R",
    )  # fmt: skip


def test_twins_go_by_the_socket_they_are_plugged_into(bench: Machine) -> None:
    for number in (0, 1):
        (bench.dev / f"ttyUSB{number}").touch()
        (bench.dev / "serial" / "by-path" / f"pci-0:1.{number}").symlink_to(f"../../ttyUSB{number}")
        usb(bench, f"ttyUSB{number}", idVendor="1a86", idProduct="7523")
    (bench.dev / "serial" / "by-id" / "usb-1a86-clone").symlink_to("../../ttyUSB1")
    places = serial_places(bench.host)
    assert [Path(place.port).name for place in places] == ["pci-0:1.0", "pci-0:1.1"]
    assert all("same USB identity" in place.notes[0] for place in places)


def test_ports_without_links_are_found_too(bench: Machine) -> None:
    for name in ("ttyACM0", "ttyAMA0", "tty7"):
        (bench.dev / name).touch()
    (bench.dev / "serial0").symlink_to("ttyAMA0")
    assert [place.port for place in serial_places(bench.host)] == [
        str(bench.dev / "ttyACM0"), str(bench.dev / "serial0"),
    ]  # fmt: skip


def test_a_machine_without_anything_has_no_ports(tmp_path: Path) -> None:
    assert serial_places(Host(dev=tmp_path / "none", sys=tmp_path, proc=tmp_path)) == []
