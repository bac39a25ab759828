"""Reading a driver of raw counts whose true values prove themselves, and taking it through a fault and back."""

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from drivers.bank import Bank
from drivers.base import Sample, SampleFlag, SensorError
from tests.hw.guest.report import Facts, spread
from tests.hw.guest.words import age_ns

_READ_S = 0.25
_GIVE_UP_S = 15.0
_RECOVERY_S = 40.0  # beside other work, clocking by a program seldom succeeds here
_FRESH_NS = 300_000_000  # a value set longer ago is none of now
_AHEAD_NS = 20_000_000


def believed(sample: Sample) -> bool:
    return not sample.flags & ~SampleFlag.GAP


def is_true(sample: Sample) -> bool:
    """Whether these counts were set at about the sample's time."""
    age = age_ns(sample.counts[0], sample.t_ns)
    return age is not None and -_AHEAD_NS < age < _FRESH_NS


def false_ones(samples: list[Sample]) -> list[tuple[int, float | None]]:
    """Return counts and age in ms of the samples that were believed and are false."""
    wrong = [sample for sample in samples if believed(sample) and not is_true(sample)]
    ages = [(sample.counts[0], age_ns(sample.counts[0], sample.t_ns)) for sample in wrong]
    return [(counts, None if age is None else age / 1e6) for counts, age in ages]


@dataclass
class Watch:
    """What a driver gave, and how often it said that the sensor is lost."""

    driver: Bank
    samples: list[Sample] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)

    def read_for(self, seconds: float) -> "Watch":
        """Read for that long; open again what was lost, as the station does."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            try:
                self.samples += self.driver.read(_READ_S)
            except SensorError as error:
                self.losses[error.message] += 1
                self.driver.open()
        return self

    @property
    def believed(self) -> list[Sample]:
        return [sample for sample in self.samples if believed(sample)]

    def facts(self) -> Facts:
        """Return how many samples were true and false, believed and rejected, and why."""
        samples = self.samples
        gaps_ms = [(late.t_ns - early.t_ns) / 1e6 for early, late in itertools.pairwise(samples)]
        ages = [age_ns(sample.counts[0], sample.t_ns) for sample in self.believed]
        return {
            "samples": len(samples),
            "believed": len(self.believed),
            "believed_false": false_ones(samples),
            "rejected_false": sum(not believed(sample) and not is_true(sample) for sample in samples),
            "rejected_true": sum(not believed(sample) and is_true(sample) for sample in samples),
            "rejects": dict(self.driver.rejects),
            "losses": dict(self.losses),
            "period_ms": spread(gaps_ms),
            "age_ms": spread([age / 1e6 for age in ages if age is not None]),
        }


@contextlib.contextmanager
def opened(driver: Bank) -> Iterator[Bank]:
    driver.open()
    try:
        yield driver
    finally:
        driver.close()


def until_believed(driver: Bank) -> Sample:
    """Read an open driver until a sample can be believed; open it again where it says that the sensor is lost."""
    watch, end_s = Watch(driver), time.monotonic() + _RECOVERY_S
    while time.monotonic() < end_s:
        if found := watch.read_for(_READ_S).believed:
            return found[0]
    raise AssertionError(f"nothing to believe within {_RECOVERY_S} s: {watch.losses}, {dict(driver.rejects)}")


def lost(driver: Bank) -> Facts:
    """Read until the driver says that the sensor is lost; return what it said, after how long, and what it gave."""
    begin_s, found = time.monotonic(), []
    while time.monotonic() - begin_s < _GIVE_UP_S:
        try:
            found += driver.read(_READ_S)
        except SensorError as error:
            return {
                "error": error.message,
                "remedy": error.remedy,
                "after_s": round(time.monotonic() - begin_s, 2),
                "samples": len(found),
                "believed_false": false_ones(found),
                "flags": sorted({sample.flags.name or "none" for sample in found}),
            }
    return {"error": None, "samples": len(found)}


def open_error(driver: Bank) -> str | None:
    """Return what opening complains of."""
    try:
        driver.open()
    except SensorError as error:
        return error.message
    finally:
        driver.close()
    return None


def recovered(driver: Bank) -> Facts:
    """Open again and again, as the station does; return how long it took to a sample that can be believed."""
    begin_s, tries = time.monotonic(), 0
    while time.monotonic() - begin_s < _RECOVERY_S:
        tries += 1
        try:
            driver.close()
            driver.open()
            sample = until_believed(driver)
        except SensorError:
            continue
        return {"recovered_s": round(time.monotonic() - begin_s, 2), "tries": tries, "true": is_true(sample)}
    return {"recovered_s": None, "tries": tries}


def through(driver: Bank, begin: Callable[[], object], end: Callable[[], object]) -> Facts:
    """Take a running driver into a fault and out of it."""
    with opened(driver):
        until_believed(driver)
        begin()
        facts = lost(driver)
        driver.close()
        end()
        return {**facts, **recovered(driver), "rejects": dict(driver.rejects)}
