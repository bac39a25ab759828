"""Every emulated serial device is found on a pseudo-terminal, and what is suggested for it reads it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from drivers import hx711_bridge
from drivers.base import Indication, Sample, ScaleDriver, ScaleState
from drivers.probing.serial_probe import SerialFind
from drivers.sim.bridge_device import BridgeDevice
from drivers.sim.dialog_device import DialogDevice
from drivers.sim.line_device import LineDevice
from drivers.sim.toledo_device import ToledoDevice, ToledoSpec
from drivers.toledo_codec import Dialect
from drivers.units import Unit
from station import wiring
from station.doctor import suggesting
from tests.doctor.bench import Machine, configured, machine
from tests.drivers.scales import CASES, CRATE, Case
from tests.drivers.wire import read_until

EXPECTED = {
    "toledo-sasi": "toledo-8217", "nci-ecr": "nci", "nci-bench": "nci", "dialog-06 with a price": "dialog-06",
    "dialog-02": "dialog-06",  # at 9600 the two cannot be told apart; the other is told, too
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made


def made_from(suggestion: suggesting.Suggestion, **decided: object) -> ScaleDriver:
    """Return the driver that the suggested table makes, with what the technician decided."""
    table = msgspec.structs.replace(suggestion, table=suggestion.table | decided)
    [scale] = configured(table).scales
    driver: ScaleDriver = wiring.SCALES[scale.driver].make(scale.options)
    return driver


def weighed_g(driver: ScaleDriver) -> float:
    driver.open()
    try:
        seen = read_until(driver, lambda value: isinstance(value, Indication) and value.weight_g is not None)
    finally:
        driver.close()
    last = seen[-1]
    assert isinstance(last, Indication)
    assert last.weight_g is not None
    return last.weight_g


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SerialFind]]:
    """All scales plugged into one machine and probed at once, by the names of their cases."""
    with machine(tmp_path_factory.mktemp("store")) as made:
        names = {made.scale(case.device())[0]: case.name for case in CASES}
        yield {names[find.place.port]: find for find in made.probe()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_scale_is_found_and_its_suggestion_weighs(store: dict[str, SerialFind], case: Case) -> None:
    find = store[case.name]
    assert find.problem == ""
    assert bool(find.asked) is case.asked
    assert "/serial/by-id/usb-maker_thing_" in find.place.port
    [suggestion] = suggesting.of_serial(find)
    driver = case.name.partition(" ")[0]
    assert suggestion.table["driver"] == EXPECTED.get(case.name, driver)
    if driver == "ascii-line":
        assert suggestion.table["profile"] == case.name.split()[1]
        assert suggestion.table.get("continuous", case.name.endswith("toledo-continuous")) is not case.asked
    decided = {"polynomial": "11021"} if case.name.startswith("dialog-06") else {}
    assert weighed_g(made_from(suggestion, **decided)) == CRATE.mass_g


@pytest.mark.parametrize("unasked", [True, False], ids=["streams", "waits"])
def test_a_bridge_is_found_and_its_suggestion_reads_counts(bench: Machine, *, unasked: bool) -> None:
    port = bench.bridge(BridgeDevice(streams_unasked=unasked))
    [find] = bench.probe(ask=not unasked)
    [suggestion] = suggesting.of_serial(find)
    assert suggestion.table["driver"] == "hx711-bridge"
    assert suggestion.table.get("channels") == (4 if unasked else None)
    assert suggestion.table["port"] == port
    driver = made_from(suggestion)
    assert isinstance(driver, hx711_bridge.Driver)
    driver.open()
    [*_, last] = read_until(driver, lambda value: isinstance(value, Sample))
    driver.close()
    assert isinstance(last, Sample)
    assert len(last.counts) == 4


def test_a_dialect_that_a_weight_does_not_show_is_left_to_the_technician(bench: Machine) -> None:
    bench.scale(ToledoDevice(ToledoSpec(Dialect.SASI)))
    [find] = bench.probe()
    [candidate] = find.candidates
    assert candidate.keys["unit"] == "kg"
    assert "dialect" not in candidate.keys
    [choice] = candidate.choices
    assert (choice.key, choice.values) == ("dialect", ("8217", "8213", "ohaus", "sasi"))
    [suggestion] = suggesting.of_serial(find)
    assert '# DECIDE: one of "8217", "8213", "ohaus", "sasi": ' in suggestion.toml


def test_a_weight_of_two_decimals_in_pounds_is_an_8213(bench: Machine) -> None:
    bench.scale(ToledoDevice(ToledoSpec(Dialect.TOLEDO_8213, Unit.LB)))
    candidate = bench.candidate()
    assert candidate.keys["dialect"] == "8213"
    assert candidate.keys["unit"] == "lb"
    assert candidate.choices == ()


def test_parity_that_shows_as_bit_7_is_understood(bench: Machine) -> None:
    bench.scale(ToledoDevice(ToledoSpec(parity_bit=True)))
    candidate = bench.candidate()
    assert (candidate.keys["bytesize"], candidate.keys["parity"]) == (7, "E")


def test_both_dialogs_are_told_where_a_status_fits_both(bench: Machine) -> None:
    bench.scale(DialogDevice())
    [find] = bench.probe()
    assert [candidate.driver for candidate in find.candidates] == ["dialog-06", "dialog-02"]
    [suggestion] = suggesting.of_serial(find)
    assert '\n# or:\n# [[scale]]\n# driver = "dialog-02"\n' in suggestion.toml


def test_without_asking_nothing_is_sent_and_a_waiting_scale_stays_unknown(bench: Machine) -> None:
    class Listener(LineDevice):
        heard = b""

        def receive(self, data: bytes) -> bytes:
            self.heard += data
            return super().receive(data)

    device = Listener("mt-sics")
    bench.scale(device)
    [find] = bench.probe(ask=False)
    assert (find.candidates, find.problem, find.heard, find.asked) == ((), "", "", 0)
    assert device.heard == b""


def test_several_devices_are_found_at_once(bench: Machine) -> None:
    devices = (LineDevice("radwag"), ToledoDevice(), LineDevice("dini-argeo", every_s=0.1))
    ports = [bench.scale(device)[0] for device in devices]
    ports.append(bench.bridge(BridgeDevice(streams_unasked=True)))
    found = {find.place.port: [candidate.driver for candidate in find.candidates] for find in bench.probe()}
    assert found == dict(zip(ports, [["ascii-line"], ["toledo-8217"], ["ascii-line"], ["hx711-bridge"]], strict=True))


def test_a_moving_scale_is_found_with_its_unit_left_open(bench: Machine) -> None:
    class Restless(ToledoDevice):
        def observe(self, load_g: float, t_s: float) -> None:
            super().observe(load_g + 1000.0 * (t_s * 10 % 2), t_s)

    bench.scale(Restless())
    candidate = bench.candidate()
    assert candidate.driver == "toledo-8217"
    assert {choice.key for choice in candidate.choices} == {"dialect", "unit"}
    assert ScaleState.MOTION in candidate.evidence


def test_a_balance_tells_its_serial_number(store: dict[str, SerialFind]) -> None:
    [candidate] = store["mt-sics"].candidates
    assert 'I4 A "1126493049"' in candidate.evidence
