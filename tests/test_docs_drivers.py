"""The drivers' page: every driver has its section, its examples pass the configuration check, every link leads on."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from drivers import ascii_line
from drivers.base import ScaleState
from drivers.integrity import Cause
from drivers.line_codec import LineCodec
from drivers.line_profiles import PROFILES
from station import config, wiring

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "DRIVERS.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"(?ms)^## ([a-z0-9-]+)\n(.*?)(?=^## |\Z)", PAGE))
EXAMPLES = [(name, text) for name, body in SECTIONS.items() for text in re.findall(r"(?s)```toml\n(.*?)```", body)]
BASE = """
[station]
store = "0815"
id = "vs-03"

[mqtt]
host = "localhost"

"""
SCALE = '[[scale]]\ndriver = "hx711-bridge"\nport = "/dev/x"\ncapacity_g = 1000\ndivision_g = 1\n'


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_passes_the_configuration_check(name: str, example: str) -> None:
    text = BASE + example + ("" if "[[scale]]" in example else SCALE)
    made = config.parse(text.encode(), DOCS / "x.toml", wiring.driver_options())
    assert name in {scale.driver for scale in made.scales} | {camera.driver for camera in made.cameras}


def test_a_wrong_example_would_be_found() -> None:
    with pytest.raises(config.ConfigError):
        config.parse((BASE + SCALE + "wires = 3\n").encode(), DOCS / "x.toml", wiring.driver_options())


def test_every_driver_has_a_section_with_an_example_its_keys_and_its_stand_in() -> None:
    drivers = {*wiring.SCALES, *wiring.CAMERAS}
    assert set(SECTIONS) == drivers == {name for name, _ in EXAMPLES}
    for name, body in SECTIONS.items():
        assert "Stand-in" in body or "stand-in" in body, name
        assert re.search(r"(?i)wiring", body) or name == "files", name
        assert "Bound" in body or name in {"sim", *wiring.CAMERAS}, name


def anchors(page: str) -> set[str]:
    """Return the names that headings can be linked by."""
    headings = re.findall(r"(?m)^#+ (.*)$", page)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_heading() -> None:
    targets = {"": anchors(PAGE), "CONFIG.md": anchors((DOCS / "CONFIG.md").read_text(encoding="utf-8"))}
    links = re.findall(r"\]\(([A-Z.a-z]*)(?:#([a-z0-9-]+))?\)", PAGE)
    assert len(links) > len(SECTIONS)
    for page, anchor in links:
        assert not anchor or anchor in targets[page], (page, anchor)


def test_every_file_named_is_there() -> None:
    named = re.findall(r"`((?:drivers|benchmarks)/[a-z_0-9/]+\.py)`", PAGE)
    assert len(named) > 15
    assert [name for name in named if not (DOCS.parent / name).exists()] == []


def test_every_cause_is_explained() -> None:
    table = PAGE[PAGE.index("| cause |") : PAGE.index("**Scales on a serial line**")]
    assert set(re.findall(r"`([a-z_]+)`", table)) - {"rate_hz"} == {cause.value for cause in Cause}


def test_every_profile_is_listed_and_its_line_is_read() -> None:
    rows = dict(re.findall(r"(?m)^\| `([a-z-]+)` \| `?(.*?)`? \| ", SECTIONS["ascii-line"]))
    del rows["profile"]
    kinds = get_type_hints(ascii_line.Options)["profile"]
    assert set(rows) == set(get_args(kinds)) == {*PROFILES, "toledo-continuous"}
    for name, line in rows.items():
        if name in PROFILES:
            [indication] = LineCodec(PROFILES[name], "kg").feed(line.encode() + b"\r\n", 5)
            assert (indication.state, indication.weight_g) == (ScaleState.STABLE, 12_345.0)
