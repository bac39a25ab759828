"""Questions that a scale may be asked without harm, and how its answer is recognised.

What is sent, and why it is safe. Each question asks for the weight or the status in one protocol: none sets a zero, a
tare, a price or a text, none ends in silence what another host began. Protocols of single letters take every byte as a
command, so no question holds the letters T, Z or C (tare, zero, clear) of Toledo's. One holds E and A, by which a
Toledo 8217 switches echo and self-test on: READ, of Dini Argeo; it comes last, when a Toledo would have answered, and
never where anything but lines of text was heard. A scale that prints on paper when it is asked may print.
A question in a line begins on a clean one: its own line end goes first, to end what an earlier question, in another
protocol, left unfinished.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from drivers.base import Barcode, Indication
from drivers.bridge_frames import PingFrame, encode
from drivers.cas_codec import ACK, DC1, ENQ, CasConversation
from drivers.conversation import Codec, Conversation
from drivers.dialog_codec import ASK_STATUS, Checksums, RecordDecoder, Status
from drivers.line_codec import LineCodec
from drivers.line_profiles import PROFILES
from drivers.magellan_codec import MONITOR, MagellanConversation
from drivers.mt_sics_codec import PROFILE as SICS
from drivers.mt_sics_codec import WEIGHT_NOW
from drivers.nci_codec import REQUEST_WEIGHT as NCI_WEIGHT
from drivers.nci_codec import Dialect as Nci
from drivers.nci_codec import NciCodec
from drivers.probing.listening import BOARD_BAUD, UNITS, bridge_candidate
from drivers.probing.matching import Candidate, Choice, Chunks, Line, Recogniser, Strength, Variant, shown, strongest
from drivers.toledo_codec import Dialect as Toledo
from drivers.toledo_codec import ToledoCodec
from drivers.units import Unit

_PING = b"\0" + encode(PingFrame(0), 0)
_TILL_8, _TILL_EVEN = Line(9600), Line(9600, 7, "E")
_SICS_SERIAL = dict.fromkeys((b"S S ", b"S D "), b"I4\r\n")  # which one it is, for the evidence
_DIALECT = "status letters mean other things in each; see the scale's menu or manual"
_UNIT = "as set at the scale; its answer did not tell"


@dataclass(frozen=True)
class Question:
    """One question on one kind of line.

    `then`: to each answer, what is sent next; `last`: only where all that was heard is text.
    """

    about: str
    line: Line
    send: bytes
    recognise: Callable[[Chunks], list[Candidate]]
    then: Mapping[bytes, bytes] = field(default_factory=dict)
    last: bool = False

    @property
    def clean(self) -> bytes:
        """What ends an unfinished line of another protocol, b"" where the question is no line."""
        return next((end for end in (b"\r\n", b"\r") if self.send.endswith(end)), b"")

    def candidates(self, chunks: Chunks) -> list[Candidate]:
        """Return who answered so, each with the settings of the line."""
        line = {"baud": self.line.baud, "bytesize": self.line.bytesize, "parity": self.line.parity}
        return [
            candidate if "baud" in candidate.keys else replace(candidate, keys={**line, **candidate.keys})
            for candidate in self.recognise(chunks)
        ]


def questions() -> tuple[Question, ...]:
    """Return all questions in the order in which they are put.

    Lines that end in CR come before those that end in CR LF, whose LF some would take for a part of the next. A
    pseudo-terminal refuses a change of nothing but the parity, so the rate changes with it.
    """
    return (
        _retail(_TILL_EVEN),
        _magellan(_TILL_EVEN),
        _retail(_TILL_8),
        _magellan(_TILL_8),
        Question("MT-SICS and Radwag: SI, the weight now", _TILL_8, WEIGHT_NOW, _lines("radwag"), _SICS_SERIAL),
        *(_asked(make, _TILL_8) for make in ("ohaus", "a-and-d", "sartorius-sbi")),
        _asked("kern", _TILL_8),
        Question("CAS: ENQ, and DC1 for the weight", _TILL_8, ENQ, _cas, {ACK: DC1}),
        _asked("a-and-d", Line(2400, 7, "E")),
        *(_dialog(baud) for baud in (9600, 2400, 4800)),
        *(_asked("adam", Line(baud)) for baud in (4800, 9600)),
        Question("load-cell bridge: ping", Line(BOARD_BAUD), _PING, _bridge),
        replace(_asked("dini-argeo", _TILL_8), last=True),
    )


def _fed(make: Callable[[], Codec], chunks: Chunks) -> list[Indication]:
    codec = make()
    return [indication for chunk in chunks for indication in codec.feed(chunk, 0)]


def _talked(make: Callable[[], Conversation], chunks: Chunks) -> list[Indication | Barcode]:
    talk = make()
    talk.begin()
    talk.ask()
    return [item for chunk in chunks for item in (*talk.feed(chunk, 0).found, *talk.feed(b"", 0).found)]


def _line_recogniser(driver: str, profile: str) -> Recogniser:
    shape = SICS if driver == "mt-sics" else PROFILES[profile]
    named = {} if driver == "mt-sics" else {"profile": profile}
    variants = tuple(Variant({**named, "unit": unit}, partial(_fed, partial(LineCodec, shape, unit))) for unit in UNITS)
    return Recogniser(driver, variants, {"unit": _UNIT}, Strength.STATE)


_LINE_MAKES = (_line_recogniser("mt-sics", ""), *(_line_recogniser("ascii-line", make) for make in PROFILES))


def _lines(make: str) -> Callable[[Chunks], list[Candidate]]:
    """Return who may have answered a question of this make: others know some of them, too."""

    def recognise(chunks: Chunks) -> list[Candidate]:
        found = strongest(recogniser.candidate(chunks) for recogniser in _LINE_MAKES)
        own = [candidate for candidate in found if candidate.keys.get("profile") == make]
        return own or found

    return recognise


def _asked(make: str, line: Line) -> Question:
    question = PROFILES[make].question
    return Question(f"{make}: {question!r:.12}, the weight", line, question, _lines(make))


def _retail(line: Line) -> Question:
    """Return the one question that both letter protocols understand: `W`, and a CR that Toledo's passes over."""
    return Question("Toledo 8217 and NCI: W, the weight", line, NCI_WEIGHT, _toledo_or_nci)


