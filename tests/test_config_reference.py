"""The configuration's page says what the source checks."""

from pathlib import Path

from tools import config_reference

PAGE = Path(__file__).resolve().parents[1] / "docs" / "CONFIG.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == config_reference.render(), "run `make docs`"


def test_every_key_has_a_row() -> None:
    rows = config_reference.render()
    for kind in config_reference.TABLES.values():
        for name in kind.__struct_fields__:
            assert f"| `{name}` |" in rows or f".{name}]`" in rows
