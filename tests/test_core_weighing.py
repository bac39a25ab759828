"""The platform's estimates, in virtual time, with noise from a seeded generator."""

import math
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calibration.limits import class_iii_mpe_g
from calibration.model import Calibration, Cell
from station.core.tracks import IndicationTrack, ScaleSpec
from station.core.weighing import (
    Calmed,
    Change,
    Loaded,
    Moved,
    PlatformPhase,
    Settled,
    Unloaded,
    Weighing,
    WeighingSettings,
)  # fmt: skip

COUNTS_PER_G = 20.0
PERIOD_NS = 12_500_000
INSTRUMENT = ScaleSpec(counts=False, capacity_g=15_000, division_g=5)


class Platform:
    """A converter on a platform; `pass_time` returns the changes."""

    def __init__(
        self, seed: int = 1, noise_g: float = 0.4, kept_zero_g: float | None = None, capacity_g: float = 50_000
    ) -> None:
        scale = ScaleSpec(counts=True, capacity_g=capacity_g, division_g=5)
        self.weighing = Weighing((scale,), WeighingSettings())
        self.weighing.calibrate(0, Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=COUNTS_PER_G),)))
        if kept_zero_g is not None:
            self.weighing.restore_zero(kept_zero_g)
        self.t_ns = 0
        self._random = random.Random(seed)
        self._noise_g = noise_g

    def sample(self, grams: float, *, usable: bool = True) -> list[Change]:
        self.t_ns += PERIOD_NS
        counts = round((grams + self._random.gauss(0, self._noise_g)) * COUNTS_PER_G)
        return self.weighing.sampled(0, self.t_ns, (counts,), usable=usable, settling=False)

    def pass_time(self, grams: float, seconds: float) -> list[Change]:
        return [change for _ in range(round(seconds * 80)) for change in self.sample(grams)]

    def ring(self, grams: float, seconds: float, amplitude_g: float, decay_s: float) -> list[Change]:
        start_ns = self.t_ns
        found: list[Change] = []
        while (t_s := (self.t_ns - start_ns) / 1e9) < seconds:
            swing = amplitude_g * math.exp(-t_s / decay_s) * math.cos(2 * math.pi * 6 * t_s)
            found += self.sample(grams + swing)
        return found


def kinds(changes: list[Change]) -> list[type[Change]]:
    return [type(change) for change in changes]


def settled(changes: list[Change]) -> list[Settled]:
    return [change for change in changes if isinstance(change, Settled)]


def test_a_load_is_placed_settles_once_and_is_gone() -> None:
    platform = Platform()
    assert kinds(platform.pass_time(0, 1)) == [Unloaded]
    changes = platform.pass_time(812, 1.5)
    assert kinds(changes) == [Loaded, Calmed, Settled]
    reading = settled(changes)[0].reading
    assert reading.gross_g == pytest.approx(812, abs=1)
    assert kinds(platform.pass_time(0, 1.5)) == [Moved, Unloaded]


def test_it_rests_while_it_is_empty_and_while_a_reading_stands() -> None:
    platform = Platform()
    assert not platform.weighing.rests
    for grams in (0, 812, 0):
        platform.pass_time(grams, 0.1)
        assert not platform.weighing.rests
        platform.pass_time(grams, 1.5)
        assert platform.weighing.rests


def test_no_reading_is_given_while_the_platform_rings() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    changes = platform.ring(2_000, 3, amplitude_g=600, decay_s=0.25)
    assert len(settled(changes)) == 1
    assert settled(changes)[0].reading.gross_g == pytest.approx(2_000, abs=1.5)
    assert Settled not in kinds(Platform().ring(2_000, 3, amplitude_g=600, decay_s=50))


