"""Calibrations in service: believed only as a whole, looked after until they are due, never guessed."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calibration import store
from calibration.captures import Hardware
from calibration.model import Calibration, Cell
from station import signing_keys
from station.calibrations import Bound, Calibrations
from station.core import events
from station.core.due import Care, standing
from station.core.effects import Alarm
from station.core.evidence import Reading
from station.core.span_check import Order, SpanCheck, judge
from station.signing_keys import Verifier
from station.wire import ClockState, Stamp

MADE = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CALIBRATION = Calibration(cells=(Cell(zero_counts=1.0, counts_per_g=20.0),) * 4, certified=True, gain_rel_sd=1e-4)
HARDWARE = Hardware(driver="nau7802", part="scale-1", channels=4, gain=128, rate_hz=80.0)
OPTIONS: dict[str, Any] = {"cells": [{}, {}, {}, {}], "gain": 128, "rate_hz": 80}
DAY_S = 86_400
NEVER = 2 * 10**9


class Shop:
    """One scale's calibration, seen on different days."""

    def __init__(self, state_dir: Path, options: dict[str, Any] | None = None) -> None:
        self.state_dir = state_dir
        self.pair = signing_keys.ready(None, state_dir).pair
        self.calibrations = self.reopened(options)

    def reopened(self, options: dict[str, Any] | None = None) -> Calibrations:
        bound = Bound("scale-1", "nau7802", OPTIONS if options is None else options)
        care = Care(warn_days=30, grace_days=14)
        return Calibrations(self.state_dir, {0: bound}, Verifier((self.pair.public,)), care)

    def accept(self, *, due: date | None = None, signed: bool = True) -> None:
        signer = self.pair if signed else None
        record = store.new_record(CALIBRATION, "procedure", MADE, hardware=HARDWARE, due=due, signer=signer)
        store.save(self.state_dir, 1, record)

    def on(self, day: float, clock: ClockState = "synced") -> tuple[list[Calibration | None], list[Alarm]]:
        """What follows so many days after calibrating: what the core is given, and what is raised."""
        wall_ns = round((MADE + timedelta(days=day)).timestamp()) * 10**9
        now = Stamp(wall_ns=wall_ns, monotonic_ns=round((10 + day) * DAY_S) * 10**9, boot_id="b", clock=clock)
        found, alarms = self.calibrations.refresh(now)
        self.aged = [event.age_days for event in found if isinstance(event, events.Aged)]
        given = [event.calibration for event in found if isinstance(event, events.Calibrated)]
        return given, [alarm for alarm in alarms if alarm.raised]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_fitting_signed_record_is_in_force(shop: Shop) -> None:
    shop.accept(due=date(2027, 5, 4))
    assert shop.on(1) == ([CALIBRATION], [])
    assert shop.aged == [pytest.approx(1.0)]
    assert shop.on(1.01) == ([], [])
    assert shop.on(2) == ([], [])
    assert shop.aged == [pytest.approx(2.0)]


