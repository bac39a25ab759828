import contextlib
import hashlib
import itertools
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.outbox import KEEP_NS, Outbox, OutboxError, Ref
from station.signing import GENESIS
from station.wire import Numbering, Stamp

VERDICT = "vs/1/0815/vs-03/evt/verdict"
TRANSACTION = "vs/1/0815/vs-03/evt/transaction"
DAY_NS = 86_400 * 10**9


def stamp(seconds: float = 1000.0, boot_id: str = "boot") -> Stamp:
    wall_ns = 1_700_000_000 * 10**9 + round(seconds * 1e9)
    return Stamp(wall_ns=wall_ns, monotonic_ns=round(seconds * 1e9), boot_id=boot_id, clock="synced")


def content(numbering: Numbering) -> bytes:
    return f"verdict {numbering.seq} of {numbering.epoch}".encode()


def add(outbox: Outbox, count: int = 1, *, at: Stamp | None = None) -> list[Ref]:
    refs = []
    for _ in range(count):
        with outbox.write() as write:
            refs.append(write.add_verdict(VERDICT, at or stamp(), content))
    return refs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    box = Outbox(path)
    yield box
    box.close()


def test_verdicts_are_numbered_without_gaps_across_restarts(path: Path) -> None:
    numbers, epochs = [], set()
    for _ in range(3):
        outbox = Outbox(path)
        numbers += [ref.number for ref in add(outbox, 2)]
        epochs.add(outbox.epoch)
        outbox.close()
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert len(epochs) == 1


def test_each_verdict_is_chained_to_the_one_before(outbox: Outbox, path: Path) -> None:
    add(outbox, 3)
    db = sqlite3.connect(path)
    rows = db.execute("SELECT seq, prev_hash, hash, payload FROM verdict ORDER BY seq").fetchall()
    db.close()
    previous = GENESIS
    for seq, prev_hash, digest, payload in rows:
        assert prev_hash == previous
        line = f"vs-chain-1:{outbox.epoch}:{seq}:{previous.hex()}:{hashlib.sha256(payload).hexdigest()}"
        assert digest == hashlib.sha256(line.encode()).digest()
        previous = digest