@example(seed=319, load_g=60.0, noise_g=1.0)
@given(seed=st.integers(0, 10_000), load_g=st.floats(60, 40_000), noise_g=st.floats(0.05, 1.5))
def test_the_reported_uncertainty_covers_the_error(seed: int, load_g: float, noise_g: float) -> None:
    platform = Platform(seed, noise_g)
    platform.pass_time(0, 1)
    reading = settled(platform.pass_time(load_g, 2))[0].reading
    zero_error_g = 3 * noise_g  # tracking keeps the zero within the noise of a window
    assert abs(reading.gross_g - load_g) <= 5 * reading.sd_g + zero_error_g


def test_a_single_wild_sample_changes_nothing() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(500, 1.5)
    changes = platform.sample(90_000) + platform.pass_time(500, 1)
    assert changes == []


def test_samples_that_are_no_weight_never_reach_the_reading_and_many_are_a_fault() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    for _ in range(7):
        assert platform.sample(40_000, usable=False) == []
        assert platform.weighing.fault(0, platform.t_ns) is None
    platform.sample(40_000, usable=False)
    assert "unusable" in str(platform.weighing.fault(0, platform.t_ns))
    platform.sample(0)
    assert platform.weighing.fault(0, platform.t_ns) is None


def test_an_added_item_of_two_divisions_is_noticed() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(5_000, 1.5)
    changes = platform.pass_time(5_012, 1.5)
    assert kinds(changes) == [Moved, Calmed, Settled]
    assert settled(changes)[0].reading.gross_g == pytest.approx(5_012, abs=1)


def test_silence_is_a_fault_after_two_seconds_and_nothing_old_counts_afterwards() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(900, 1.5)
    platform.t_ns += 2_100_000_000
    assert platform.weighing.fault(0, platform.t_ns) == "silent"
    platform.weighing.distrust()
    changes = platform.pass_time(300, 1.5)
    assert settled(changes)[0].reading.gross_g == pytest.approx(300, abs=1)


def test_overload_is_a_fault_at_nine_divisions_above_capacity() -> None:
    platform = Platform()
    platform.pass_time(50_030, 1)
    assert platform.weighing.fault(0, platform.t_ns) is None
    platform.pass_time(50_060, 1)
    assert platform.weighing.fault(0, platform.t_ns) == "overloaded"


@pytest.mark.parametrize("grams", [-1_100, -440_000])
def test_what_reads_below_any_zero_is_a_fault_and_neither_empty_nor_a_load(grams: float) -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    assert kinds(platform.pass_time(2_500, 1.5)) == [Loaded, Calmed, Settled]
    assert Unloaded not in kinds(platform.pass_time(grams, 2))
    assert platform.weighing.fault(0, platform.t_ns) == "below zero"
    platform.weighing.distrust()
    assert platform.pass_time(grams, 2) == []
    changes = platform.pass_time(2_500, 1.5)
    assert platform.weighing.fault(0, platform.t_ns) is None
    assert settled(changes)[0].reading.gross_g == pytest.approx(2_500, abs=1)
    assert settled(changes)[0].reading.sd_g < 20  # such a force would let the cells creep


def test_a_short_swing_below_zero_is_no_fault() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(-2_000, 0.9)
    assert platform.weighing.fault(0, platform.t_ns) is None


def test_at_first_start_a_small_offset_becomes_the_zero() -> None:
    platform = Platform()
    assert kinds(platform.pass_time(-300, 1)) == [Unloaded]
    assert platform.weighing.zero_g == pytest.approx(-300, abs=1)


def test_goods_beyond_two_percent_of_capacity_are_never_zeroed_away() -> None:
    platform = Platform()
    changes = platform.pass_time(1_020, 1)
    assert settled(changes)[0].reading.gross_g == pytest.approx(1_020, abs=1)
    assert platform.weighing.zero_g == 0


def test_a_kept_zero_tells_goods_from_drift() -> None:
    goods = Platform(kept_zero_g=12.0)
    assert settled(goods.pass_time(412, 1))[0].reading.gross_g == pytest.approx(400, abs=1)
    drift = Platform(kept_zero_g=12.0)
    assert kinds(drift.pass_time(20, 1)) == [Unloaded]
    assert drift.weighing.zero_g == pytest.approx(20, abs=1)