def test_an_unsigned_record_is_refused(shop: Shop) -> None:
    shop.accept(signed=False)
    given, [alarm] = shop.on(1)
    assert (given, alarm.code, shop.calibrations.version) == ([None], "CALIBRATION_UNREADABLE", None)
    assert "is not signed" in alarm.message


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (OPTIONS | {"gain": 64}, "the gain was 128, now it is 64"),
        (OPTIONS | {"rate_hz": 10}, "the rate was 80.0, now it is 10.0"),
        (OPTIONS | {"cells": [{}, {}]}, "the number of channels was 4, now it is 2"),
    ],
)
def test_other_hardware_is_refused_by_name(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    shop = Shop(tmp_path, options)
    shop.accept()
    given, [alarm] = shop.on(1)
    assert (given, alarm.code) == ([None], "CALIBRATION_MISFIT")
    assert why in alarm.message


def test_it_is_warned_of_then_overdue_then_no_longer_in_force(shop: Shop) -> None:
    shop.accept(due=(MADE + timedelta(days=100)).date())
    assert shop.on(69)[1] == []
    given, [alarm] = shop.on(70)
    assert (given, alarm.code, alarm.severity) == ([], "CALIBRATION_DUE", "warning")
    assert "due in 30 days" in alarm.message
    assert alarm.remedy
    assert [alarm.code for alarm in shop.on(101)[1]] == ["CALIBRATION_OVERDUE"]
    assert shop.on(114)[0] == []
    given, [alarm] = shop.on(115)
    assert (given, alarm.code, alarm.severity) == ([None], "CALIBRATION_OVERDUE", "error")
    assert shop.calibrations.version is None
    shop.accept(due=date(2029, 1, 1))
    assert shop.on(116) == ([CALIBRATION], [])


@pytest.mark.parametrize("clock", ["unsynced", "stepped"])
def test_a_clock_that_nobody_set_lets_nothing_expire(shop: Shop, clock: ClockState) -> None:
    shop.accept(due=(MADE + timedelta(days=100)).date())
    assert shop.on(4000, clock) == ([CALIBRATION], [])
    assert shop.on(90)[1][0].code == "CALIBRATION_DUE"
    given, [alarm] = shop.on(4001, clock)
    assert (given, alarm.code) == ([], "CALIBRATION_DUE")  # what was known last stands
    assert shop.on(-4000, clock)[0] == []
    assert shop.aged in ([], [0.0])


def test_a_record_put_back_by_hand_is_taken_up_at_once(shop: Shop) -> None:
    assert shop.on(0)[0] == [None]
    shop.accept()
    assert shop.on(0.001)[0] == [CALIBRATION]
    store.record_path(shop.state_dir, 1).write_text("{}", encoding="utf-8")
    given, [alarm] = shop.on(0.002)
    assert (given, alarm.code) == ([None], "CALIBRATION_UNREADABLE")


@pytest.mark.parametrize(
    ("days", "state"), [(31, "ok"), (30, "due"), (0, "due"), (-1, "overdue"), (-14, "overdue"), (-15, "expired")]
)
def test_the_calendars_edges(days: int, state: str) -> None:
    assert standing(1000, 1000 - days, Care(warn_days=30, grace_days=14)) == (state, days)


def reading(gross_g: float) -> Reading:
    return Reading(t_ns=0, gross_g=gross_g, sd_g=0.5, noise_sd_g=0.3)


def test_an_ordered_check_takes_the_weight_and_nothing_else() -> None:
    checks = SpanCheck()
    checks.order(Order(1, 5000.0, NEVER))
    assert checks.settled(reading(4800.0), claimed=False) == []
    [found] = checks.settled(reading(5002.0), claimed=False)
    assert (found.number, found.weighed_g, found.problem) == (1, 5002.0, "")
    assert checks.settled(reading(5002.0), claimed=False) == []


def test_an_order_without_a_weight_ends() -> None:
    checks = SpanCheck()
    checks.order(Order(1, 5000.0, NEVER))
    assert checks.expire(NEVER - 1) == []
    [found] = checks.expire(NEVER)
    assert (found.weighed_g, found.number) == (None, 1)
    assert "nothing near 5000 g" in found.problem


def test_a_due_check_is_no_claimed_basket() -> None:
    checks = SpanCheck()
    checks.order(Order(0, 5000.0, None))
    assert checks.settled(reading(5001.0), claimed=False) == []
    checks.claimed()
    assert checks.unloaded() == []
    assert checks.settled(reading(5001.0), claimed=True) == []
    assert checks.unloaded() == []
    checks.settled(reading(5001.0), claimed=False)
    [found] = checks.unloaded()
    assert found.weighed_g == 5001.0
    assert checks.unloaded() == []


@pytest.mark.parametrize(
    ("weighed_g", "sd_g", "outcome"),
    [
        (5002.5, 0.5, "pass"),  # half of the limit of 5 g
        (4997.4, 0.5, "warn"),
        (5024.9, 0.5, "warn"),  # 0.5 % of the load
        (5025.1, 0.5, "fail"),
        (5025.1, 20.0, "pass"),  # a wide calibration cannot tell
    ],
)
def test_deviations_are_judged(weighed_g: float, sd_g: float, outcome: str) -> None:
    assert judge(5000.0, weighed_g, sd_g, 5.0) == outcome
