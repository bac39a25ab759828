"""The NCI codec: vectors of the manuals, both dialects, every status bit."""

import pytest

from drivers.base import Indication, ScaleState
from drivers.nci_codec import Dialect, NciCodec, encode
from drivers.units import Unit

STABLE = bytes.fromhex("0A 30 30 2E 33 34 35 4B 47 0D 0A 53 30 30 0D 03")
MOTION = bytes.fromhex("0A 53 31 30 0D 03")


def feed(
    data: bytes, dialect: Dialect = Dialect.ECR, unit: Unit = Unit.KG, status_bytes: int = 2, shape: str = ""
) -> list[Indication]:
    return NciCodec(dialect, unit, status_bytes, shape).feed(data, 5)


def test_the_vectors() -> None:
    assert feed(STABLE) == [Indication(5, ScaleState.STABLE, 345.0)]
    assert feed(MOTION) == [Indication(5, ScaleState.MOTION)]
    assert encode("00.345KG", b"00", Dialect.ECR) == STABLE
    assert encode("", b"10", Dialect.ECR) == MOTION


def test_other_separators_as_some_scales_send_them() -> None:
    [indication] = feed(b"\n000.00LB\n\rS00\r\x03", unit=Unit.LB)
    assert indication.weight_g == 0.0


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        ("10", ScaleState.MOTION, ""),
        ("20", ScaleState.STABLE, ""),  # at zero
        ("40", ScaleState.NOT_READY, "memory"),
        ("80", ScaleState.NOT_READY, "memory"),
        ("01", ScaleState.UNDER_ZERO, ""),
        ("02", ScaleState.OVERLOAD, ""),
        ("04", ScaleState.NOT_READY, "memory"),
        ("08", ScaleState.NOT_READY, "calibration"),
        ("0p4", ScaleState.NOT_READY, "net"),
        ("0p8", ScaleState.NOT_READY, "zero"),
        ("0pp0", ScaleState.STABLE, ""),
    ],
)
def test_status_bits_overrule_a_weight(status: str, state: ScaleState, word: str) -> None:
    [indication] = feed(encode("00.345KG", status.encode(), Dialect.ECR), status_bytes=len(status))
    assert indication.state is state
    assert (indication.weight_g is not None) == (state is ScaleState.STABLE)
    assert word in indication.reason


@pytest.mark.parametrize(
    ("digits", "state"),
    [("^^^^", ScaleState.OVERLOAD), ("____", ScaleState.UNDER_ZERO), ("----", ScaleState.NOT_READY),
     ("-00.005", ScaleState.UNDER_ZERO), (" 00.005", ScaleState.STABLE), ("-00.000", ScaleState.STABLE)],
)  # fmt: skip
def test_signs_of_the_bench_dialect(digits: str, state: ScaleState) -> None:
    [indication] = feed(encode(f"{digits} kg", b"00", Dialect.BENCH), Dialect.BENCH)
    assert indication.state is state


@pytest.mark.parametrize(
    "answer",
    [
        encode("00.345kg", b"00", Dialect.ECR),
        encode("0.345KG", b"00", Dialect.ECR),
        encode("00.345LB", b"00", Dialect.ECR),
        encode("00.345KG", b"0p0", Dialect.ECR),
        encode("00.345KG", b"0p", Dialect.ECR),
        encode("00.345KG", b"00", Dialect.BENCH),
        b"00.345KG\r\nS00\r\x03",
    ],
)
def test_an_answer_of_another_shape_is_no_weight(answer: bytes) -> None:
    [indication] = feed(answer)
    assert indication.state is ScaleState.NOT_READY
    assert "`dialect`" in indication.reason


def test_a_question_it_does_not_know_and_a_shape_of_its_own() -> None:
    [indication] = feed(b"\n?\r\x03")
    assert "question" in indication.reason
    assert feed(encode("0000.5KG", b"00", Dialect.ECR), shape="0000.0")[0].weight_g == 500.0