def test_zero_follows_drift_slowly_and_only_while_idle() -> None:
    platform = Platform(noise_g=0.1)
    platform.pass_time(0, 1)
    platform.pass_time(4, 20)
    assert platform.weighing.zero_g == pytest.approx(4, abs=0.3)
    platform.weighing.idle = False
    platform.pass_time(8, 20)
    assert platform.weighing.zero_g == pytest.approx(4, abs=0.3)


def test_the_travel_of_the_zero_is_bounded() -> None:
    platform = Platform(noise_g=0.1, capacity_g=5_000)
    platform.pass_time(0, 1)
    for grams in range(0, 140, 4):
        platform.pass_time(grams, 20)
    assert 90 <= platform.weighing.zero_g <= 100


def test_goods_that_are_poured_are_not_followed_as_drift() -> None:
    platform = Platform(noise_g=0.1)
    platform.pass_time(0, 1)
    changes = [change for tenth in range(600) for change in platform.pass_time(tenth / 10, 0.1)]
    assert Loaded in kinds(changes)
    assert settled(changes + platform.pass_time(60, 2))[-1].reading.gross_g == pytest.approx(60, abs=8)


def test_what_the_empty_platform_showed_is_part_of_the_uncertainty() -> None:
    clean, off = Platform(kept_zero_g=0.0), Platform(kept_zero_g=0.0)
    clean.pass_time(0, 1)
    off.pass_time(0, 1)
    off.pass_time(14, 1)  # above what is followed, below what is a load
    assert settled(clean.pass_time(1_000, 1.5))[0].reading.sd_g < 1
    reading = settled(off.pass_time(1_014, 1.5))[0].reading
    assert abs(reading.gross_g - 1_000) < 2 * reading.sd_g


def test_another_calibration_forgets_the_zero_of_the_first() -> None:
    platform = Platform(kept_zero_g=-300.0)
    platform.pass_time(-300, 1)
    cell = Cell(zero_counts=-300 * COUNTS_PER_G, counts_per_g=COUNTS_PER_G)
    platform.weighing.calibrate(0, Calibration(cells=(cell,)))
    assert kinds(platform.pass_time(-300, 1)) == [Unloaded]
    assert platform.weighing.zero_g == pytest.approx(0, abs=1)


def test_a_stalled_scale_is_not_still() -> None:
    weighing = Weighing((INSTRUMENT, INSTRUMENT), WeighingSettings())
    for n in range(4):
        weighing.indicated(0, n * 100_000_000, "stable", 0.0)
        weighing.indicated(1, n * 100_000_000, "stable", 0.0)
    changes = [c for n in range(20, 26) for c in weighing.indicated(0, n * 100_000_000, "stable", 1_000.0)]
    assert settled(changes) == []


def test_a_platform_below_zero_is_set_to_zero_after_five_seconds() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(-80, 4)
    assert platform.weighing.zero_g == pytest.approx(0, abs=1)
    platform.pass_time(-80, 3)
    assert platform.weighing.zero_g == pytest.approx(-80, abs=1)


def test_zero_is_refused_while_something_lies_there() -> None:
    platform = Platform()
    platform.pass_time(0, 1)
    platform.pass_time(200, 1.5)
    assert "not empty" in str(platform.weighing.set_zero())
    platform.pass_time(0, 1.5)
    assert platform.weighing.set_zero() is None


def test_an_instrument_settles_on_two_reports_that_agree() -> None:
    weighing = Weighing((INSTRUMENT,), WeighingSettings())
    report = [("stable", 0.0), ("stable", 0.0), ("motion", None), ("stable", 345.0), ("stable", 345.0)]
    report += [("motion", None), ("stable", 355.0), ("stable", 355.0)]
    found = [weighing.indicated(0, n * 100_000_000, state, grams) for n, (state, grams) in enumerate(report)]
    expected = [[], [Unloaded], [], [], [Loaded, Settled], [Moved], [], [Settled]]
    assert [kinds(changes) for changes in found] == expected


