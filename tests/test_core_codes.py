"""Scanned codes in the core: products by their check digit, tokens for the backend, misreads, repetitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.core import events, gtin
from station.core.codes import TEXT_MAX, Product, Reads, Token, expand_upc_e, understand
from station.core.effects import Announce, Effect, Scan
from station.core.effects import Token as TokenEffect
from station.core.transaction import State
from tests.support.virtual import Virtual, ready

MS_NS = 1_000_000
CHEESE = "04006381333931"


@pytest.mark.parametrize(
    ("text", "symbology", "expected"),
    [
        ("4006381333931", "ean-13", Product(CHEESE)),
        ("400638133393112", "ean-13", Product(CHEESE)),  # with a supplement
        ("400638133393112345", "ean-13", Product(CHEESE)),
        ("4006381333930", "ean-13", None),  # wrong check digit: a misread
        ("400638133393", "ean-13", None),  # a digit was lost
        ("4006381333931", "", Product(CHEESE)),
        ("4006381333930", "", Token("4006381333930", "unknown")),
        ("00210126", "ean-8", Product("00000000210126")),
        ("060992011187", "upc-a", Product("00060992011187")),
        ("04252614", "upc-e", Product("00042100005264")),
        ("04252615", "upc-e", None),
        ("04006381333931", "itf", Product(CHEESE)),
        ("0104006381333931", "gs1-databar", Product(CHEESE)),
        ("0104006381333930", "gs1-databar", None),
        ("255", "gs1-databar", None),
        ("0104006381333931310300123417991231", "gs1-128", Product(CHEESE)),
        ("00340123450000000000", "gs1-128", Token("00340123450000000000", "gs1-128")),  # a pallet
        ("4006381333931", "qr", Token("4006381333931", "qr")),
        ("https://pay.example/t/1", "qr", Token("https://pay.example/t/1", "qr")),
        ("BADGE-7", "code-39", Token("BADGE-7", "code-39")),
        ("PAY-1", "", Token("PAY-1", "unknown")),
        ("", "qr", None),
        ("a\x1db", "qr", None),
        ("PAY\n1", "", None),
        ("x" * TEXT_MAX, "qr", Token("x" * TEXT_MAX, "qr")),
        ("x" * (TEXT_MAX + 1), "qr", None),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "ean-13", None),  # digits of another script
    ],
)
def test_what_a_code_is(text: str, symbology: str, expected: Product | Token | None) -> None:
    assert understand(text, symbology) == expected


@given(st.text(max_size=40), st.sampled_from(["", "ean-13", "upc-e", "gs1-128", "gs1-databar", "qr", "code-39"]))
def test_any_text_is_a_product_of_a_right_check_digit_a_token_as_it_was_or_nothing(text: str, symbology: str) -> None:
    match understand(text, symbology):
        case Product(number):
            assert gtin.normalise(number) == number
        case Token(token, _):
            assert token == text
            assert token.isprintable()


@pytest.mark.parametrize(
    ("short", "long"),
    [("04252614", "042100005264"), ("01234531", "012300000451"), ("01234542", "012340000052"),
     ("01234558", "012345000058")],
)  # fmt: skip
def test_upc_e_stands_for_twelve_digits(short: str, long: str) -> None:
    assert expand_upc_e(short) == long


def test_a_code_lying_before_the_scanner_is_one_read() -> None:
    reads = Reads()
    assert [reads.again("x", "qr", t_ms * MS_NS) for t_ms in (0, 400, 900, 1_800, 2_801)] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not reads.again("y", "qr", 2_801 * MS_NS)
    assert not reads.again("x", "", 2_801 * MS_NS)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3_000)), max_size=40))
def test_a_read_is_new_exactly_when_its_code_was_not_read_within_a_second(reads: list[tuple[str, int]]) -> None:
    known, now_ms, before = Reads(), 0, dict[str, int]()
    for text, later_ms in reads:
        now_ms += later_ms
        expected = text in before and now_ms - before[text] <= 1_000
        assert known.again(text, "", now_ms * MS_NS) is expected
        before[text] = now_ms


def scan(virtual: Virtual, text: str, symbology: str = "", *, later_ms: int = 1_500) -> list[Effect]:
    virtual.t_ns += later_ms * MS_NS
    return virtual.feed(events.Scanned(t_ns=virtual.t_ns, text=text, symbology=symbology))


def test_a_phones_code_opens_a_visit_and_goes_to_the_backend_once() -> None:
    virtual = ready()
    first = scan(virtual, "PAY-1", "qr")
    assert [(e.token, e.symbology) for e in first if isinstance(e, TokenEffect)] == [("PAY-1", "qr")]
    assert virtual.engine.visit is not None
    again = scan(virtual, "PAY-1", "qr", later_ms=300)
    assert again == [Scan(kind="repeated")]
    later = scan(virtual, "PAY-1", "qr")
    assert [e.visit_id for e in later if isinstance(e, TokenEffect)] == [virtual.engine.visit.visit_id]


def test_a_product_is_noted_and_changes_nothing_by_itself() -> None:
    virtual = ready()
    assert scan(virtual, "4006381333931", "ean-13") == [Scan(kind="product", gtin=CHEESE)]
    assert (virtual.engine.state, virtual.engine.visit) == (State.IDLE, None)
    virtual.decision = "review"
    virtual.claim()
    virtual.put(810)
    assert virtual.engine.visit is not None
    visit_id = virtual.engine.visit.visit_id
    noted = scan(virtual, "4006381333931", "ean-13")
    assert noted == [Scan(kind="product", gtin=CHEESE, visit_id=visit_id)]
    assert virtual.engine.state is State.DECIDED


def test_a_misread_is_noted_without_its_text() -> None:
    assert scan(ready(), "4006381333930", "ean-13") == [Scan(kind="refused")]


def test_a_token_without_a_claim_expires() -> None:
    virtual = ready()
    scan(virtual, "PAY-1", "qr")
    closed = virtual.wait(301)
    assert [e.phase for e in closed if isinstance(e, Announce)] == ["closed"]
    assert virtual.engine.visit is None
