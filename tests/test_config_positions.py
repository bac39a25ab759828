"""Where the load cells are: `positions_mm` of a `[[scale]]`."""

from pathlib import Path

import pytest

from station import config, wiring

GOOD = """[station]
store = "0815"
id = "vs-03"
[mqtt]
host = "127.0.0.1"
[[scale]]
driver = "hx711-bridge"
port = "/dev/ttyUSB0"
capacity_g = 50000
division_g = 5
"""


def parsed(places: str) -> config.Config:
    text = f"{GOOD}positions_mm = {places}\n"
    return config.parse(text.encode(), Path("/etc/station.toml"), wiring.driver_options())


def test_positions_are_read_and_may_be_absent() -> None:
    places = ((-300.0, -200.0), (300.0, -200.0), (300.0, 200.0), (-300.0, 200.0))
    assert parsed(str([list(place) for place in places])).scales[0].positions_mm == places
    without = config.parse(GOOD.encode(), Path("/etc/station.toml"), wiring.driver_options())
    assert without.scales[0].positions_mm is None


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ("[]", "three cells or more"),
        ("[[0, 0], [600, 0]]", "three cells or more"),
        ("[[0, 0], [100, 0], [200, 0]]", "not in one line"),
        ("[[0, 0], [600, 0], [300]]", "length"),
        ("[[0, 0], [600, 0], [300, 99999]]", "<= 10000"),
        ('"round"', "must be a list"),
    ],
)
def test_places_on_which_nothing_stands_are_refused_with_their_line(places: str, told: str) -> None:
    with pytest.raises(config.ConfigError, match=told) as refused:
        parsed(places)
    assert "station.toml:" in str(refused.value)
    assert "positions_mm" in str(refused.value)
