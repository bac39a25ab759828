"""Converters on I2C, the kernel's HX711, SPI and GPIO: found in emulated buses and trees, and left as they were."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import hx711_iio, nau7802
from drivers import nau7802_registers as reg
from drivers.probing.i2c_probe import BusFind, probe_buses
from drivers.probing.kernel_probe import probe_gpio, probe_iio, probe_spi
from drivers.probing.places import Host, serial_places
from drivers.sim.dfrobot_board import DfrobotBoard
from drivers.sim.hx711_wires import WiredChip
from drivers.sim.i2c_bench import I2cBench, SimulatedSMBus
from drivers.sim.iio_tree import IioTree
from drivers.sim.nau7802_chip import Nau7802Chip
from drivers.sim.virtual_pace import VirtualPace
from station.doctor import suggesting
from tests.doctor.bench import configured
from tests.drivers.raw_bench import LEVEL, Truth, believed, chip, run


class Board:
    """A machine with one I2C bus, number 1, whose opened buses are kept."""

    def __init__(self, root: Path) -> None:
        self.bench = I2cBench(VirtualPace())
        self.host = Host(dev=root / "dev", sys=root / "sys", proc=root / "proc")
        self.host.dev.mkdir()
        (self.host.dev / "i2c-1").touch()
        self.buses: list[SimulatedSMBus] = []

    def open(self, number: int) -> SimulatedSMBus:
        self.buses.append(self.bench.open(number))
        return self.buses[-1]

    def find(self, *, ask: bool = False) -> BusFind:
        [find] = probe_buses(self.host, ask=ask, open_bus=self.open, pace=self.bench.pace)
        return find


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_a_nau7802_that_is_off_is_suspected_and_not_switched_on(board: Board) -> None:
    board.bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL)
    [found] = board.find().chips
    assert (found.driver, found.sure) == ("nau7802", False)
    assert "switched off" in found.evidence
    assert board.bench.open(1).read_byte_data(0x2A, reg.PU_CTRL) == 0


def test_asked_a_nau7802_tells_its_calibration_and_counts_and_is_off_again(board: Board) -> None:
    board.bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL)
    [found] = board.find(ask=True).chips
    assert found.sure
    assert "revision 0x0f, gain 128, self-calibrated: offset = 0, span = 8388608" in found.evidence
    assert f"first sample {LEVEL} counts" in found.evidence
    assert not board.bench.open(1).read_byte_data(0x2A, reg.PU_CTRL) & (reg.DIGITAL_ON | reg.ANALOG_ON)


def test_a_nau7802_that_is_on_is_known_by_its_revision(board: Board) -> None:
    board.bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL)
    bus = board.bench.open(1)
    bus.write_byte_data(0x2A, reg.PU_CTRL, reg.DIGITAL_ON | reg.ANALOG_ON)
    board.bench.pace.advance(1_000_000)
    [found] = board.find().chips
    assert found.sure
    assert found.evidence == "revision 0x0f, switched on"


def test_another_chip_at_its_address_is_told_and_not_suggested(board: Board) -> None:
    other = Nau7802Chip(lambda _: LEVEL)
    other.revision = 0x03
    board.bench.chips[1, None, 0, 0x2A] = other
    find = board.find(ask=True)
    [found] = find.chips
    assert not found.sure
    assert "is no NAU7802 (revision 0x03)" in found.evidence
    assert suggesting.of_chips(find.chips) == []


def test_a_cell_with_broken_wires_gives_no_believable_sample(board: Board) -> None:
    board.bench.chips[1, None, 0, 0x2A] = Nau7802Chip(lambda _: 1e9)
    [found] = board.find(ask=True).chips
    assert "no sample that can be believed" in found.evidence


@pytest.mark.parametrize("before", [0x00, 0x05])
def test_channels_of_a_multiplexer_are_searched_and_set_back(board: Board, before: int) -> None:
    for channel in (0, 3):
        board.bench.chips[1, 0x71, channel, 0x2A] = Nau7802Chip(Truth(seed=channel).convert)
    board.bench.chips[1, None, 0, 0x65] = DfrobotBoard(lambda _: LEVEL)
    shared = board.bench.open(1)
    shared.write_byte(0x71, before)
    find, *_ = probe_buses(board.host, ask=False, open_bus=lambda _: shared, pace=board.bench.pace)
    assert find.muxes == (0x71,)
    places = [(found.driver, found.address, found.place.mux, found.place.channel) for found in find.chips]
    assert places == [("dfrobot-i2c", 0x65, None, 0), ("nau7802", 0x2A, 0x71, 0), ("nau7802", 0x2A, 0x71, 3)]
    assert shared.read_byte(0x71) == before


def test_what_is_suggested_for_several_chips_is_one_platform_that_reads(board: Board) -> None:
    truths = [Truth(seed=1), Truth(seed=2, level=-200_000)]
    for channel, truth in enumerate(truths):
        board.bench.chips[1, 0x70, channel, 0x2A] = Nau7802Chip(truth.convert)
    [suggestion] = suggesting.of_chips(board.find(ask=True).chips)
    assert suggestion.sure
    [scale] = configured(suggestion).scales
    assert isinstance(scale.options, nau7802.Options)
    driver = nau7802.Driver(scale.options, board.bench.pace, board.bench.open)
    driver.open()
    last = [sample for sample in run(driver, board.bench.pace, 2.0) if believed(sample)][-1]
    assert [round(count, -4) for count in last.counts] == [650_000, -200_000]


def test_a_dfrobot_board_is_sure_once_it_was_asked(board: Board) -> None:
    board.bench.chips[1, None, 0, 0x64] = DfrobotBoard(lambda _: LEVEL)
    [found] = board.find().chips
    assert (found.driver, found.sure, found.evidence) == ("dfrobot-i2c", False, "something answers")
    find = board.find(ask=True)
    assert find.chips[0].sure
    assert f"first sample {LEVEL} counts" in find.chips[0].evidence
    [suggestion] = suggesting.of_chips(find.chips)
    assert configured(suggestion).scales[0].driver == "dfrobot-i2c"


class Display:
    """A device at a multiplexer's address that is none: what it reads is not what it was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes, t_ns: int) -> None:  # noqa: ARG002 - it has no time
        self.written.append(data)

    def read(self, length: int, t_ns: int) -> bytes:  # noqa: ARG002
        return bytes([0x42]) * length