def _toledo_or_nci(chunks: Chunks) -> list[Candidate]:
    return strongest([_TOLEDO.candidate(chunks), _nci(chunks)])


_TOLEDO = Recogniser(
    "toledo-8217",
    tuple(
        Variant(
            {"dialect": dialect.value, "unit": unit.value},
            partial(_fed, partial(ToledoCodec, dialect, unit)),
        )
        for dialect in Toledo
        for unit in Unit
    ),
    {"dialect": _DIALECT, "unit": _UNIT},
)


def _nci(chunks: Chunks) -> Candidate | None:
    variants = tuple(
        Variant(
            {"dialect": dialect.value, "unit": unit.value, "status_bytes": count},
            partial(_fed, partial(NciCodec, dialect, unit, count)),
        )
        for dialect in Nci
        for unit in Unit
        for count in (2, 3, 4)
    )
    return Recogniser("nci", variants, {"dialect": _UNIT, "unit": _UNIT, "status_bytes": _UNIT}).candidate(chunks)


def _magellan(line: Line) -> Question:
    return Question("Magellan: S14, the scale's state", line, MONITOR + b"\r", _from_magellan)


def _from_magellan(chunks: Chunks) -> list[Candidate]:
    return _talker("magellan", MagellanConversation, chunks)


def _cas(chunks: Chunks) -> list[Candidate]:
    return _talker("cas", CasConversation, chunks)


def _talker(driver: str, talk: Callable[[Unit], Conversation], chunks: Chunks) -> list[Candidate]:
    variants = tuple(Variant({"unit": unit.value}, partial(_talked, partial(talk, unit))) for unit in Unit)
    return strongest([Recogniser(driver, variants, {"unit": _UNIT}).candidate(chunks)])


def _dialog(baud: int) -> Question:
    return Question(
        "Checkout-Dialog: record 08, the status", Line(baud, 7, "O"), ASK_STATUS, partial(_from_dialog, baud)
    )


def _from_dialog(baud: int, chunks: Chunks) -> list[Candidate]:
    """Return the dialogs that answer with a status: at 9600 any of them, at the slower rates no Dialog 06."""
    decoder = RecordDecoder()
    said = [item for chunk in chunks for item in decoder.feed(chunk)]
    if not any(isinstance(item, (Status, Checksums)) for item in said):
        return []
    evidence = f"the scale answers in Checkout-Dialog records: {shown(chunks)}"
    price = Choice("price", (0,), "1000 has weights checked by the amount; it shows on the customer's display")
    secret = Choice("polynomial", ("",), "17 bits from the scale's maker, as soon as the scale wants checksums")
    dialog_06 = Candidate("dialog-06", {}, evidence, Strength.STATE, (secret, price))
    dialog_02 = Candidate("dialog-02", {}, evidence, Strength.STATE, (price,))
    if any(isinstance(item, Checksums) for item in said):
        return [dialog_06]
    return [dialog_06, dialog_02] if baud == 9600 else [dialog_02]  # noqa: PLR2004 - the rate of Dialog 06


def _bridge(chunks: Chunks) -> list[Candidate]:
    found = bridge_candidate(b"\0" + b"".join(chunks), BOARD_BAUD)
    return [] if found is None else [found]
