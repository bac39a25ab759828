"""Net contents read from the package sizes of a real article file."""

import pytest

from benchmarks.package_size import net_g

OZ, LB, GAL = 28.35, 453.6, 3785.4


@pytest.mark.parametrize(
    ("text", "expected_g"),
    [
        ("16 OZ", 16 * OZ),
        (".75 L", 750),
        ("14.5 OZ", 14.5 * OZ),
        ("750 ML", 750),
        ("6 PK/12 OZ", 72 * OZ),
        ("12 PK/12 OZ", 144 * OZ),
        ("12/12 OZ", 144 * OZ),
        ("6/3.5 OZ", 21 * OZ),
        ("8/.81 OZ", 6.48 * OZ),
        ("10 3/4 OZ", 10.75 * OZ),
        ("1/2 GAL", GAL / 2),
        ("1 1/2 LB", 1.5 * LB),
        ("6-12 OZ", 72 * OZ),
        ("10-6.75 OZ", 67.5 * OZ),
        ("12 OZ/12 PK", 144 * OZ),
        ("144 OZ/12 PK", 144 * OZ),
        ("6 CT/15 OZ", 15 * OZ),
        ("12 OZ/6 CT", 12 * OZ),
        ("10 CT/17.5 Z", 17.5 * OZ),
        ("6 P/16.9 OZ", 6 * 16.9 * OZ),
        ("6 PK 8 OZ", 48 * OZ),
        ("2 LB 3 OZ", 2 * LB + 3 * OZ),
        ("P    16 OZ", 16 * OZ),
        ("4/187 ML", 748),
        ("5 LB BAG", 5 * LB),
        ("8 FL OZ", 8 * 29.57),
        ("HALF GAL", GAL / 2),
        ("GAL", GAL),
        ("2 L*", 2000),
    ],
)
def test_weights_are_read(text: str, expected_g: float) -> None:
    assert net_g(text) == pytest.approx(expected_g, rel=1e-3)


@pytest.mark.parametrize(
    "text", ["", "100 CT", "12 IN", "CTN", "121 SQ FT", "10 LOADS", "SIZE 9", "528083 5 PK", "LARGE"]
)
def test_what_says_nothing_about_weight_is_none(text: str) -> None:
    assert net_g(text) is None


def test_misprints_are_not_believed() -> None:
    assert net_g("9999 LB") is None
    assert net_g("0 OZ") is None
