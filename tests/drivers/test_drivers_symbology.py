"""Identifiers before scanned codes: AIM's, a vendor's letters, and texts that only look like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.symbology import aim, datalogic


@pytest.mark.parametrize(
    ("text", "code", "symbology"),
    [
        ("]E04006381333931", "4006381333931", "ean-13"),
        ("]E400210126", "00210126", "ean-8"),
        ("]C1010400638133393117991231", "010400638133393117991231", "gs1-128"),
        ("]C0BADGE-7", "BADGE-7", "code-128"),
        ("]Q1https://pay.example/t/1", "https://pay.example/t/1", "qr"),
        ("]Q30104006381333931", "0104006381333931", "gs1-qr"),
        ("]e00104006381333931", "0104006381333931", "gs1-databar"),
        ("]d2x", "x", "gs1-datamatrix"),
        ("]d1x", "x", "datamatrix"),
        ("]X0nobody knows it", "nobody knows it", ""),
        ("no identifier", "no identifier", ""),
        ("]", "]", ""),
    ],
)
def test_aims_identifiers_are_taken_off_and_named(text: str, code: str, symbology: str) -> None:
    assert aim(text) == (code, symbology)
    assert datalogic(text) == (code, symbology)


@pytest.mark.parametrize(
    ("text", "code", "symbology"),
    [
        ("F1101234567891", "1101234567891", "ean-13"),
        ("FF00210126", "00210126", "ean-8"),
        ("A060992011187", "060992011187", "upc-a"),
        ("E04252614", "04252614", "upc-e"),
        ("R40101044123456789", "0101044123456789", "gs1-databar"),
        ("FABRIC-12", "FABRIC-12", ""),
        ("QRhttps://x", "QRhttps://x", ""),
        ("F", "F", ""),
        ("4006381333931", "4006381333931", ""),
    ],
)
def test_datalogics_letters_are_believed_before_digits_only(text: str, code: str, symbology: str) -> None:
    assert datalogic(text) == (code, symbology)


@given(st.text(max_size=300))
def test_any_text_is_taken_and_only_its_front_goes(text: str) -> None:
    for split in (aim, datalogic):
        code, symbology = split(text)
        assert text.endswith(code)
        assert len(text) - len(code) <= 3
        assert symbology.isprintable()
