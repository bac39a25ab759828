"""What a station told anyone until a moment, read from its system calls; and whether an outbox still holds it."""

import hashlib
import sqlite3
from pathlib import Path

import msgspec

from benchmarks.delivering import STORE
from benchmarks.power_calls import Call
from benchmarks.power_wire import PUBLISH, Stream
from station import signing_keys
from station.audit import Finding, examine
from station.audit_sources import OutboxReader
from station.audit_spool import Chain, Spool
from station.outbox import Outbox, OutboxError, Ref
from station.wire import Stamp, Station

STDOUT = 1


class Told:
    """`verdicts` maps epoch and number to the SHA-256 of the bytes; `confirmed` is the backend's furthest word."""

    def __init__(self, station: str) -> None:
        self.verdicts: dict[tuple[str, int], str] = {}
        self.published = 0
        self.confirmed = 0
        self.station = Station(STORE, station)
        self._streams: dict[tuple[int, bool], Stream] = {}

    def copy(self) -> "Told":
        """Return what was told until now, without the connections."""
        same = Told(self.station.id)
        same.verdicts, same.published, same.confirmed = dict(self.verdicts), self.published, self.confirmed
        return same

    def take(self, call: Call) -> bool:
        """Take a call; say whether it told anything new."""
        if call.result is None or call.result < 0:
            return False
        before = len(self.verdicts), self.published, self.confirmed
        if call.name == "write" and call.number == STDOUT:
            self._said(call.texts()[0].decode())
        elif call.name == "socket":
            self._streams[call.result, True], self._streams[call.result, False] = Stream(), Stream()
        elif call.name in {"sendto", "recvfrom"}:
            self._spoken(call, out=call.name == "sendto")
        elif call.name in {"sendmsg", "recvmsg"} and (call.number, True) in self._streams:
            raise ValueError(f"{call.name} on a connection is not read")
        return before != (len(self.verdicts), self.published, self.confirmed)

    def _said(self, text: str) -> None:
        for line in text.splitlines():
            if line.startswith("verdict "):
                _, epoch, seq, _, digest = line.split()
                self._note(epoch, int(seq), digest)

    def _spoken(self, call: Call, *, out: bool) -> None:
        stream = self._streams.get((call.number, out))
        if stream is None or not call.result:
            return
        for packet in stream.feed(call.texts()[0][: call.result]):
            if packet.kind != PUBLISH:
                continue
            if out and packet.topic == self.station.topic("evt", "verdict"):
                event = msgspec.json.decode(packet.payload)
                self.published += 1
                self._note(event["epoch"], event["seq"], hashlib.sha256(packet.payload).hexdigest())
            elif not out and packet.topic == self.station.topic("ack", "verdict"):
                self.confirmed = max(self.confirmed, msgspec.json.decode(packet.payload)["data"]["seq"])

    def _note(self, epoch: str, seq: int, digest: str) -> None:
        if self.verdicts.setdefault((epoch, seq), digest) != digest:
            raise ValueError(f"verdict {seq} was told with other bytes before")


class Found(msgspec.Struct):
    """What was wrong after a cut. `missing` and `changed` count verdicts that somebody had been told of."""

    missing: int = 0
    changed: int = 0
    gaps: int = 0
    findings: list[Finding] = []
    damaged: int = 0
    refused: str = ""

    @property
    def wrong(self) -> bool:
        """Whether anything was."""
        return bool(self.missing or self.changed or self.gaps or self.findings or self.damaged or self.refused)


def look(folder: Path, told: Told) -> Found:
    """Open an outbox as the station would at its next start, and compare it with what was told."""
    found = Found()
    path = folder / "outbox.db"
    try:
        _open(path, folder, told, found)
        if told.verdicts:
            found.findings = _audit(path, folder)
    except (OutboxError, signing_keys.SigningError, sqlite3.Error) as error:
        found.refused = str(error)
    return found


def _open(path: Path, folder: Path, told: Told, found: Found) -> None:
    outbox = Outbox(path, signer=signing_keys.ready(None, folder).pair)
    try:
        epoch, first, last = outbox.epoch, outbox.first_seq(), outbox.last_seq()
        found.damaged = int(outbox.set_aside is not None)
        topic = told.station.topic("evt", "verdict")
        for (known, seq), digest in told.verdicts.items():
            if known == epoch and seq < first and seq <= min(told.confirmed, outbox.confirmed()):
                continue  # the backend has it, and it was dropped
            row = outbox.read(Ref("verdict", seq, topic)) if known == epoch else None
            if row is None:
                found.missing += 1
            elif hashlib.sha256(row.payload).hexdigest() != digest or row.proof is None:
                found.changed += 1
        if outbox.confirmed() > told.confirmed:
            raise OutboxError(f"confirmed {outbox.confirmed()}, the backend said {told.confirmed}", "")
        with outbox.write() as write:
            stamp = Stamp(wall_ns=0, monotonic_ns=0, boot_id="after", clock="unsynced")
            ref = write.add_verdict(topic, stamp, lambda number: msgspec.json.encode({
                "source": told.station.source, "epoch": number.epoch, "seq": number.seq,
            }))  # fmt: skip
        found.gaps = int(ref.number != last + 1)
    finally:
        outbox.close()


def _audit(path: Path, folder: Path) -> list[Finding]:
    """Return what `station audit verify --outbox` finds."""
    reader, keys = OutboxReader(path), signing_keys.Verifier(signing_keys.known(folder / signing_keys.FOLDER))
    found: list[Finding] = []
    with Spool() as spool:
        for record in reader.records():
            sealed, findings = examine(record, keys)
            found += findings
            if sealed is not None:
                found += spool.take(sealed)
        chains = list(spool.chains(reader.anchor))
    found += [each for each in chains if not isinstance(each, Chain)]
    return found + reader.findings
