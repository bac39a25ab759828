"""Nothing that was told is lost by a power cut: a short run of `benchmarks.power_cuts`, and what its disk keeps."""

import random
import shutil
from pathlib import Path

import pytest

from benchmarks import power_commands, power_cuts
from benchmarks.power_calls import Call, calls
from benchmarks.power_disk import Disk, Fate

ROOT = Path("/d")


def literal(text: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in text) + '"'


def played(*steps: Call) -> Disk:
    disk = Disk(ROOT)
    for step in steps:
        disk.take(step)
    return disk


def made(name: str, number: int = 3) -> Call:
    return Call("openat", f"AT_FDCWD, {literal(name.encode())}, O_RDWR|O_CREAT, 0600", number)


def written(data: bytes, at: int = 0, number: int = 3) -> Call:
    return Call("pwrite64", f"{number}, {literal(data)}, {len(data)}, {at}", len(data))


def synced(number: int = 3) -> Call:
    return Call("fsync", str(number), 0)


FOLDER = Call("openat", f"AT_FDCWD, {literal(b'/d')}, O_RDONLY|O_DIRECTORY", 4)
CHANCE = random.Random(0)


def test_a_name_is_there_once_its_folder_was_synced_and_bytes_once_the_file_was() -> None:
    begin = (made("/d/a"), written(b"one"))
    assert played(*begin).after_cut(Fate.LOST, CHANCE) == {}
    assert played(*begin, synced()).after_cut(Fate.LOST, CHANCE) == {}
    assert played(*begin, FOLDER, synced(4)).after_cut(Fate.LOST, CHANCE) == {"a": b""}
    disk = played(*begin, synced(), FOLDER, synced(4), written(b"two"), written(b"3", at=10))
    assert disk.after_cut(Fate.LOST, CHANCE) == {"a": b"one"}
    assert disk.pending == 2


def test_a_replaced_file_is_the_old_one_or_the_new_one_and_empty_if_it_was_not_synced() -> None:
    old = (made("/d/a"), written(b"old"), synced(), FOLDER, synced(4))
    rename = Call("rename", f"{literal(b'/d/b')}, {literal(b'/d/a')}", 0)
    careful = played(*old, made("/d/b", 5), written(b"new", number=5), synced(5), rename)
    found = [careful.after_cut(Fate.SOME, random.Random(n)).get("a") for n in range(50)]
    assert set(found) == {b"old", b"new"}
    careless = played(*old, made("/d/b", 5), written(b"new", number=5), rename)
    assert b"" in [careless.after_cut(Fate.SOME, random.Random(n)).get("a") for n in range(50)]


def test_writes_are_torn_at_sectors_and_reordered() -> None:
    disk = played(made("/d/a"), FOLDER, synced(4), written(b"x" * 1024), written(b"y" * 512, at=1024))
    found = {disk.after_cut(Fate.SOME, random.Random(n))["a"] for n in range(200)}
    assert b"x" * 512 in found
    assert bytes(1024) + b"y" * 512 in found
    assert disk.after_cut(Fate.LATER, random.Random(0))["a"] in {b"", bytes(1024) + b"y" * 512}


def test_calls_of_several_threads_stand_where_they_took_effect() -> None:
    lines = [
        '1 pwrite64(3, "\\x41", 1, 0 <unfinished ...>',
        "2 fdatasync(3 <unfinished ...>",
        '3 sendto(5, "\\x42", 1, 0, NULL, 0) = 1',
        '4 openat(AT_FDCWD, "\\x43", O_RDONLY <unfinished ...>',
        "3 close(5) = 0",
        "4 <... openat resumed>) = 5",
        "2 <... fdatasync resumed>) = 0",
        "1 <... pwrite64 resumed>) = 1",
        "1 +++ killed by SIGKILL +++",
    ]
    assert [call.name for call in calls(lines)] == ["pwrite64", "sendto", "close", "openat", "fdatasync"]


@pytest.fixture
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("strace")
def test_all_that_was_told_is_there_after_a_cut_and_not_so_without_syncs(tmp_path: Path) -> None:
    kept, later, *controls = power_cuts.measure(tmp_path, total=60, lives=2, cuts=30, seed=3, again=1)
    assert (kept.told, kept.cut) == (60, 30)
    assert kept.published >= 60
    assert kept.taken > 100
    assert not any(kept.wrong.values()), kept.worst
    assert later.cut == 15
    assert not any(later.wrong.values()), later.worst
    assert all(control.missing for control in controls), controls


@pytest.mark.timeout(180)
@pytest.mark.usefixtures("strace")
def test_what_the_daemon_acknowledged_to_the_broker_has_its_effect_on_disk(tmp_path: Path) -> None:
    daemon, careless_disk = power_commands.measure(tmp_path, claims=24, lives=2, seed=1)
    assert daemon.acknowledged >= 20
    assert daemon.without_effect == 0, daemon.first
    assert careless_disk.without_effect > 0