def test_another_device_at_a_multiplexers_address_gets_only_what_it_gave(board: Board) -> None:
    display = Display()
    board.bench.chips[1, None, 0, 0x77] = display
    find = board.find()
    assert find.muxes == ()
    assert find.notes == ("0x77 answers, but is no TCA9548A",)
    assert set(display.written) <= {bytes([0x42]), bytes([0x01])}


def test_a_bus_that_another_program_has_open_is_not_touched(board: Board) -> None:
    board.bench.chips[1, 0x70, 0, 0x2A] = Nau7802Chip(lambda _: LEVEL)
    process = board.host.proc / "77"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("station\n")
    (process / "fd" / "3").symlink_to(os.path.realpath(board.host.dev / "i2c-1"))
    find = board.find(ask=True)
    assert find.problem == "in use by station (pid 77); not touched"
    assert board.buses == []


def test_a_bus_that_cannot_be_opened_says_which_group_helps(board: Board) -> None:
    def refuse(_: int) -> SimulatedSMBus:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    [find] = probe_buses(board.host, ask=False, open_bus=refuse, pace=board.bench.pace)
    assert find.problem == "cannot be opened: Permission denied"
    assert "usermod -aG" in find.remedy


@given(st.floats(0.0, 1.0), st.booleans(), st.integers(0, 2**32))
def test_no_bus_however_bad_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, nak: float, ask: bool, seed: int
) -> None:
    board = Board(tmp_path_factory.mktemp("bus"))
    board.bench.chips[1, 0x70, 2, 0x2A] = Nau7802Chip(Truth(seed=seed).convert)
    board.bench.chips[1, None, 0, 0x64] = DfrobotBoard(lambda _: LEVEL)
    board.bench.nak = nak
    board.bench.chance.seed(seed)
    for suggestion in suggesting.of_chips(board.find(ask=ask).chips):
        configured(suggestion)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    made = Host(dev=tmp_path / "dev", sys=tmp_path / "sys", proc=tmp_path / "proc")
    made.dev.mkdir()
    (made.sys / "bus" / "iio" / "devices").mkdir(parents=True)
    return made


