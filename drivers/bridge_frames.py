"""The messages of the load-cell bridge: a microcontroller that reads several HX711 and streams their counts.

Every payload begins `u8 version=1, u8 type, u16 seq`; integers are little-endian. The device numbers its frames
without gaps. The bodies:

| type | body |
|---|---|
| 10 sample | u32 t_us (device clock at the data-ready edge), u8 n, u8 flags, n x i32 counts |
| 11 status | u32 uptime_ms, u16 period_us/10, u16 desyncs, u16 long reads, u16 overflows |
| 12 hello | 8 bytes unique id, u8 n, u8 gain, u8 rate_hz, firmware name (UTF-8); sent after reset and after start |
| 13 pong | u32 cookie, u32 t_us |
| 01 command | u8 action (0 stop, 1 start, 2 gain), u8 argument (the gain) |
| 02 ping | u32 cookie |

A hello is preceded by a lone 00, so that a host that has just connected is in step to read it.
Sample flags: 1 overflow since the last frame, 2 converters restarted and settling, 4 saturated, 8 not all fresh.
"""

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass

from drivers.framing import encode_frame

VERSION = 1
_HEADER = struct.Struct("<BBH")
_SAMPLE = struct.Struct("<IBB")
_STATUS = struct.Struct("<IHHHH")
_HELLO = struct.Struct("<8sBBB")
_COMMAND = struct.Struct("<BB")
_PING = struct.Struct("<I")
_PONG = struct.Struct("<II")


class FrameType(enum.IntEnum):
    """What a frame carries."""

    COMMAND = 0x01
    PING = 0x02
    SAMPLE = 0x10
    STATUS = 0x11
    HELLO = 0x12
    PONG = 0x13


class Action(enum.IntEnum):
    """What the host commands."""

    STOP = 0
    START = 1
    GAIN = 2


class BridgeFlag(enum.IntFlag):
    """The bridge's own remarks on a sample."""

    OVERFLOW = 1
    RESTARTED = 2
    SATURATED = 4
    NOT_FRESH = 8


@dataclass(frozen=True, slots=True)
class SampleFrame:
    """One conversion of all channels; `t_us` wraps at 2^32."""

    t_us: int
    flags: BridgeFlag
    counts: tuple[int, ...]
    kind: FrameType = FrameType.SAMPLE

    def body(self) -> bytes:
        """Return the bytes after the header."""
        head = _SAMPLE.pack(self.t_us & 0xFFFFFFFF, len(self.counts), self.flags)
        return head + struct.pack(f"<{len(self.counts)}i", *self.counts)


@dataclass(frozen=True, slots=True)
class StatusFrame:
    """The bridge's own statistics since its reset."""

    uptime_ms: int
    period_us: int
    desyncs: int
    long_reads: int
    overflows: int
    kind: FrameType = FrameType.STATUS

    def body(self) -> bytes:
        """Return the bytes after the header."""
        period = min(self.period_us // 10, 0xFFFF)
        return _STATUS.pack(self.uptime_ms & 0xFFFFFFFF, period, self.desyncs, self.long_reads, self.overflows)


@dataclass(frozen=True, slots=True)
class HelloFrame:
    """Who the bridge is; in mid-stream it says that the bridge restarted."""

    unique_id: bytes
    channels: int
    gain: int
    rate_hz: int
    firmware: str
    kind: FrameType = FrameType.HELLO

    def body(self) -> bytes:
        """Return the bytes after the header."""
        return _HELLO.pack(self.unique_id, self.channels, self.gain, self.rate_hz) + self.firmware.encode()


@dataclass(frozen=True, slots=True)
class PongFrame:
    """The answer to a ping, with the device clock when it was seen."""

    cookie: int
    t_us: int
    kind: FrameType = FrameType.PONG

    def body(self) -> bytes:
        """Return the bytes after the header."""
        return _PONG.pack(self.cookie, self.t_us & 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class CommandFrame:
    """What the host wants done."""

    action: Action
    argument: int = 0
    kind: FrameType = FrameType.COMMAND

    def body(self) -> bytes:
        """Return the bytes after the header."""
        return _COMMAND.pack(self.action, self.argument)


@dataclass(frozen=True, slots=True)
class PingFrame:
    """The host asks for a sign of life."""

    cookie: int
    kind: FrameType = FrameType.PING

    def body(self) -> bytes:
        """Return the bytes after the header."""
        return _PING.pack(self.cookie)


_FLAGS = tuple(BridgeFlag(bits) for bits in range(16))  # making one each time costs more than the whole frame
BridgeFrame = SampleFrame | StatusFrame | HelloFrame | PongFrame | CommandFrame | PingFrame


def encode(frame: BridgeFrame, seq: int) -> bytes:
    """Return `frame`, numbered `seq`, as it goes over the wire."""
    return encode_frame(_HEADER.pack(VERSION, frame.kind, seq & 0xFFFF) + frame.body())


def parse(payload: bytes) -> tuple[int, BridgeFrame] | None:
    """Return the number and content of an intact payload; None for other versions, unknown types and wrong lengths."""
    if len(payload) < _HEADER.size:
        return None
    version, kind, seq = _HEADER.unpack_from(payload)
    parser = _PARSERS.get(kind)
    if version != VERSION or parser is None:
        return None
    try:
        return seq, parser(payload[_HEADER.size :])
    except (struct.error, ValueError):  # a body of the wrong length, an unknown action, a name that is no text
        return None


def _parse_sample(body: bytes) -> SampleFrame:
    t_us, channels, flags = _SAMPLE.unpack_from(body)
    counts = struct.unpack(f"<{channels}i", body[_SAMPLE.size :])
    return SampleFrame(t_us, _FLAGS[flags & 0x0F], counts)


def _parse_status(body: bytes) -> StatusFrame:
    uptime_ms, period, desyncs, long_reads, overflows = _STATUS.unpack(body)
    return StatusFrame(uptime_ms, period * 10, desyncs, long_reads, overflows)


def _parse_hello(body: bytes) -> HelloFrame:
    unique_id, channels, gain, rate_hz = _HELLO.unpack_from(body)
    return HelloFrame(unique_id, channels, gain, rate_hz, body[_HELLO.size :].decode())


def _parse_pong(body: bytes) -> PongFrame:
    return PongFrame(*_PONG.unpack(body))


def _parse_command(body: bytes) -> CommandFrame:
    action, argument = _COMMAND.unpack(body)
    return CommandFrame(Action(action), argument)


def _parse_ping(body: bytes) -> PingFrame:
    return PingFrame(*_PING.unpack(body))


_PARSERS: dict[int, Callable[[bytes], BridgeFrame]] = {
    FrameType.SAMPLE: _parse_sample,
    FrameType.STATUS: _parse_status,
    FrameType.HELLO: _parse_hello,
    FrameType.PONG: _parse_pong,
    FrameType.COMMAND: _parse_command,
    FrameType.PING: _parse_ping,
}