def test_what_one_event_causes_is_there_as_a_whole_or_not_at_all(outbox: Outbox) -> None:
    with outbox.write() as write:
        write.keep("visit", b"open")
    with pytest.raises(ZeroDivisionError), outbox.write() as write:  # noqa: PT012 - several statements are the point
        write.add_verdict(VERDICT, stamp(), content)
        write.add_event(TRANSACTION, stamp(), b"{}")
        write.forget("visit")
        write.add_verdict(VERDICT, stamp(), lambda numbering: bytes(1 // (numbering.seq - 2)))
    assert outbox.kept("visit") == b"open"
    assert outbox.depth()[:2] == (0, 0)
    assert [ref.number for ref in add(outbox)] == [1]


TRACED = """
import os, sys
from pathlib import Path
from station.outbox import Outbox
from tests.delivery.test_outbox import TRANSACTION, VERDICT, add, content, stamp
box = Outbox(Path(sys.argv[1]))
add(box)
os.write(1, b"begin")
with box.write() as write:
    ref = write.add_verdict(VERDICT, stamp(), content)
    write.add_event(TRANSACTION, stamp(), b"{}")
    write.keep("visit", b"x")
    write.forget("other")
os.write(1, b"notes")
box.accepted(ref)
box.refused(ref, 16)
box.confirm(1)
os.write(1, b"end")
box.close()
"""


def test_one_write_is_one_sync(path: Path) -> None:
    """Counted by the kernel: `strace` sees the syncs of a whole write, and of the notes that need none."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    command = ["strace", "-f", "-e", "trace=fsync,fdatasync,write", sys.executable, "-c", TRACED, str(path)]
    trace = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50).stderr
    committed = trace.partition('"begin"')[2].partition('"notes"')
    assert committed[0].count("sync(") == 1
    assert committed[2].partition('"end"')[0].count("sync(") == 0


def test_a_row_comes_back_as_it_was_stored(outbox: Outbox) -> None:
    at = stamp(5.0)
    with outbox.write() as write:
        ref = write.add_event(TRANSACTION, at, b"\x00final", expiry_s=60)
    row = outbox.read(ref)
    assert row is not None
    assert (row.ref, row.payload, row.stamp, row.expiry_s) == (ref, b"\x00final", at, 60)
    assert row.left_s(stamp(25.0)) == 40
    assert row.left_s(stamp(500.0)) == 0
    assert row.left_s(stamp(15.0, boot_id="next")) == 50


def test_a_message_is_pending_until_the_broker_has_it(outbox: Outbox) -> None:
    refs = add(outbox, 4)
    with outbox.write() as write:
        event = write.add_event(TRANSACTION, stamp(), b"{}")
    assert outbox.pending("verdict", VERDICT, 0, 3) == refs[:3]
    assert outbox.pending("verdict", VERDICT, 3, 3) == refs[3:]
    outbox.accepted(refs[1])
    outbox.refused(refs[0], 135)
    assert outbox.pending("verdict", VERDICT, 0, 9) == [refs[0], refs[2], refs[3]]
    assert outbox.brokered_seqs() == [2]
    assert outbox.pending("event", TRANSACTION, 0, 9) == [event]
    outbox.accepted(event)
    assert outbox.pending("event", TRANSACTION, 0, 9) == []
    assert outbox.read(event) is None


def test_a_confirmed_verdict_is_published_no_more(outbox: Outbox) -> None:
    refs = add(outbox, 3)
    for ref in refs[:2]:
        outbox.accepted(ref)
    outbox.confirm(2)
    outbox.confirm(1)
    assert outbox.confirmed() == 2
    assert outbox.brokered_seqs() == []
    assert outbox.pending("verdict", VERDICT, 0, 9) == refs[2:]
    assert outbox.depth().unconfirmed == 1


def test_the_last_verdict_number_of_a_transaction_is_found_again(path: Path) -> None:
    outbox = Outbox(path)
    for number, transaction in itertools.product((1, 2, 3), ("T-1", "T-2")):
        with outbox.write() as write:
            write.add_verdict(VERDICT, stamp(), content, transaction_id=transaction, verdict_no=number)
    outbox.close()
    outbox = Outbox(path)
    assert [outbox.max_verdict_no(name) for name in ("T-1", "T-2", "T-3")] == [3, 3, 0]
    outbox.close()


def test_confirmed_verdicts_go_after_a_week_and_the_numbering_stays(outbox: Outbox) -> None:
    refs = add(outbox, 3)
    for ref in refs:
        outbox.accepted(ref)
    outbox.confirm(3)
    outbox.prune(stamp(1000.0 + KEEP_NS / 1e9))
    assert [outbox.read(ref) is None for ref in refs] == [False, False, False]
    outbox.prune(stamp(1001.0 + KEEP_NS / 1e9))
    assert [outbox.read(ref) is None for ref in refs] == [True, True, False]
    assert [ref.number for ref in add(outbox)] == [4]


def test_many_old_verdicts_go_and_a_clock_that_was_wrong_does_no_harm(outbox: Outbox) -> None:
    with outbox.write() as write:
        refs = [write.add_verdict(VERDICT, stamp(), content) for _ in range(1200)]
        refs += [write.add_verdict(VERDICT, stamp(2 * KEEP_NS / 1e9), content) for _ in range(2)]
        refs += [write.add_verdict(VERDICT, stamp(), content)]
    for ref in refs:
        outbox.accepted(ref)
    outbox.confirm(len(refs))
    outbox.prune(stamp(1001.0 + KEEP_NS / 1e9))
    assert [ref.number for ref in refs if outbox.read(ref)] == [1201, 1202, 1203]


def test_unconfirmed_verdicts_never_go(outbox: Outbox) -> None:
    refs = add(outbox, 3)
    outbox.accepted(refs[0])
    outbox.prune(stamp(100 * KEEP_NS / 1e9))
    assert all(outbox.read(ref) is not None for ref in refs)


def test_expired_events_go_and_others_stay(outbox: Outbox) -> None:
    with outbox.write() as write:
        short = write.add_event(TRANSACTION, stamp(0), b"a", expiry_s=10)
        long = write.add_event(TRANSACTION, stamp(0), b"b", expiry_s=1000)
        never = write.add_event("alarm", stamp(0), b"c")
    outbox.prune(stamp(20))
    assert [outbox.read(ref) is None for ref in (short, long, never)] == [True, False, False]


def test_under_pressure_confirmed_verdicts_go_first_then_events_that_expire(path: Path) -> None:
    outbox = Outbox(path, max_bytes=400_000)
    large = b"x" * 4000
    with outbox.write() as write:
        refs = [write.add_verdict(VERDICT, stamp(), lambda _: large) for _ in range(200)]
        events = [write.add_event(TRANSACTION, stamp(), large, expiry_s=9999) for _ in range(20)]
        alarm = write.add_event("alarm", stamp(), large)
    for ref in refs[:150]:
        outbox.accepted(ref)
    outbox.confirm(150)
    outbox.prune(stamp())
    assert [ref.number for ref in refs if outbox.read(ref)] == list(range(151, 201))
    assert all(outbox.read(ref) for ref in events)
    add(outbox, 1)
    with outbox.write() as write:
        for _ in range(80):
            write.add_verdict(VERDICT, stamp(), lambda _: large)
    outbox.prune(stamp())
    assert not any(outbox.read(ref) for ref in events)
    assert outbox.read(alarm) is not None
    assert outbox.depth().unconfirmed == 131
    assert outbox.depth().used_bytes > 400_000  # what must not be lost may exceed the limit
    outbox.close()


@pytest.mark.parametrize("damage", ["header", "page", "garbage"])
def test_a_damaged_file_is_set_aside_and_a_new_epoch_begins(path: Path, damage: str) -> None:
    outbox = Outbox(path)
    add(outbox, 200)
    epoch = outbox.epoch
    outbox.close()
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data = bytearray(os.urandom(5000))
    else:
        start = 0 if damage == "header" else len(data) // 2 // 4096 * 4096
        data[start : start + 64] = b"\xaa" * 64
    path.write_bytes(data)
    outbox = Outbox(path)
    assert [ref.number for ref in add(outbox)] == [1]
    assert outbox.epoch != epoch
    assert outbox.set_aside == path.with_name("outbox.sqlite.damaged-1")
    assert outbox.set_aside.read_bytes() == data
    outbox.close()


def test_damage_met_while_running_is_set_aside_too(path: Path) -> None:
    outbox = Outbox(path)
    add(outbox, 3)
    epoch = outbox.epoch
    outbox.close()  # as after any failure: the next call opens the file again, without reading all of it
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xaa" * (len(data) - 4096))
    with pytest.raises(OutboxError):
        add(outbox)
    assert [ref.number for ref in add(outbox)] == [1]
    assert outbox.epoch != epoch
    assert outbox.set_aside is not None
    outbox.close()


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    outbox = Outbox(path)
    add(outbox)
    outbox.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()
    outbox = Outbox(path)
    for _ in range(2):
        with pytest.raises(OutboxError, match=r"newer version.*install the newer software"):
            add(outbox)
    assert outbox.set_aside is None
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_missing_directory_is_told_and_waited_for(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "absent" / "outbox.sqlite")
    with pytest.raises(OutboxError, match=r"unable to open.*directory"):
        add(outbox)
    (tmp_path / "absent").mkdir()
    assert [ref.number for ref in add(outbox)] == [1]
    outbox.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    mounted = shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not mounted:
        pytest.skip("cannot mount a tmpfs here; the limit on the size of files is tested instead")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def fill(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        while os.write(descriptor, b"x" * 4096):
            pass


def test_a_full_disk_loses_nothing_and_heals(small_disk: Path) -> None:
    outbox = Outbox(small_disk / "outbox.sqlite")
    add(outbox, 5)
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        fill(file.fileno())
    with pytest.raises(OutboxError, match=r"full.*free disk space"), outbox.write() as write:  # noqa: PT012 - a commit
        write.keep("visit", b"x" * 100_000)
        write.add_verdict(VERDICT, stamp(), content)
    assert outbox.last_seq() == 5
    ballast.unlink()
    assert outbox.kept("visit") is None
    assert [ref.number for ref in add(outbox, 2)] == [6, 7]
    outbox.close()


def test_a_read_only_disk_is_told_and_heals(small_disk: Path) -> None:
    outbox = Outbox(small_disk / "outbox.sqlite")
    add(outbox, 2)
    outbox.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutboxError, match="writable"):
        add(outbox)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert [ref.number for ref in add(outbox)] == [3]
    outbox.close()


LIMITED = """
import resource, signal, sys
from pathlib import Path
from station.outbox import Outbox, OutboxError
from tests.delivery.test_outbox import VERDICT, add, content, stamp
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
outbox = Outbox(Path(sys.argv[1]))
add(outbox, 3)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
try:
    with outbox.write() as write:
        write.add_verdict(VERDICT, stamp(), content)
        write.keep("visit", b"x" * 500_000)
except OutboxError as error:
    print("refused:", error.remedy)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print([ref.number for ref in add(outbox, 2)], outbox.kept("visit"))
"""


def test_a_write_that_fails_in_the_middle_leaves_nothing(path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    command = [sys.executable, "-c", LIMITED, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=50)
    assert result.stdout.startswith("refused: ")
    assert result.stdout.endswith("[4, 5] None\n")
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == limit
