"""The benchmark of drivers' latency: it covers every driver, and measures what it says."""

import pytest

from benchmarks import driver_latency
from benchmarks.driver_latency_benches import BENCHES
from benchmarks.driver_latency_devices import NAMES
from benchmarks.scale_cases import CASES
from drivers.bank import Bank
from drivers.base import Sample
from station import wiring


def test_every_driver_of_scales_is_measured() -> None:
    modules = {case.module.__name__.removeprefix("drivers.").replace("_", "-") for case in CASES}
    measured = modules | {name.split(" ")[0] for name in (*NAMES, *BENCHES)}
    assert set(wiring.SCALES) - {"sim"} <= measured


@pytest.mark.parametrize("late_ms", [1, 25])
def test_an_event_belongs_to_the_message_at_its_time(late_ms: int) -> None:
    sent_ns = [number * 10_000_000 for number in range(80)]
    taken = [(at_ns + 10_000_000 + late_ms * 1_000_000, at_ns + 3_000) for at_ns in sent_ns[:60]]
    row = driver_latency._row(sent_ns, taken, 0.01, held=True, slack_s=0.005)  # noqa: SLF001
    assert (row["p50"], row["p99"], row["age_ms"], row["limit_ms"]) == (late_ms, late_ms, late_ms + 10, 10.0)


@pytest.mark.parametrize("name", ["hx711-spi", "nau7802"])
def test_a_bench_in_virtual_time_keeps_the_limit_and_shows_what_is_held(name: str) -> None:
    result = driver_latency.measure(1.0, [name])
    row = result["drivers"][name]
    assert result["kept"]
    assert (row["age_ms"] > row["limit_ms"]) == (name == "hx711-spi")


def test_a_driver_that_dawdles_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Bank.read

    def dawdle(self: Bank, timeout_s: float) -> list[Sample]:
        found = read(self, timeout_s)
        self._pace.advance(15_000_000)  # type: ignore[attr-defined] # its clock is the bench's
        return found

    monkeypatch.setattr(Bank, "read", dawdle)
    assert not driver_latency.measure(1.0, ["nau7802"])["kept"]


@pytest.mark.parametrize("name", ["hx711-bridge", "toledo-8217"])
def test_a_serial_driver_is_measured_on_a_real_terminal(name: str) -> None:
    row = driver_latency.measure(1.5, [name])["drivers"][name]
    assert row["events"] > 5
    assert row["p50"] > 0