def test_an_instrument_in_motion_for_a_second_carries_a_load() -> None:
    weighing = Weighing((INSTRUMENT,), WeighingSettings())
    for n in range(3):
        weighing.indicated(0, n * 100_000_000, "stable", 0.0)
    changes = [c for n in range(3, 15) for c in weighing.indicated(0, n * 100_000_000, "motion", None)]
    assert changes == [Loaded(None, None)]
    assert weighing.phase is PlatformPhase.MOVING


def test_two_scales_add_up_and_both_must_be_still() -> None:
    weighing = Weighing((INSTRUMENT, INSTRUMENT), WeighingSettings())
    changes: list[Change] = []
    for n in range(4):
        changes += weighing.indicated(0, n * 100_000_000, "stable", 1_000.0)
        changes += weighing.indicated(1, n * 100_000_000, "stable", 500.0)
    assert settled(changes)[0].reading.gross_g == 1_500


@pytest.mark.parametrize(("load_g", "mpe_g"), [(0, 2.5), (2_500, 2.5), (2_505, 5), (10_000, 5), (10_005, 7.5)])
def test_class_iii_limits_at_the_edges_of_the_bands(load_g: float, mpe_g: float) -> None:
    assert class_iii_mpe_g(load_g, 5) == mpe_g  # METROLOGY 1.3: 500 e and 2 000 e belong to the lower band


def test_an_indication_is_no_surer_than_its_rounding() -> None:
    assert IndicationTrack(INSTRUMENT).indicated_sd_g(100) >= 5 / math.sqrt(6)


def test_a_load_that_has_not_moved_since_its_weight_is_still_without_a_second_weight() -> None:
    track = IndicationTrack(INSTRUMENT)
    track.feed("same", 500.0)
    assert track.level() is None  # no weight of its own: it only confirms
    track.feed("stable", 500.0)
    first = track.level()
    track.feed("same", 500.0)
    second = track.level()
    assert first is not None
    assert second is not None
    assert (first.still, second.still, second.mean_g) == (False, True, 500.0)


def test_below_its_minimum_an_instrument_is_empty_but_for_what_it_cannot_weigh() -> None:
    track = IndicationTrack(INSTRUMENT)
    for _ in range(2):
        track.feed("below_minimum", None)
    level = track.level()
    assert level is not None
    assert level.still
    assert level.mean_g == 0.0
    assert level.sd_g == pytest.approx(20 * INSTRUMENT.division_g / math.sqrt(3), rel=0.05)


def test_a_reading_is_refined_while_its_load_lies_still_and_stands_when_it_does_not() -> None:
    platform = Platform(noise_g=1.5)
    platform.pass_time(0, 10)
    [first] = settled(platform.pass_time(812, 1.0))
    platform.pass_time(812, 3.0)
    refined = platform.weighing.refined(first.reading)
    assert refined.t_ns == first.reading.t_ns
    assert refined.sd_g < 0.8 * first.reading.sd_g
    assert abs(refined.gross_g - 812) <= 4 * refined.sd_g
    assert platform.weighing.reading == first.reading
    platform.sample(900)
    platform.sample(900)
    assert platform.weighing.refined(first.reading) == first.reading


def test_one_damaged_report_of_an_instrument_is_no_overload() -> None:
    weighing = Weighing((INSTRUMENT,), WeighingSettings())
    for number, grams in enumerate((2_345.0, 2_345.0, 82_345.0, 2_345.0)):
        weighing.indicated(0, number * 100_000_000, "stable", grams)
        assert weighing.fault(0, number * 100_000_000) is None
    for number in (4, 5):
        weighing.indicated(0, number * 100_000_000, "stable", 15_060.0)
    assert weighing.fault(0, 500_000_000) == "overloaded"
