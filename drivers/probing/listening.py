"""What a line says by itself: load-cell bridges, boards that print counts, scales that print without being asked.

A line of 7 bits with parity, heard as 8 bits without, shows its parity as bit 7: so every rate needs to be heard only
once, and the parity follows from the bytes. What is silent at one rate is silent at all of them.
"""

from collections.abc import Iterable
from dataclasses import replace

from drivers.base import Indication
from drivers.bridge_frames import HelloFrame, PongFrame, SampleFrame, parse
from drivers.framing import FrameDecoder
from drivers.line_codec import LineCodec, Profile
from drivers.line_profiles import PROFILES
from drivers.probing.matching import Candidate, Chunks, Line, Recogniser, Strength, Variant, strongest
from drivers.probing.text_layout import text_candidate
from drivers.toledo_continuous import ToledoContinuousCodec
from drivers.units import Unit

BOARD_BAUD = 115_200  # what boards print at; USB ones take any
RATES = (BOARD_BAUD, 9600, 2400, 4800, 19_200, 38_400, 1200, 57_600)
HEARD_MAX_BYTES = 8192
UNITS = ("kg", "g", "lb")
WIDTHS = range(5, 15)
_SCALE_RATES = {1200, 2400, 4800, 9600, 19_200, 38_400}  # those that a retail scale can be set to
_REPEATED = 2  # answers that must be alike before a talk of its own is believed
_TEXT_SHARE = 0.95
_HIGH_BIT = 0x80
_UNIT_HOW = "as set at the scale; hold still and probe again to have it read"
_PRINTABLE = frozenset(b"\r\n\t" + bytes(range(0x20, 0x7F)))


def recognise(data: bytes, baud: int, elapsed_s: float) -> list[Candidate]:
    """Return who may be speaking in `data`, heard at `baud` as 8 bits without parity for `elapsed_s`."""
    found = bridge_candidate(data, baud) or text_candidate(data, baud, elapsed_s)
    if found is not None:
        return [found]
    line = line_of(data, baud)
    if line is None or baud not in _SCALE_RATES:
        return []
    keys = {"baud": line.baud, "bytesize": line.bytesize, "parity": line.parity}
    plain = [bytes(byte & 0x7F for byte in data)]
    candidates = strongest(recogniser.candidate(plain) for recogniser in _PRINTERS) or strongest(
        recogniser.candidate(plain) for recogniser in _ODD_PRINTERS
    )
    return [replace(candidate, keys={**keys, **candidate.keys}) for candidate in candidates]


def line_of(data: bytes, baud: int) -> Line | None:
    """Return how the sender's line is set, as far as its bytes show it; None where they show none."""
    if all(byte < _HIGH_BIT for byte in data):
        return Line(baud)
    odd = {byte.bit_count() % 2 for byte in data}
    return Line(baud, 7, "O" if odd == {1} else "E") if len(odd) == 1 else None


def is_text(data: bytes) -> bool:
    """Tell whether this is text in lines: then something speaks there, if in no language known here."""
    return b"\n" in data and sum(byte in _PRINTABLE for byte in data) >= _TEXT_SHARE * len(data)


def bridge_candidate(data: bytes, baud: int) -> Candidate | None:
    """Return the load-cell bridge whose intact frames are in `data`."""
    decoder = FrameDecoder()
    frames = [numbered[1] for payload in decoder.feed(data) if (numbered := parse(payload)) is not None]
    samples = [frame for frame in frames if isinstance(frame, SampleFrame) and frame.counts]
    hello = next((frame for frame in reversed(frames) if isinstance(frame, HelloFrame)), None)
    alive = hello is not None or any(isinstance(frame, PongFrame) for frame in frames)
    if len(samples) < _REPEATED and not alive:
        return None
    told = [f"{len(frames)} intact frames"]
    if hello is not None:
        told.append(f"{hello.firmware}, id {hello.unique_id.hex()}, gain {hello.gain}, {hello.rate_hz} Hz")
    keys: dict[str, object] = {"baud": baud}
    if samples:
        keys["channels"] = len(samples[-1].counts)
        told.append(f"counts {', '.join(map(str, samples[-1].counts))}")
    return Candidate("hx711-bridge", keys, "; ".join(told), Strength.WEIGHT if samples else Strength.STATE)


def line_variants(profile: Profile, widths: Iterable[int], keys: dict[str, object]) -> tuple[Variant, ...]:
    """Return a profile's variants: each unit, each width; width 0, the usual one, is no key."""
    return tuple(
        Variant(
            {**keys, "unit": unit, **({"width": width} if width else {})},
            lambda chunks, unit=unit, width=width: _decoded(LineCodec(profile, unit, width), chunks),  # type: ignore[misc]
        )
        for unit in UNITS
        for width in widths
    )


def _decoded(codec: LineCodec | ToledoContinuousCodec, chunks: Chunks) -> list[Indication]:
    codec.reset()
    return [indication for chunk in chunks for indication in codec.feed(chunk, 0)]


def _printer(make: str, widths: Iterable[int]) -> Recogniser:
    profile = replace(PROFILES[make], question=b"")
    variants = line_variants(profile, widths, {"profile": make, "continuous": True})
    return Recogniser("ascii-line", variants, {"unit": _UNIT_HOW}, Strength.STATE, _REPEATED)


def _toledo(*, check: bool) -> Recogniser:
    variants = tuple(
        Variant(
            {"profile": "toledo-continuous", "unit": unit.value, "checksum": check},
            lambda chunks, unit=unit: _decoded(ToledoContinuousCodec(unit, check=check), chunks),  # type: ignore[misc]
        )
        for unit in Unit
    )
    return Recogniser("ascii-line", variants, {"unit": _UNIT_HOW}, Strength.STATE, _REPEATED)


_PRINTERS = (*(_printer(make, (0,)) for make in PROFILES), _toledo(check=True))
_ODD_PRINTERS = (*(_printer(make, WIDTHS) for make in PROFILES), _toledo(check=False))
