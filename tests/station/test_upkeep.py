"""A calibration looked after: span checks when they are due, kept over restarts; how far the zero has gone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calibration import store
from calibration.control import Ask, Told
from calibration.model import Calibration, Cell
from station import signing_keys
from station.calibrations import Bound, Calibrations
from station.control import Asked
from station.core import events
from station.core.due import Care
from station.core.effects import SpanChecked
from station.core.weighing import Weighing, WeighingSettings
from station.signing_keys import Verifier
from station.upkeep import Upkeep
from station.wire import ClockState, Stamp
from tests.support.virtual import CONVERTER

MADE = datetime(2026, 5, 4, 3, 0, tzinfo=UTC)
CARE = Care(check_weight_g=5000.0, check_every_h=24.0)
HOUR_S = 3600


class Shop:
    def __init__(self, folder: Path, care: Care = CARE) -> None:
        self.folder, self.care = folder, care
        self.pair = signing_keys.ready(None, folder).pair
        self.calibrate(20.0)
        self.weighing = Weighing((CONVERTER,), WeighingSettings())
        self.upkeep = self.opened()

    def calibrate(self, counts_per_g: float) -> None:
        calibration = Calibration(cells=(Cell(zero_counts=0.0, counts_per_g=counts_per_g),))
        store.save(self.folder, 1, store.new_record(calibration, "procedure", MADE, signer=self.pair))

    def opened(self) -> Upkeep:
        bound = Bound("scale-1", "sim", {})
        calibrations = Calibrations(self.folder, {0: bound}, Verifier((self.pair.public,)), self.care)
        return Upkeep(calibrations, self.care, self.weighing)

    def at(self, hours: float, clock: ClockState = "synced") -> Stamp:
        wall_ns = round((MADE + timedelta(hours=hours)).timestamp()) * 10**9
        return Stamp(wall_ns=wall_ns, monotonic_ns=round((1 + hours) * HOUR_S) * 10**9, boot_id="b", clock=clock)

    def watch(self, hours: float, clock: ClockState = "synced") -> tuple[list[events.SpanCheckOrdered], set[str]]:
        found, alarms = self.upkeep.watch(self.at(hours, clock))
        ordered = [event for event in found if isinstance(event, events.SpanCheckOrdered)]
        return ordered, {alarm.code for alarm in alarms if alarm.raised}

    def check(self, hours: float, weighed_g: float, number: int = 0) -> bytes:
        effect = SpanChecked(number=number, weight_g=5000.0, weighed_g=weighed_g, sd_g=0.5)
        _, told, keep = self.upkeep.checked(effect, self.at(hours))
        assert told.checked is not None
        assert keep is not None
        return keep


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_check_is_asked_for_when_it_is_due_and_once(shop: Shop) -> None:
    assert shop.watch(23) == ([], set())
    [ordered], raised = shop.watch(24.1)
    assert (ordered.weight_g, ordered.until_ns, raised) == (5000.0, None, {"SPAN_CHECK_DUE"})
    assert shop.watch(30) == ([], {"SPAN_CHECK_DUE"})
    shop.check(31, 5001.0)
    assert shop.watch(31.1) == ([], set())
    assert len(shop.watch(56)[0]) == 1


def test_without_the_date_no_check_is_due(shop: Shop) -> None:
    assert shop.watch(400, "unsynced") == ([], set())


def test_a_deviation_is_told_widens_and_survives_a_restart(shop: Shop) -> None:
    shop.watch(1)
    kept = shop.check(2, 5030.0)
    assert shop.watch(2.1)[1] == {"SPAN_CHANGED"}
    assert shop.upkeep.calibrations.doubt_rel == pytest.approx(0.006 / 3**0.5)
    shop.upkeep = shop.opened()
    shop.watch(3)
    shop.upkeep.restore(kept)
    found, _ = shop.upkeep.watch(shop.at(3.1))
    assert [event.doubt_rel for event in found if isinstance(event, events.Aged)] == [pytest.approx(0.006 / 3**0.5)]
    assert shop.watch(3.2)[1] == {"SPAN_CHANGED"}
    last = shop.upkeep.told({0: "scale-1"})["scale-1"].span_check
    assert last is not None
    assert (last.outcome, last.error_g) == ("fail", 30.0)


def test_checks_belong_to_one_calibration(shop: Shop) -> None:
    shop.watch(1)
    shop.check(2, 5030.0)
    shop.calibrate(20.1)
    assert shop.watch(3)[1] == set()
    assert shop.upkeep.calibrations.doubt_rel == 0.0


def test_what_cannot_be_read_is_no_check(shop: Shop) -> None:
    shop.upkeep.restore(b"\xff{")
    assert shop.watch(1) == ([], set())


def test_a_zero_that_has_gone_far_is_told(shop: Shop) -> None:
    shop.weighing.zero_known = True
    shop.weighing.zero.grams = 480.0
    assert shop.watch(1)[1] == set()
    shop.weighing.zero.grams = -520.0
    assert shop.watch(1.1)[1] == {"ZERO_TRAVEL"}


def test_an_order_needs_a_weight(tmp_path: Path) -> None:
    bare = Shop(tmp_path, Care())
    told = bare.upkeep.order(Asked(1, "mm", Ask(do="check")), 0)
    assert isinstance(told, Told)
    assert told.error == "not_possible"
    ordered = bare.upkeep.order(Asked(1, "mm", Ask(do="check", weight_g=2000, wait_s=5)), 10)
    assert isinstance(ordered, events.SpanCheckOrdered)
    assert (ordered.weight_g, ordered.until_ns) == (2000, 10 + 5 * 10**9)
    caller, answer, _ = bare.upkeep.checked(
        SpanChecked(number=ordered.number, weight_g=2000, problem="nothing near 2000 g was put there"), bare.at(1)
    )
    assert (caller, answer.error) == (1, "timeout")
