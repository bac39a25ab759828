"""Malformed commands in great numbers: whatever a broker can deliver is a command or gets a coded answer.

`python -m benchmarks.fuzz_commands [COUNT]`: mutated and random payloads, topics and properties go through the whole
command path (envelope, signatures, repetition, contents, events of the core, the engine itself), in one process, with
a fixed seed. Prints how often which code was given, the rate, and how far memory grew in the second half.
"""

import random
import resource
import sys
import time
from collections import Counter
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from station import messages
from station.command_refusals import CommandRefusedError
from station.command_trust import SIGNED, Trust
from station.commanding import CORE, NAMES, to_event
from station.commands import Answer, Command, Commands, ok
from station.core.engine import Engine
from station.core.setup import Setup
from station.core.tracks import ScaleSpec
from station.core.verdict import Versions
from station.link_values import Arrived
from station.signing_keys import KeyPair
from station.wire import Station

STATION = Station("0815", "vs-03")
KINDS: dict[str, type[msgspec.Struct]] = {
    "catalogue": messages.CataloguePart, "config": messages.NewConfig, "snapshot": messages.TakeSnapshot,
    "stream": messages.Stream, "resend": messages.Resend, "diagnose": messages.Diagnose,
}  # fmt: skip
GTIN = "4006381333931"
LINE = {"line": 1, "gtin": GTIN, "quantity": 2, "unit_price_minor": 199}
SEEDS: dict[str, dict[str, Any]] = {
    "claim": {"transaction_id": "T-1", "revision": 1, "currency": "EUR", "trust": 0.9, "lines": [LINE]},
    "feedback": {"transaction_id": "T-1", "source": "attendant", "contents": [{"gtin": GTIN, "quantity": 1}]},
    "release": {"transaction_id": "T-1"},
    "zero": {},
    "stream": {"seconds": 1, "hz": 2},
    "resend": {"epoch": "e", "from_seq": 1},
    "snapshot": {"camera": "top"},
    "diagnose": {},
    "config": {"serial": 1, "toml": "x"},
    "catalogue": {"store": "0815", "serial": 1, "mode": "snapshot", "version": "sha256:" + "0" * 64,
                  "part": 1, "parts": 1, "rows": [{"gtin": GTIN, "name": "x", "weight_g": 1.5}]},
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**30, -0.0, 1e308, 5e-324, "", "\x00", "\u202e", "a" * 300, [], {}, [[]], {"": None},
    "4006381333931", "NaN", [None] * 50, {"line": []},
)  # fmt: skip


class Path:
    """The whole way of a command, as the daemon walks it, short of threads and disks."""

    def __init__(self, pair: KeyPair) -> None:
        self.book = Commands(STATION, NAMES, Trust([pair.public]))
        scales = (ScaleSpec(name="s", counts=False, capacity_g=30_000.0, division_g=5.0),)
        self.engine = Engine(Setup(session="fuzz", scales=scales), Versions(software="0", policy="0"))
        self.now_ns = 0

    def walk(self, arrived: Arrived) -> str:
        """Return the code of the answer, `ok` if the command can be carried out, `waits` if it is known and open."""
        self.now_ns += 10**8
        match STATION.match(arrived.topic):
            case ("cmd", name):
                taken = self.book.take(arrived, name, self.now_ns)
            case _:
                return "elsewhere"
        if taken is None:
            return "waits"
        if isinstance(taken, Answer):
            if not STATION.may_answer_on(taken.reply.topic):
                raise AssertionError(taken.reply)
            return str(taken.data.get("code", "ok"))
        try:
            self._do(taken)
        except CommandRefusedError as refusal:
            return self._answered(taken, {"status": "error", "code": refusal.code, "message": refusal.message})
        return self._answered(taken, ok())

    def _do(self, command: Command) -> None:
        if command.name in CORE:
            self.engine.handle(to_event(command.name, command.data, 1, self.now_ns))
            return
        try:
            msgspec.convert(command.data, KINDS[command.name])
        except msgspec.ValidationError as error:
            raise CommandRefusedError("bad_data", str(error)) from error

    def _answered(self, command: Command, data: dict[str, Any]) -> str:
        msgspec.json.encode(data)
        self.book.answered(command, data)
        return str(data.get("code", "ok"))


