"""The watches over load cells, moment by moment: what they find, how soon, and that honest stations hear nothing."""

import random

import pytest

from benchmarks import cells as bench
from calibration.model import Calibration, Cell
from calibration.platform import UNIT_SQUARE
from station.core.cell_signal import LEARN_LOOKS, CellSignals
from station.core.cell_words import GRAVE, Diagnosis, Trouble, message, part_name
from station.core.cells import LOOK_NS, CellMonitor

FAULTS = {fault.name: fault for fault in bench.FAULTS}
MINUTE_NS = 60_000_000_000


def calibration(cells: int = 4) -> Calibration:
    return Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=200.0),) * cells)


def monitor(cells: int = 4, positions_mm: tuple[tuple[float, float], ...] | None = None) -> CellMonitor:
    return CellMonitor(calibration(cells), 50_000, 5, positions_mm)


def noisy(chance: random.Random, sds: tuple[float, ...], level: int = 50_000) -> tuple[int, ...]:
    return tuple(round(chance.gauss(level, sd)) for sd in sds)


def sampled(signals: CellSignals, chance: random.Random, sds: tuple[float, ...], looks: int) -> set[Trouble]:
    seen = set()
    for _ in range(looks):
        for _ in range(40):
            signals.feed(0, noisy(chance, sds))
        signals.look(still=True)
        seen |= {found.trouble for found in signals.found.values()}
    return seen


# honest stations


