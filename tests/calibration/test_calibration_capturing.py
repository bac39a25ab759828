"""One capture: only rest is measured, disturbance begins anew, bad samples are counted and left out."""

import random
from collections.abc import Iterator

import pytest

from calibration.capturing import FULL_SCALE_COUNTS, Measured, Watch, Weigher, band_g, grams_only, nominal
from drivers.base import Indication, Sample, SampleFlag, ScaleState

PERIOD_NS = 12_500_000
WEIGHER = Weigher(zeros=(1000.0, -500.0), per_gram=(200.0, 210.0), source="record")


class Feed:
    """Two cells at 80 samples a second with some noise, in virtual time."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.t_ns = watch, 0
        self._random = random.Random(1)

    def wait(
        self, seconds: float, grams: float = 0.0, shake_g: float = 0.0, flags: SampleFlag | None = None
    ) -> Measured | None:
        end_ns = self.t_ns + int(seconds * 1e9)
        found = None
        while self.t_ns < end_ns:
            self.t_ns += PERIOD_NS
            there_g = grams / 2 + shake_g * self._random.uniform(-1, 1)
            counts = tuple(
                round(zero + gain * there_g + self._random.gauss(0, 30))
                for zero, gain in zip(WEIGHER.zeros, WEIGHER.per_gram, strict=True)
            )
            found = self.watch.handle(Sample(self.t_ns, counts, flags or SampleFlag(0))) or found
        return found


@pytest.fixture
def feed() -> Feed:
    return Feed(Watch(band_g(5.0, counts=True), WEIGHER))


def test_a_capture_holds_what_was_there(feed: Feed) -> None:
    feed.watch.measure(5.0)
    measured = feed.wait(8.0, grams=10_000.0)
    assert measured is not None
    assert measured.stable
    assert 5.0 <= (measured.end_ns - measured.start_ns) / 1e9 < 5.1
    assert [cell.n for cell in measured.cells] == [400, 400]
    assert [cell.mean for cell in measured.cells] == pytest.approx([1_001_000.0, 1_049_500.0], abs=10)
    assert [cell.sd for cell in measured.cells] == pytest.approx([30.0, 30.0], rel=0.15)
    first = measured.cells[0]
    assert first.low < first.mean < first.high
    assert 50 < first.distinct <= 400


def test_nothing_is_measured_while_it_moves(feed: Feed) -> None:
    feed.watch.measure(3.0)
    assert feed.wait(20.0, grams=10_000.0, shake_g=40.0) is None
    live = feed.watch.live()
    assert live is not None
    assert not live.rests
    assert live.swing_g > 2.5


def test_a_disturbance_begins_the_capture_anew(feed: Feed) -> None:
    feed.watch.measure(5.0)
    assert feed.wait(4.0, grams=5000.0) is None
    assert feed.wait(0.3, grams=5400.0) is None
    measured = feed.wait(9.0, grams=5000.0)
    assert measured is not None
    assert feed.watch.restarts == 1
    assert measured.start_ns > 4_300_000_000
    assert WEIGHER.gross_g(measured.means) == pytest.approx(5000.0, abs=0.5)


def test_samples_that_nobody_believes_are_named_and_left_out(feed: Feed) -> None:
    feed.watch.measure(2.0)
    assert feed.wait(10.0, flags=SampleFlag.FROZEN) is None
    assert feed.watch.troubles(feed.t_ns) == ("frozen",)
    assert feed.watch.live() is None
    feed.watch.handle(Sample(feed.t_ns + 1, (FULL_SCALE_COUNTS, 0), SampleFlag.SATURATED))
    assert "saturated:1" in feed.watch.troubles(feed.t_ns + 1)


def test_a_gap_is_no_fault(feed: Feed) -> None:
    feed.watch.measure(2.0)
    assert feed.wait(5.0, flags=SampleFlag.GAP) is not None


def test_a_push_can_be_measured_without_rest(feed: Feed) -> None:
    feed.wait(2.0)
    feed.watch.measure(1.5, at_rest=False)
    measured = feed.wait(2.0, grams=3000.0, shake_g=100.0)
    assert measured is not None
    assert not measured.stable


def indications(weight_g: float, state: ScaleState, seconds: float, start_ns: int = 0) -> Iterator[Indication]:
    for n in range(int(seconds * 5)):
        yield Indication(start_ns + n * 200_000_000, state, weight_g)


def test_an_instrument_that_gives_grams_is_one_cell() -> None:
    watch = Watch(band_g(5.0, counts=False), grams_only())
    watch.measure(3.0)
    found = [watch.handle(each) for each in indications(1995.0, ScaleState.STABLE, 8.0)]
    [measured] = [each for each in found if each is not None]
    assert measured.cells[0].mean == pytest.approx(1995.0)
    assert measured.cells[0].distinct == 1


def test_an_instrument_in_motion_is_not_measured() -> None:
    watch = Watch(band_g(5.0, counts=False), grams_only())
    watch.measure(3.0)
    assert not any(watch.handle(each) for each in indications(1995.0, ScaleState.MOTION, 20.0))


def test_whole_intervals_may_flicker_by_one() -> None:
    watch = Watch(band_g(5.0, counts=False), grams_only())
    watch.measure(3.0)
    found = []
    for n in range(60):
        reading = Indication(n * 200_000_000, ScaleState.STABLE, 2000.0 + 5.0 * (n % 2))
        found.append(watch.handle(reading))
    assert any(found)


def test_usual_cells_are_guessed_within_a_factor_of_two() -> None:
    weigher = nominal(50_000.0, (0.0, 0.0, 0.0, 0.0))
    assert weigher.per_gram[0] == pytest.approx(215.0, rel=0.05)  # 20 kg cells at 2 mV/V
    assert weigher.source == "nominal"
