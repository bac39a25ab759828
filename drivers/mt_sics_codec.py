"""MT-SICS, the command set of Mettler-Toledo balances, newer Kerns and others, as pure functions of bytes.

A session begins with `@`, which ends whatever the balance was doing; it answers with its serial number. Then `SI` asks
for the weight at once: `S S` stable, `S D` moving, `S I` busy, `S +` overload, `S -` underload. A weight fills ten
characters and has no checksum: lines of another length are none.
Sources: Mettler-Toledo AL-IC p. 72, AT p. 87; Kern FTC pp. 39-42.
"""

from typing import ClassVar

from drivers.conversation import Asking
from drivers.line_codec import MOTION, OVERLOAD, UNDER_ZERO, LineCodec, Profile, not_ready

CANCEL, WEIGHT_NOW, ZERO = b"@\r\n", b"SI\r\n", b"Z\r\n"
PROFILE = Profile(
    question=WEIGHT_NOW,
    weight=r"S (?P<a>[SD]) (?P<value>[ 0-9.+-]{w}) (?P<unit>kg|g|lb)",
    width=10,
    words={"D": MOTION},
    phrases={
        r'I4 A ".*"': not_ready("the scale begins a session"),
        r"S I": not_ready("the scale is busy"),
        r"S \+": OVERLOAD,
        r"S -": UNDER_ZERO,
        r"ES": not_ready("the scale does not know the question"),
        r"ET": not_ready("the scale received bytes of wrong parity: check the line's settings"),
        r"EL": not_ready("the scale cannot do it now"),
    },
)


class SicsZero:
    """The zero command; a `drivers.serial_zero.ZeroTalk`. A balance in motion waits a while before it answers."""

    command = ZERO
    _answers: ClassVar[dict[bytes, str]] = {
        b"Z A": "",
        b"Z I": "the scale is busy, or does not come to rest",
        b"Z +": "the load is above the scale's zero range",
        b"Z -": "the load is below the scale's zero range",
        b"ES": "the scale does not know the zero command",
        b"ET": "the scale received bytes of wrong parity: check the line's settings",
        b"EL": "the scale cannot do it now",
    }

    def answered(self, data: bytes) -> str | None:
        """Return "" when the scale has set its zero, else why not; None without an answer."""
        lines = data.replace(b"\r", b"\n").split(b"\n")[:-1]
        return next((self._answers[line] for line in lines if line in self._answers), None)


class SicsConversation(Asking):
    """First `@`, then `SI` again and again."""

    def __init__(self, unit: str) -> None:
        super().__init__(WEIGHT_NOW, LineCodec(PROFILE, unit))
        self._fresh = True

    def begin(self) -> None:
        """Start with `@` again."""
        super().begin()
        self._fresh = True

    def ask(self) -> bytes:
        """Return the question."""
        fresh, self._fresh = self._fresh, False
        question = super().ask()
        return CANCEL if fresh else question