@pytest.mark.parametrize("kappa", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("several", [False, True])
def test_honest_loads_raise_nothing_from_the_first_on(kappa: float, several: bool) -> None:
    store = bench.Store(11, kappa, several=several)
    assert [told.troubles for told in bench.watch(store, 400) if told.troubles] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("kappa", bench.KAPPAS)
def test_ten_thousand_honest_loads_raise_nothing(kappa: float, several: bool) -> None:
    store = bench.Store(12, kappa, several=several)
    assert [told.troubles for told in bench.watch(store, 10_000) if told.troubles] == []


def test_a_fixed_limit_would_accuse_honest_loads() -> None:
    told = list(bench.watch(bench.Store(11, 0.3, several=True), 200))
    assert sum(t.fixed for t in told) > 20


@pytest.mark.parametrize(("half_x", "half_y"), [(300.0, 200.0), (150.0, 400.0)])
def test_kappa_is_learned_whatever_the_platform_measures(half_x: float, half_y: float) -> None:
    places = tuple((x * half_x, y * half_y) for x, y in UNIT_SQUARE)
    watcher, store = monitor(positions_mm=places), bench.Store(5, 0.45, several=False)
    for number in range(150):
        visit = store.visit()
        watcher.emptied(number * MINUTE_NS, tuple(visit.zeros))
        watcher.settled(tuple(z + f for z, f in zip(visit.zeros, visit.forces, strict=True)), (0.1,) * 4)
    for number in range(8):
        watcher.sampled(number * LOOK_NS, noisy(random.Random(number), (20,) * 4), still=True)
    shown = watcher.snapshot()
    assert shown is not None
    assert shown.kappa == pytest.approx(0.45, abs=0.02)


def test_temperature_moves_all_zeros_a_little_each_and_nobody_is_accused() -> None:
    watcher = monitor()
    for hour in range(240):
        grams = tuple(slope * (10 - abs(hour % 24 - 12)) for slope in (0.4, 0.7, -0.2, 0.5))  # grams a kelvin
        watcher.emptied(hour * 60 * MINUTE_NS, grams)
        assert watcher.found == ()


def test_goods_forgotten_in_a_corner_below_the_load_threshold_accuse_nobody() -> None:
    watcher = monitor()
    for visit in range(20):
        left_g = 15.0 if visit % 3 else 0.0
        watcher.emptied(visit * MINUTE_NS, (left_g, 0.0, 0.0, 0.0))
        watcher.settled((2_000.0, 1_500.0, 1_200.0, 1_600.0), (0.1,) * 4)
        assert not any(found.grave for found in watcher.found)


# faults, after two hundred sound loads: who, and within how many


@pytest.mark.parametrize(
    ("name", "within"),
    [
        ("no response, noise as usual", 4),
        ("signal wires exchanged", 8),
        ("half of its load", 14),
        ("85 % of its load", 60),
        ("keeps part of its load", 20),
        ("drifts by 1 g/min", 62),
        ("platform rocks by 60 g", 3),
        ("foot stands otherwise, 60 g", 3),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_fault_is_found_and_named_within_so_many_loads(name: str, within: int, several: bool) -> None:
    loads, right, _ = bench.delay(FAULTS[name], 3, 0.3, several=several)
    assert loads is not None
    assert loads <= within
    assert right


@pytest.mark.parametrize(("part", "trouble"), [(0.0, Trouble.NO_RESPONSE), (-1.0, Trouble.WRONG_SIGN)])
def test_a_cell_that_never_worked_is_found_by_a_station_that_knows_nothing(part: float, trouble: Trouble) -> None:
    store = bench.Store(2, 0.3, several=False)
    told = [t.troubles for t in bench.watch(store, 12, bench.scaled(part))]
    assert told[-1] == ((trouble, bench.BAD),)


def test_feet_that_moved_are_a_warning_and_never_an_error() -> None:
    for twist_g in (60.0, -200.0):
        told = bench.watch(bench.Store(7, 0.3, several=False), 300, bench.seated(twist_g, rocks=False), 150)
        troubles = {trouble for t in told for trouble, _ in t.troubles}
        assert Trouble.UNEVEN in troubles
        assert troubles & GRAVE == set()


def test_the_alarm_of_a_mended_cell_ends_with_a_few_sound_loads() -> None:
    def mended(visit: bench.Visit, n: int, chance: random.Random) -> bench.Visit:
        return bench.scaled(0.0)(visit, n, chance) if n < 10 else visit

    told = [t.troubles for t in bench.watch(bench.Store(4, 0.3, several=False), 140, mended, 100)]
    assert told[109] == ((Trouble.NO_RESPONSE, bench.BAD),)
    assert told[-1] == ()
    assert sum(bool(troubles) for troubles in told[110:]) <= 8


# samples


def test_a_frozen_cell_is_known_before_a_load_can_settle() -> None:
    found = bench.frozen(20, 1)
    assert found["found"] == 1
    assert found["most"] <= 12  # of the 32 samples of a settling window


def test_cells_that_repeat_by_chance_are_not_frozen() -> None:
    chance, signals = random.Random(3), CellSignals(4)
    for _ in range(20_000):
        signals.feed(0, noisy(chance, (0.3, 0.3, 0.25, 0.35)))
        signals.look(still=True)
        assert signals.found == {}


def test_a_converter_that_says_nothing_new_at_all_accuses_no_cell() -> None:
    signals = CellSignals(4)
    for _ in range(100):
        signals.feed(0, (1, 2, 3, 4))
        signals.look(still=True)
    assert signals.found == {}


def test_a_cell_without_siblings_is_left_to_the_integrity_of_samples() -> None:
    signals = CellSignals(1)
    for _ in range(100):
        signals.feed(0, (84_210,))
        signals.look(still=True)
    assert signals.found == {}


def test_a_noisy_cell_stands_out_against_its_siblings_but_a_shaken_platform_accuses_nobody() -> None:
    chance, signals = random.Random(1), CellSignals(4)
    assert sampled(signals, chance, (20, 25, 18, 22), LEARN_LOOKS + 10) == set()
    assert sampled(signals, chance, (100, 125, 90, 110), 60) == set()
    assert sampled(signals, chance, (20, 25, 90, 22), 20) == {Trouble.NOISY}
    assert [*signals.found] == [2]
    assert sampled(signals, chance, (20, 25, 18, 22), 5) == set() or not signals.found


def test_a_cell_that_falls_quiet_is_found_but_not_one_whose_neighbour_machine_stops() -> None:
    for quiet_sd, troubles in ((2.0, {Trouble.QUIET}), (20.0, set())):
        chance, signals = random.Random(1), CellSignals(4)
        sampled(signals, chance, (20, 25, 150, 22), LEARN_LOOKS + 5)
        assert sampled(signals, chance, (20, 25, quiet_sd, 22), 12) == troubles


def test_saturation_must_last_and_ends_with_sound_samples() -> None:
    chance, signals = random.Random(1), CellSignals(4)
    end = (50_000, 0x7FFFFF, 50_000, 50_000)
    for _ in range(7):
        signals.saturated(end)
    assert signals.found == {}
    signals.saturated(end)
    assert signals.found == {1: Diagnosis(trouble=Trouble.SATURATED, cell=1)}
    assert sampled(signals, chance, (20, 20, 20, 20), 1) == set()


# other numbers of cells, and words


@pytest.mark.parametrize("cells", [1, 2, 3, 6, 8])
def test_other_numbers_of_cells_have_no_parity_but_are_watched(cells: int) -> None:
    watcher = monitor(cells)
    for visit in range(70):
        zeros = [0.0] * cells
        zeros[-1] = visit * 1.0
        watcher.emptied(visit * MINUTE_NS, tuple(zeros))
        watcher.settled(tuple(zero + 500.0 for zero in zeros), (0.1,) * cells)
    troubles = [(found.trouble, found.cell) for found in watcher.found]
    assert troubles == ([(Trouble.DRIFTING, cells - 1)] if cells > 2 else [])


def test_positions_that_do_not_fit_the_cells_are_told_and_not_used() -> None:
    watcher = monitor(4, ((0, 0), (600, 0), (300, 500)))
    [found] = watcher.found
    assert (found.trouble, found.grave) == (Trouble.POSITIONS, False)
    assert "positions_mm" in message("scale-1", found, watcher.platform)


def test_words_name_the_cell_its_corner_and_what_to_check_first() -> None:
    found = Diagnosis(trouble=Trouble.NO_RESPONSE, cell=1, evidence="figures")
    assert part_name("scale-1", found) == "scale-1 cell 2"
    expected = "scale-1: cell 2 (front right) does not respond to load (figures)"
    assert message("scale-1", found, monitor().platform) == expected


def test_a_snapshot_needs_a_load_to_say_where_it_lies() -> None:
    watcher, chance = monitor(), random.Random(1)
    for number in range(40):
        watcher.sampled(number * 12_500_000, noisy(chance, (20,) * 4, 2_000_000), still=False)
    shown = watcher.snapshot()
    assert shown is not None
    assert [cell.share for cell in shown.cells] == pytest.approx([0.25] * 4, abs=1e-3)
    assert shown.centre is not None
    assert (shown.centre.x, shown.centre.y) == pytest.approx((0, 0), abs=1e-3)
    assert [cell.noise_g for cell in shown.cells] == pytest.approx([0.1] * 4, rel=0.4)
