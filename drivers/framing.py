"""COBS framing with a CRC: how binary messages cross a byte stream that may lose, add or change bytes.

A frame is `COBS(payload, CRC-16 little-endian)` followed by 00. COBS leaves no 00 inside, so a receiver is in step
again after the next 00 whatever happened before.
Source: S. Cheshire, M. Baker, "Consistent Overhead Byte Stuffing", 1999; CRC-16/CCITT-FALSE.
"""

import binascii

_MAX_BLOCK = 254  # data bytes one COBS code byte can announce
_CRC_BYTES = 2
MAX_FRAME_BYTES = 300  # 255 bytes of payload and their overhead; what is longer lost its 00 and is dropped


def crc16(data: bytes) -> int:
    """Return CRC-16/CCITT-FALSE: polynomial 1021, initial FFFF, not reflected; "123456789" gives 29B1."""
    return binascii.crc_hqx(data, 0xFFFF)


def cobs_encode(data: bytes) -> bytes:
    """Return `data` with its zeros coded away; the closing 00 is not included."""
    blocks = data.split(b"\0")
    out = bytearray()
    for number, block in enumerate(blocks):
        start = 0
        while len(block) - start >= _MAX_BLOCK:
            out += b"\xff" + block[start : start + _MAX_BLOCK]
            start += _MAX_BLOCK
        rest = block[start:]
        if rest or start == 0 or number < len(blocks) - 1:  # a full last block needs no empty one after it
            out += bytes([len(rest) + 1]) + rest
    return bytes(out)


def cobs_decode(coded: bytes) -> bytes | None:
    """Return the data `coded` stands for, or None where it breaks the code."""
    out = bytearray()
    at = 0
    while at < len(coded):
        code = coded[at]
        block = coded[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        out += block
        at += code
        if code <= _MAX_BLOCK and at < len(coded):
            out.append(0)
    return bytes(out)


def encode_frame(payload: bytes) -> bytes:
    """Return the bytes that carry `payload` on the wire, closing 00 included."""
    return cobs_encode(payload + crc16(payload).to_bytes(_CRC_BYTES, "little")) + b"\0"


class FrameDecoder:
    """Feed it received bytes; it returns the payloads of the intact frames they complete and counts the others."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._in_step = False
        self.bad_frames = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads completed by `data`, in order. What came before the first 00 ever is dropped."""
        *closed, rest = data.split(b"\0")
        payloads = []
        for part in closed:
            self._pending += part
            payload = self._close_frame()
            if payload is not None:
                payloads.append(payload)
        self._pending += rest
        if len(self._pending) > MAX_FRAME_BYTES:
            self._pending.clear()
            self._in_step = False
            self.bad_frames += 1
        return payloads

    def _close_frame(self) -> bytes | None:
        coded, in_step = bytes(self._pending), self._in_step
        self._pending.clear()
        self._in_step = True
        if not coded or not in_step:
            return None
        data = cobs_decode(coded) if len(coded) <= MAX_FRAME_BYTES else None
        if data is None or len(data) <= _CRC_BYTES or crc16(data[:-2]) != int.from_bytes(data[-2:], "little"):
            self.bad_frames += 1
            return None
        return data[:-_CRC_BYTES]
