"""The firmware of an emulated load-cell bridge: bytes and conversions in, bytes out, its time given."""

from drivers.bridge_frames import (
    Action,
    BridgeFlag,
    BridgeFrame,
    CommandFrame,
    HelloFrame,
    PingFrame,
    PongFrame,
    SampleFrame,
    StatusFrame,
    encode,
    parse,
)
from drivers.framing import FrameDecoder

_SETTLING_CONVERSIONS = 4
_STATUS_EVERY = 800  # conversions: ten seconds
_SATURATED = (0x7FFFFF, -0x800000)


class BridgeDevice:
    """One bridge. `streams_unasked`: it begins at power-up; `obeys`: it understands commands and pings."""

    def __init__(
        self, unique_id: bytes = b"SIMULATD", *, streams_unasked: bool = False, obeys: bool = True, rate_hz: int = 80
    ) -> None:
        self._unique_id = unique_id
        self._streams_unasked = streams_unasked
        self._obeys = obeys
        self._rate_hz = rate_hz
        self._decoder = FrameDecoder()
        self._streaming = streams_unasked
        self._overflow = False
        self._settling = 0
        self._seq = self._conversions = self._overflows = 0

    def boot(self) -> bytes:
        """Reset: forget everything, and say hello."""
        self._decoder = FrameDecoder()
        self._decoder.feed(b"\0")  # the host's first frame has no 00 before it
        self._streaming = self._streams_unasked
        self._overflow = False
        self._seq = self._conversions = self._overflows = 0
        self._settling = _SETTLING_CONVERSIONS
        return self._say_hello()

    def receive(self, data: bytes, t_us: int) -> bytes:
        """Take bytes from the host at device time `t_us`; return the answers."""
        if not self._obeys:
            return b""
        out = b""
        for payload in self._decoder.feed(data):
            numbered = parse(payload)
            match numbered and numbered[1]:
                case CommandFrame(action=Action.START):
                    self._settling = self._settling if self._streaming else _SETTLING_CONVERSIONS
                    self._streaming = True
                    out += self._say_hello()
                case CommandFrame(action=Action.STOP):
                    self._streaming = False
                case PingFrame(cookie=cookie):
                    out += self._send(PongFrame(cookie, t_us))
                case _:
                    pass
        return out

    def convert(self, counts: tuple[int, ...], t_us: int) -> bytes:
        """Take one conversion of all channels whose ready edge was at `t_us`; return the frames to send."""
        self._conversions += 1
        if not self._streaming:
            return b""
        flags = BridgeFlag.OVERFLOW if self._overflow else BridgeFlag(0)
        self._overflow = False
        if self._settling:
            self._settling -= 1
            flags |= BridgeFlag.RESTARTED
        if any(count in _SATURATED for count in counts):
            flags |= BridgeFlag.SATURATED
        out = self._send(SampleFrame(t_us, flags, counts))
        if self._conversions % _STATUS_EVERY == 0:
            out += self._send(self._status(t_us))
        return out

    def overflow(self) -> None:
        """Conversions were lost inside the device."""
        self._overflow = True
        self._overflows += 1

    def _send(self, frame: BridgeFrame) -> bytes:
        out = encode(frame, self._seq)
        self._seq = (self._seq + 1) & 0xFFFF
        return out

    def _say_hello(self) -> bytes:
        """Say hello after a 00, so that a host that has just connected and is not in step yet understands it."""
        return b"\0" + self._send(HelloFrame(self._unique_id, 4, 128, self._rate_hz, "simulated bridge"))

    def _status(self, t_us: int) -> StatusFrame:
        return StatusFrame(t_us // 1000, 1_000_000 // self._rate_hz, 0, 0, self._overflows & 0xFFFF)
