"""The HX711 at its pins: decoding rules on a real chip's log, and the emulated chip under the same decoder."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hx711_pins import Conversion, Levels, decode, late_edges, signed
from drivers.sim.hx711_chip import ChipSpec, Hx711Chip

REAL_COUNTS = [
    4384, 4147, 4194, 4370, 4390, 4223, 4220, 4386, 4476, 4394, 4389, 4163, 4116, 4325, 4382, 4388, 4337,
]  # fmt: skip
PERIOD_NS = 12_192_000
QUIET = ChipSpec(noise_counts=0.0, jitter_ns=0)


@pytest.fixture
def capture(shared_data: Callable[[str], Path]) -> list[Levels]:
    """The changes in a logic analyser's log: 24 million bytes a second, bit 0 PD_SCK, bit 1 DOUT."""
    with zipfile.ZipFile(shared_data("hx711/hx711_80sps_nogainchange.sr")) as log:
        pins = np.frombuffer(log.read("logic-1-1"), np.uint8) & 3
    changes = [0, *(np.flatnonzero(np.diff(pins)) + 1).tolist()]
    return [Levels(at * 1000 // 24, bool(pins[at] & 1), bool(pins[at] & 2)) for at in changes]


def test_a_real_chip_is_read_as_an_independent_decoder_read_it(capture: list[Levels]) -> None:
    conversions = decode(capture)
    assert [conversion.counts for conversion in conversions] == REAL_COUNTS
    assert all(conversion.intact and conversion.pulses == 25 for conversion in conversions)
    assert not any(late_edges(conversions, PERIOD_NS))


def test_a_real_chip_keeps_its_period_to_microseconds(capture: list[Levels]) -> None:
    ready = np.array([conversion.ready_ns for conversion in decode(capture)])
    assert np.diff(ready) == pytest.approx(PERIOD_NS, abs=2_000)


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0, 0), (1, 1), (0xFFFFFF, -1), (0x7FFFFF, 8388607), (0x800000, -8388608), (0x001120, 4384), (0xFF89F7, -30217)],
)
def test_words_are_twos_complement(raw: int, value: int) -> None:
    assert signed(raw) == value


class Host:
    """Clocks the chip as a microcontroller does, logging both pins."""

    def __init__(self, chip: Hx711Chip) -> None:
        self.chip = chip
        self.t_ns = 0
        self.log: list[Levels] = []
        self.sck = False

    def wait_ready(self, timeout_ns: int = 10 * PERIOD_NS) -> bool:
        end_ns = self.t_ns + timeout_ns
        while self.t_ns < end_ns:
            self._look()
            if not self.log[-1].dout:
                return True
            self.t_ns += 10_000
        return False

    def read(self, pulses: int = 25, *, high_ns: int = 1_000, slow_pulse: int = -1, slow_ns: int = 0) -> None:
        for number in range(pulses):
            self._drive(level=True)
            self.t_ns += slow_ns if number == slow_pulse else high_ns
            self._look()
            self._drive(level=False)
            self.t_ns += 1_000

    def conversions(self) -> list[Conversion]:
        return decode(self.log)

    def _drive(self, *, level: bool) -> None:
        self.chip.set_sck(level, self.t_ns)
        self.sck = level
        self._look()

    def _look(self) -> None:
        self.log.append(Levels(self.t_ns, self.sck, self.chip.dout(self.t_ns)))


def host(counts: float, spec: ChipSpec = QUIET) -> Host:
    return Host(Hx711Chip(lambda _: counts, spec))


@given(st.integers(-(2**23) - 100, 2**23 + 100))
def test_every_count_is_read_back_and_the_ends_saturate(counts: int) -> None:
    chip = host(counts)
    assert chip.wait_ready()
    chip.read()
    [conversion] = chip.conversions()
    assert conversion.counts == min(max(counts, -(2**23)), 2**23 - 1)
    assert conversion.intact
    assert conversion.saturated == (conversion.counts in {2**23 - 1, -(2**23)})


def test_pulses_choose_the_gain_of_the_next_conversion() -> None:
    chip = host(1000)
    for pulses in (26, 27, 25, 25):
        assert chip.wait_ready()
        chip.read(pulses)
    assert [conversion.counts for conversion in chip.conversions()] == [1000, 250, 500, 1000]


def test_a_long_high_phase_resets_the_chip_and_only_the_next_edge_tells() -> None:
    chip = host(5000)
    for reads in range(6):
        assert chip.wait_ready()
        chip.read(slow_pulse=12 if reads == 2 else -1, slow_ns=70_000)
    conversions = chip.conversions()
    assert conversions[2].extra_bits_high  # the other check is blind to it: DOUT is high anyway
    assert conversions[2].counts != 5000
    assert late_edges(conversions, PERIOD_NS) == [False, False, True, False, False, False]
    assert not conversions[2].intact  # and the pulse itself was too long
    assert [conversion.counts for conversion in conversions[3:]] == [5000] * 3


def test_a_pulse_too_few_or_too_many_is_not_intact() -> None:
    chip = host(5001)  # its last bit leaves DOUT high
    for pulses in (24, 28):
        assert chip.wait_ready()
        chip.read(pulses)
    assert [conversion.intact for conversion in chip.conversions()] == [False, False]


def test_dout_stuck_low_fails_the_extra_bit() -> None:
    chip = host(5000, ChipSpec(stuck_dout=False))
    assert chip.wait_ready()
    chip.read()
    [conversion] = chip.conversions()
    assert (conversion.counts, conversion.extra_bits_high) == (0, False)


def test_dout_stuck_high_is_never_ready() -> None:
    assert not host(5000, ChipSpec(stuck_dout=True)).wait_ready()


def test_an_unread_result_is_replaced_and_dout_pulses_before() -> None:
    chip = host(5000)
    assert chip.wait_ready()
    first_ns = chip.t_ns
    chip.t_ns += PERIOD_NS - 200_000
    assert chip.chip.dout(chip.t_ns)
    assert chip.wait_ready()
    assert chip.t_ns == pytest.approx(first_ns + PERIOD_NS, abs=20_000)


@pytest.mark.parametrize(("keeps", "expected"), [(True, 500), (False, 1000)])
def test_what_a_power_down_does_to_the_gain_is_an_option(keeps: bool, expected: int) -> None:
    chip = host(1000, ChipSpec(noise_counts=0.0, jitter_ns=0, reset_keeps_gain=keeps))
    assert chip.wait_ready()
    chip.read(27)
    assert chip.wait_ready()
    chip.read(27, slow_pulse=26, slow_ns=100_000)
    assert chip.wait_ready()
    chip.read(25)
    assert chip.conversions()[-1].counts == expected


def test_noise_and_period_are_those_of_the_specification() -> None:
    chip = Host(Hx711Chip(lambda _: 0.0, ChipSpec(), seed=3))
    for _ in range(200):
        assert chip.wait_ready()
        chip.read()
    conversions = chip.conversions()
    assert np.std([conversion.counts for conversion in conversions]) == pytest.approx(38.7, rel=0.15)
    assert not any(late_edges(conversions, PERIOD_NS))


@given(st.lists(st.tuples(st.integers(1, 2_000_000), st.booleans(), st.booleans()), max_size=200))
def test_no_log_of_levels_upsets_the_decoder(changes: list[tuple[int, bool, bool]]) -> None:
    t_ns, log = 0, []
    for step_ns, sck, dout in changes:
        t_ns += step_ns
        log.append(Levels(t_ns, sck, dout))
    assert all(conversion.pulses >= 24 for conversion in decode(log))
