"""The keys of every serial scale: a port is enough, bounds hold, leftovers are refused; and habits of some makes."""

import msgspec
import pytest

from drivers import ascii_line, cas, dialog_02, dialog_06, magellan, mt_sics, nci
from drivers.base import ScaleState
from drivers.serial_scale import SerialScaleOptions, line_settings
from drivers.sim.line_device import LineDevice
from drivers.sim.world import PlacedObject
from tests.drivers.scales import Case, Loop, set_to

PORT = {"port": "/dev/x"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (nci.Options, (9600, 7, "E")),
        (dialog_06.Options, (9600, 7, "O")),
        (dialog_02.Options, (2400, 7, "O")),
        (cas.Options, (9600, 8, "N")),
        (magellan.Options, (9600, 8, "N")),
        (mt_sics.Options, (9600, 8, "N")),
    ],
)
def test_a_port_is_enough_for_a_scale_from_the_factory(
    options: type[SerialScaleOptions], line: tuple[int, int, str]
) -> None:
    settings = line_settings(msgspec.convert(PORT, options))
    assert (settings.baud, settings.bytesize, settings.parity) == line
    assert settings.dtr


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (nci.Options, {"status_bytes": 5}),
        (nci.Options, {"dialect": "pos"}),
        (nci.Options, {"shape": "00,000"}),
        (dialog_06.Options, {"polynomial": "0x11021"}),
        (dialog_06.Options, {"polynomial": "21021"}),
        (dialog_06.Options, {"price": 1_000_000}),
        (dialog_02.Options, {"polynomial": "11021"}),
        (dialog_02.Options, {"baud": 19200}),
        (cas.Options, {"unit": "g"}),
        (magellan.Options, {"command": "S12"}),
        (mt_sics.Options, {"unit": "oz"}),
        (ascii_line.Options, {}),
        (ascii_line.Options, {"profile": "acme"}),
        (ascii_line.Options, {"profile": "kern", "width": 17}),
        (cas.Options, {"poll_s": 0.01}),
        (cas.Options, {"typo": 1}),
    ],
)
def test_options_have_bounds_and_no_leftovers(options: type[SerialScaleOptions], keys: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(PORT | keys, options)


def test_a_scale_that_is_silent_by_habit_is_told_so_and_never_repeated() -> None:
    adam = Case(
        "adam",
        set_to(ascii_line, profile="adam"),
        set_to(ascii_line, profile="adam"),
        lambda: LineDevice("adam", shy=True),
    )
    loop = Loop(adam)
    with loop.live.now() as world:
        world.place(PlacedObject("1", "a crate", 2_000.0))
    seen = loop.weigh(10.0)
    assert [value.weight_g for value in seen if value.state is ScaleState.STABLE] == [2_000.0]
    assert "unchanged" in seen[-1].reason
    assert loop.errors == []


def test_what_a_continuous_scale_said_while_nobody_read_is_not_read() -> None:
    case = Case(
        "dini-argeo",
        set_to(ascii_line, profile="dini-argeo", continuous=True),
        set_to(ascii_line, profile="kern"),
        lambda: LineDevice("dini-argeo", every_s=0.1),
        asked=False,
    )
    loop = Loop(case)
    loop.weigh(2.0)
    for _ in range(100):  # five seconds in which the device goes on
        loop.clock.advance(0.05)
        loop.scale.tick()
        if loop.clock.s() > 4.0 and not loop.live.snapshot():
            with loop.live.now() as world:
                world.place(PlacedObject("1", "a crate", 2_000.0))
    assert len(loop.wire.to_host) > 500
    first = loop.weigh(0.3)[0]
    assert first.weight_g == pytest.approx(2_000.0, abs=5)