def wires() -> WiredChip:
    return chip(Truth())


def test_the_kernels_hx711_is_found_and_its_suggestion_reads(host: Host) -> None:
    pace = VirtualPace()
    tree = IioTree(pace, host.sys / "bus" / "iio" / "devices", wires())
    [find] = probe_iio(host)
    assert (find.folder, find.channels, find.buffered) == (str(tree.folder), (0,), True)
    [suggestion] = suggesting.of_iio([find])
    [scale] = configured(suggestion).scales
    assert isinstance(scale.options, hx711_iio.Options)
    driver = hx711_iio.Driver(scale.options, pace, tree)
    driver.open()
    assert any(believed(sample) for sample in run(driver, pace, 3.0))


def test_other_iio_devices_and_empty_trees_are_passed_over(host: Host) -> None:
    other = host.sys / "bus" / "iio" / "devices" / "iio:device0"
    other.mkdir()
    (other / "name").write_bytes(b"bme280\xff\n")
    assert probe_iio(host) == []
    assert probe_iio(replace(host, sys=host.sys / "none")) == []


def test_spi_devices_are_possible_places_one_for_each_bus(host: Host) -> None:
    for name in ("spidev0.0", "spidev0.1", "spidev10.0"):
        (host.dev / name).touch()
    finds = probe_spi(replace(host, may_open=lambda path: path.name != "spidev10.0"))
    assert [find.usable for find in finds] == [True, True, False]
    [suggestion] = suggesting.of_spi(finds)
    assert not suggestion.sure
    assert [cell["device"][-4:] for cell in suggestion.table["cells"]] == ["v0.0", "10.0"]  # type: ignore[attr-defined]
    assert configured(suggestion).scales[0].driver == "hx711-spi"


def test_gpio_chips_are_told_by_label_and_only_the_header_is_suggested(host: Host) -> None:
    labels = {"gpiochip0": b"raspberrypi-exp-gpio", "gpiochip4": b"pinctrl-rp1"}
    for name in labels:
        (host.dev / name).touch()
    opened: list[str] = []

    def ioctl(fd: int, code: int, _: bytes) -> bytes:
        assert code == 0x8044B401
        opened.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        return b"gpiochip".ljust(32, b"\0") + labels[opened[-1]].ljust(32, b"\0") + (54).to_bytes(4, "little")

    finds = probe_gpio(host, ioctl)
    assert [(find.label, find.lines) for find in finds] == [("raspberrypi-exp-gpio", 54), ("pinctrl-rp1", 54)]
    [suggestion] = suggesting.of_gpio(finds)
    assert suggestion.table["chip"] == "pinctrl-rp1"
    assert configured(suggestion).scales[0].driver == "hx711-gpio"


def test_what_is_no_gpio_chip_is_a_problem_of_its_own(host: Host) -> None:
    (host.dev / "gpiochip0").touch()
    [find] = probe_gpio(host)  # the host's own ioctl refuses a plain file
    assert find.problem.startswith("is no GPIO chip")
    assert suggesting.of_gpio([find]) == []


@given(st.binary(max_size=60))
def test_no_sysfs_content_is_an_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    root = tmp_path_factory.mktemp("tree")
    device = root / "sys" / "bus" / "iio" / "devices" / "iio:device0"
    terminal = root / "sys" / "class" / "tty" / "ttyUSB0" / "device"
    for folder in (device / "trigger", terminal, root / "dev"):
        folder.mkdir(parents=True)
    (root / "dev" / "ttyUSB0").touch()
    for path in (device / "name", device / "trigger" / "current_trigger", terminal / "idVendor", terminal / "serial"):
        path.write_bytes(content)
    host = Host(dev=root / "dev", sys=root / "sys", proc=root / "proc")
    assert probe_iio(host) == []
    assert len(serial_places(host)) == 1