class Source:
    """Makes what arrives; the same from the same seed but for the signatures of `pair`."""

    def __init__(self, seed: int, pair: KeyPair) -> None:
        self._pair = pair
        self._random = random.Random(seed)
        self._number = 0

    def arrived(self) -> Arrived:
        """Return something that may come from a broker."""
        pick, self._number = self._random, self._number + 1
        name = pick.choice(sorted(NAMES)) if pick.random() < 0.95 else "".join(pick.choices("az#+/\x01\u00e9", k=4))
        payload = self._payload(name)
        return Arrived(
            connection=1,
            mid=self._number % 65_535 + 1,
            t_ns=0,
            topic=STATION.topic("cmd", name),
            payload=payload,
            retain=pick.random() < 0.01,
            response_topic=None if pick.random() < 0.9 else STATION.root + pick.choice(("res/a", "evt/x", "res/#", "")),
            correlation=None if pick.random() < 0.9 else pick.randbytes(8),
            expiry_s=None if pick.random() < 0.9 else pick.choice((0, 1, 2**32 - 1)),
            user=self._signed(name, payload),
        )

    def _signed(self, name: str, payload: bytes) -> tuple[tuple[str, str], ...]:
        """Return user properties: mostly a good signature where one is needed."""
        pick = self._random
        if name in SIGNED and pick.random() < 0.8:
            return (("signature", self._pair.sign(payload).hex()),)
        return () if pick.random() < 0.9 else (("signature", pick.randbytes(64).hex()), ("keyid", "x"))

    def _payload(self, name: str) -> bytes:
        pick = self._random
        if pick.random() < 0.05:
            return pick.randbytes(pick.randrange(64))
        data = self._spoilt(SEEDS.get(name, {}))
        event = {"specversion": "1.0", "id": str(pick.randrange(10**9)), "source": "/b", "type": "t", "data": data}
        if pick.random() < 0.1:
            event[pick.choice(sorted(event))] = pick.choice(ODD)
        payload = msgspec.json.encode(event)
        return self._cut(payload) if pick.random() < 0.15 else payload

    def _spoilt(self, value: Any) -> Any:
        """Return a value of which some parts are another."""
        pick = self._random
        if pick.random() < 0.08:
            return pick.choice(ODD)
        if isinstance(value, dict):
            return {key: self._spoilt(part) for key, part in value.items() if pick.random() > 0.03}
        if isinstance(value, list):
            return [self._spoilt(part) for part in value] * pick.choice((1, 1, 1, 0, 2, 3))
        return value

    def _cut(self, payload: bytes) -> bytes:
        """Return the bytes with some of them changed, dropped or doubled."""
        pick, spoilt = self._random, bytearray(payload)
        for _ in range(pick.randrange(1, 4)):
            at = pick.randrange(len(spoilt) + 1)
            spoilt[at : at + pick.randrange(4)] = pick.choice(
                (b"", b"[" * 9, b'"', pick.randbytes(2), b"\\ud800", b"9e999")
            )
        return bytes(spoilt)


def run(count: int, seed: int = 7) -> tuple[Counter[str], int]:
    """Send so many; return the codes, and by how many KiB the peak of memory grew in the second half."""
    pair = KeyPair(Ed25519PrivateKey.generate())
    path, source, codes = Path(pair), Source(seed, pair), Counter[str]()
    half_kib = 0
    for number in range(count):
        codes[path.walk(source.arrived())] += 1
        if number == count // 2:
            half_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - half_kib


def main() -> None:
    """Print what came of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    began_s = time.perf_counter()
    codes, grown_kib = run(count)
    seconds = time.perf_counter() - began_s
    for code, number in codes.most_common():
        print(f"{code:24}{number:12,}")
    print(
        f"{count:,} commands in {seconds:.0f} s, {count / seconds:,.0f}/s; no crash; the peak grew by {grown_kib} KiB"
    )


if __name__ == "__main__":
    main()
