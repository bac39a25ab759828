"""The CAS retail protocol (PD-II, ER, SW-II, AP-1, Elzab, Ohaus "CAS") as pure functions of bytes.

The host sends ENQ; the scale answers ACK, or NAK while it has nothing to give. On DC1 it sends a frame of 15 bytes:
`SOH STX state sign weight(6) unit(2) BCC ETX EOT`. The BCC, the exclusive or of the ten bytes before it, may have any
value, ETX and EOT too: the frame is taken by its length, never by its end.
Sources: CAS SW-II manual p. 15; Ohaus Aviator 7000 service manual p. 36.
"""

import re
from functools import reduce
from operator import xor

from drivers.base import Barcode, Indication, ScaleState
from drivers.conversation import Meaning, Turn, no_weight, weight
from drivers.units import GRAMS, Unit

ENQ, ACK, NAK, DC1 = b"\x05", b"\x06", b"\x15", b"\x11"
_START, _END = b"\x01\x02", b"\x03\x04"
FRAME_BYTES = 15
_SHAPE = re.compile(rb"([SU])([ F-])( *\d+\.\d+|  *\d+)(kg|lb| g)")
_NOT_READY: Meaning = (ScaleState.NOT_READY, "the scale is not ready to send a weight")
_MOTION: Meaning = (ScaleState.MOTION, "")
_OVER: Meaning = (ScaleState.OVERLOAD, "")
_UNDER: Meaning = (ScaleState.UNDER_ZERO, "")


def encode(state: str, sign: str, digits: str, unit: str) -> bytes:
    """Return a weight frame; `state` is S or U, `sign` a blank, - or F, `digits` 6 and `unit` 2 characters."""
    body = f"{state}{sign}{digits}{unit}".encode()
    return _START + body + bytes([reduce(xor, body)]) + _END


class CasConversation:
    """ENQ and ACK, then DC1 and the weight; implements `drivers.conversation.Conversation`."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._bytes = bytearray()
        self._acknowledged = False

    def begin(self) -> None:
        """Forget an unfinished frame."""
        self._bytes.clear()

    def ask(self) -> bytes:
        """Ask whether the scale is ready."""
        self._bytes.clear()
        self._acknowledged = False
        return ENQ

    def feed(self, data: bytes, t_ns: int) -> Turn:
        """Take what arrives: readiness first, then a frame."""
        self._bytes += data
        if not self._acknowledged:
            return self._ready(t_ns)
        return Turn(self._frames(t_ns))

    def overhear(self, data: bytes, t_ns: int) -> list[Barcode]:  # noqa: ARG002 - nothing is of interest
        """Forget it."""
        return []

    def _ready(self, t_ns: int) -> Turn:
        for at, byte in enumerate(self._bytes):
            if byte in ACK + NAK:
                del self._bytes[: at + 1]
                self._acknowledged = byte in ACK
                return Turn(send=DC1) if self._acknowledged else Turn([no_weight(t_ns, _NOT_READY)])
        self._bytes.clear()
        return Turn()

    def _frames(self, t_ns: int) -> list[Indication]:
        """Return the frames in the buffer; keep what may be the beginning of one."""
        found = []
        while (at := self._bytes.find(_START[:1])) >= 0:
            del self._bytes[:at]
            if len(self._bytes) < FRAME_BYTES:
                break
            frame = bytes(self._bytes[:FRAME_BYTES])
            indication = self._indication(frame, t_ns)
            del self._bytes[: FRAME_BYTES if indication else 1]
            if indication:
                found.append(indication)
        else:
            if NAK in self._bytes:
                found.append(no_weight(t_ns, _NOT_READY))
            self._bytes.clear()
        return found

    def _indication(self, frame: bytes, t_ns: int) -> Indication | None:
        """Return what a frame says, None if it is none."""
        body, check = frame[2:12], frame[12]
        match = _SHAPE.fullmatch(body)
        if not (frame.startswith(_START) and frame.endswith(_END) and reduce(xor, body) == check and match):
            return None
        state, sign, digits, unit = (part.decode().strip() for part in match.groups())
        if sign == "F":
            return no_weight(t_ns, _OVER)
        if state == "U":
            return no_weight(t_ns, _MOTION)
        if unit != self._unit:
            return no_weight(t_ns, (ScaleState.NOT_READY, f"the scale shows {unit}: check `unit` ({self._unit})"))
        return no_weight(t_ns, _UNDER) if sign == "-" and float(digits) else weight(t_ns, float(digits) * GRAMS[unit])
