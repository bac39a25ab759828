"""`station audit verify`: every kind of tampering is found and named, and nothing else is."""

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from station import signing_keys, wire
from station.outbox import KEEP_NS, Outbox
from station.wire import Numbering, Station
from tests.delivery.test_outbox import stamp
from tests.support.backend import Backend
from tests.support.consumer import STATION, Consumer, link_options
from tests.support.mosquitto import Mosquitto
from tests.support.rig import run_station, wait_until

Line = dict[str, Any]
TOPIC = STATION.topic("evt", "verdict")


def add(outbox: Outbox, count: int, *, who: Station = STATION, seconds: float = 1000.0) -> None:
    """Store verdicts as the delivery does."""
    at = stamp(seconds)
    data = {"transaction_id": "T-1", "verdict_no": 1, "message": {"de": "Bitte den Käse zeigen"}}

    def build(number: Numbering) -> bytes:
        return wire.encode(who, at, f"id-{number.seq}", "verdict", data, numbering=number)

    for _ in range(count):
        with outbox.write() as write:
            write.add_verdict(who.topic("evt", "verdict"), at, build)


def stored(outbox: Outbox) -> list[Line]:
    """Return what a backend would have stored of all verdicts."""
    lines = []
    for ref in outbox.pending("verdict", TOPIC, 0, 10_000):
        row = outbox.read(ref)
        assert row is not None
        assert row.proof is not None
        lines.append({"topic": TOPIC, "payload": row.payload.decode(), "properties": dict(row.proof.properties())})
    return lines


def made(folder: Path, count: int = 6, *, who: Station = STATION) -> list[Line]:
    """Return the verdicts of a new station whose state is in a folder."""
    outbox = Outbox(folder / "outbox.db", signer=signing_keys.ready(None, folder, {}).pair)
    try:
        add(outbox, count, who=who)
        return stored(outbox)
    finally:
        outbox.close()


def written(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def verify(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = run_station("audit", "verify", *map(str, arguments), "--json")
    assert done.stderr == ""
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["ok"] == (done.returncode == 0)
    assert report["findings_count"] == sum(report["kinds"].values())
    return done.returncode, report


def audited(folder: Path, lines: list[Line], *more: object) -> list[tuple[str, int | None, int | None]]:
    """Return the findings about a file: kind, line and number of the verdict."""
    _status, report = verify(written(folder / "file.jsonl", lines), "--state", folder, *more)
    return [(found["kind"], found.get("line"), found.get("seq")) for found in report["findings"]]


def edited(line: Line, old: str, new: str) -> Line:
    assert old in line["payload"]
    return line | {"payload": line["payload"].replace(old, new)}


def with_property(line: Line, name: str, value: str | None) -> Line:
    kept = {key: old for key, old in line["properties"].items() if key != name}
    return line | {"properties": kept if value is None else kept | {name: value}}


def test_a_whole_file_passes_and_its_head_is_told(tmp_path: Path) -> None:
    lines = made(tmp_path)
    status, report = verify(written(tmp_path / "f", lines), "--state", tmp_path)
    assert status == 0
    chain = report["chains"][0]
    assert (chain["first"], chain["last"], chain["verdicts"]) == (1, 6, 6)
    assert chain["head"] == lines[-1]["properties"]["hash"]
    assert chain["source"] == "/vs/0815/vs-03"


def test_any_order_exact_copies_and_other_messages_are_no_fault(tmp_path: Path) -> None:
    lines = made(tmp_path)
    late = with_property(lines[2], "late", "true")
    other = {"topic": STATION.topic("evt", "alarm"), "payload": "{}", "properties": {}}
    status, report = verify(written(tmp_path / "f", [other, *reversed(lines), late]), "--state", tmp_path)
    assert status == 0
    assert (report["copies"], report["out_of_order"], report["other_messages"]) == (1, 5, 1)


TAMPERED: dict[str, tuple[Callable[[list[Line]], list[Line]], list[tuple[str, int | None, int | None]]]] = {
    "a word changed": (
        lambda t: [*t[:2], edited(t[2], "zeigen", "ziehen"), *t[3:]],
        [("bad_signature", 3, None), ("gap", None, 3)],
    ),
    "a space added": (
        lambda t: [edited(t[0], "{", "{ "), *t[1:]],
        [("bad_signature", 1, None), ("gap", None, 1)],
    ),
    "renumbered": (
        lambda t: [*t[:5], edited(t[5], '"seq":6', '"seq":7')],
        [("bad_signature", 6, None)],
    ),
    "two dropped": (lambda t: [t[0], *t[3:]], [("gap", None, 2)]),
    "the beginning dropped": (lambda t: t[2:], [("gap", None, 1)]),
    "properties of another": (
        lambda t: [t[0], t[1] | {"properties": t[2]["properties"]}, *t[2:]],
        [("bad_signature", 2, None), ("gap", None, 2)],
    ),
    "the signature taken away": (
        lambda t: [*t[:5], with_property(t[5], "signature", None)],
        [("unsigned", 6, None)],
    ),
    "no properties": (lambda t: [*t[:5], {"topic": TOPIC, "payload": t[5]["payload"]}], [("unsigned", 6, None)]),
    "half a signature": (
        lambda t: [*t[:5], with_property(t[5], "signature", t[5]["properties"]["signature"][:64])],
        [("bad_property", 6, None)],
    ),
    "no name of a key": (lambda t: [*t[:5], with_property(t[5], "keyid", None)], [("bad_property", 6, None)]),
    "the hash changed": (
        lambda t: [*t[:5], with_property(t[5], "hash", "00" * 32)],
        [("bad_hash", 6, 6)],
    ),
    "another past": (
        lambda t: [*t[:3], with_property(t[3], "prevhash", "00" * 32), *t[4:]],
        [("bad_hash", 4, 4)],
    ),
    "a copy whose past differs": (
        lambda t: [*t, with_property(t[3], "prevhash", "00" * 32)],
        [("bad_hash", 7, 4), ("differs", 7, 4)],
    ),
    "under another station's topic": (
        lambda t: [*t[:5], t[5] | {"topic": "vs/1/0815/vs-04/evt/verdict"}],
        [("wrong_topic", 6, 6)],
    ),
    "no JSON": (lambda t: [*t, {"payload": "Ä"}], [("not_a_verdict", 7, None)]),
    "nothing": (lambda _t: [], [("empty", None, None)]),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampering_is_found_and_named(tmp_path: Path, name: str) -> None:
    tamper, expected = TAMPERED[name]
    assert audited(tmp_path, tamper(made(tmp_path))) == expected


def test_two_histories_of_one_station_are_told_apart(tmp_path: Path) -> None:
    """As after a disk image was put back: the same key, epoch and numbers, and other verdicts."""
    made(tmp_path, 3)
    shutil.copytree(tmp_path, tmp_path / "image")
    outbox = Outbox(tmp_path / "outbox.db", signer=signing_keys.ready(None, tmp_path, {}).pair)
    add(outbox, 2)
    one = stored(outbox)
    outbox.close()
    outbox = Outbox(tmp_path / "image" / "outbox.db", signer=signing_keys.ready(None, tmp_path / "image", {}).pair)
    add(outbox, 3, seconds=2000.0)
    two = stored(outbox)
    outbox.close()
    assert audited(tmp_path, [*one, *two]) == [("differs", 9, 4), ("differs", 10, 5), ("broken_chain", 11, 6)]
    assert audited(tmp_path, [*one[:4], *two[4:]]) == [("broken_chain", 5, 5)]


def test_a_line_that_is_cut_off_is_said_to_be(tmp_path: Path) -> None:
    path = written(tmp_path / "f", made(tmp_path))
    path.write_bytes(path.read_bytes()[:-700])
    done = run_station("audit", "verify", str(path), "--state", str(tmp_path))
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"{path}:6: unreadable: ")
    assert first.endswith("it is cut off: is the file complete?")
    assert "1 to 5, 5 verdicts" in done.stdout


def test_a_foreign_key_is_not_believed(tmp_path: Path) -> None:
    lines = made(tmp_path / "one")
    made(tmp_path / "two", 1)
    own, foreign = (next((tmp_path / name / "keys").glob("*.pub")) for name in ("one", "two"))
    assert verify(written(tmp_path / "f", lines), "--key", own)[0] == 0
    status, report = verify(tmp_path / "f", "--key", foreign)
    assert (status, report["kinds"]) == (1, {"unknown_key": 6})
    assert verify(tmp_path / "f", "--key", foreign, "--key", own)[0] == 0


def test_one_key_is_one_station(tmp_path: Path) -> None:
    lines = made(tmp_path, 2)
    (tmp_path / "outbox.db").unlink()
    thief = [{**line, "topic": "vs/1/0815/vs-04/evt/verdict"} for line in _as(tmp_path, Station("0815", "vs-04"))]
    assert audited(tmp_path, [*lines, *thief]) == [("shared_key", 3, 1)]


def _as(folder: Path, who: Station) -> list[Line]:
    outbox = Outbox(folder / "other.db", signer=signing_keys.ready(None, folder, {}).pair)
    add(outbox, 2, who=who)
    rows = [outbox.read(ref) for ref in outbox.pending("verdict", who.topic("evt", "verdict"), 0, 10)]
    outbox.close()
    return [
        {"payload": row.payload.decode(), "properties": dict(row.proof.properties())}
        for row in rows
        if row and row.proof
    ]


def rotated(folder: Path, *, back: bool = False) -> list[Line]:
    """Return six verdicts signed with one key, then another; and, if asked, with the first again."""
    keep, lines = folder / "first.pem", []
    for turn in range(3 if back else 2):
        pair = signing_keys.ready(None, folder, {}).pair
        outbox = Outbox(folder / "outbox.db", signer=pair)  # begun anew, as by a restart
        add(outbox, 2)
        lines = stored(outbox)
        outbox.close()
        own = folder / "keys" / "signing.pem"
        if turn == 0:
            shutil.copy(own, keep)
            signing_keys.make(own, replace=True)
        else:
            shutil.copy(keep, own)
    return lines


def test_the_chain_goes_on_over_restarts_and_rotations(tmp_path: Path) -> None:
    lines = rotated(tmp_path)
    keys = [line["properties"]["keyid"] for line in lines]
    assert (len(set(keys)), len(keys)) == (2, 4)
    status, report = verify(written(tmp_path / "f", lines), "--state", tmp_path)
    assert (status, report["chains"][0]["keys"]) == (0, [keys[0], keys[2]])
    assert verify("--outbox", "--state", tmp_path)[0] == 0


def test_a_key_that_was_given_up_does_not_come_back(tmp_path: Path) -> None:
    assert audited(tmp_path, rotated(tmp_path, back=True)) == [("retired_key", 5, 5)]


def test_an_excerpt_may_begin_anywhere_but_has_no_gap(tmp_path: Path) -> None:
    lines = made(tmp_path)
    assert audited(tmp_path, lines[2:], "--excerpt") == []
    assert audited(tmp_path, [*lines[2:3], *lines[4:]], "--excerpt") == [("gap", None, 4)]


def test_payloads_may_be_base64_and_properties_pairs(tmp_path: Path) -> None:
    lines = [
        {
            "payload_base64": base64.b64encode(line["payload"].encode()).decode(),
            "properties": list(line["properties"].items()),
        }
        for line in made(tmp_path)
    ]
    assert audited(tmp_path, lines) == []


def test_what_mosquitto_sub_prints_is_understood(tmp_path: Path) -> None:
    program = shutil.which("mosquitto_sub")
    if program is None:
        pytest.skip("mosquitto_sub is not installed: apt-get install mosquitto-clients")
    pair = signing_keys.ready(None, tmp_path, {}).pair
    with Mosquitto(tmp_path) as broker, Backend(broker.port, STATION.root) as backend:
        command = [
            program,
            "-p",
            str(broker.port),
            "-V",
            "5",
            "-q",
            "1",
            "-t",
            TOPIC,
            "-F",
            "%j",
            "-C",
            "4",
            "-W",
            "20",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
            wait_until(lambda: any(TOPIC in line for line in broker.log))
            with Consumer(tmp_path / "outbox.db", link_options(broker.port), signer=pair) as station:
                for number in range(4):
                    station.verdict(number)
                station.until(lambda: len(backend.heard("evt/verdict")) >= 4)
            printed, _nothing = listener.communicate(timeout=30)
    (tmp_path / "f").write_bytes(printed)
    status, report = verify(tmp_path / "f", "--state", tmp_path)
    assert (status, report["verdicts"]) == (0, 4)


# -- the outbox


def altered(folder: Path, *statements: str) -> list[tuple[str, int | None, int | None]]:
    made(folder)
    with sqlite3.connect(folder / "outbox.db") as db:
        for statement in statements:
            db.execute(statement)
    db.close()
    _status, report = verify("--outbox", "--state", folder)
    return [(found["kind"], found.get("line"), found.get("seq")) for found in report["findings"]]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE verdict SET brokered = 1, reason_code = 16", []),
        ("DELETE FROM verdict WHERE seq = 3", [("gap", None, 3)]),
        ("DELETE FROM verdict WHERE seq < 3", [("gap", None, 1)]),
        (
            "UPDATE verdict SET payload = cast(replace(payload, 'zeigen', 'ziehen') AS BLOB) WHERE seq = 2",
            [("bad_signature", 2, None), ("gap", None, 2)],
        ),
        ("UPDATE verdict SET payload = 17, signature = 'x', key_id = NULL WHERE seq = 6", [("not_a_verdict", 6, None)]),
        ("UPDATE verdict SET signature = NULL WHERE seq = 6", [("unsigned", 6, None)]),
        ("UPDATE verdict SET prev_hash = zeroblob(32) WHERE seq = 6", [("bad_hash", 6, 6)]),
        ("UPDATE meta SET value = 7 WHERE key = 'confirmed'", [("cut_off", None, None)]),
    ],
)
def test_an_altered_outbox_is_found_out(
    tmp_path: Path, statement: str, expected: list[tuple[str, int | None, int | None]]
) -> None:
    assert altered(tmp_path, statement) == expected


def test_pruning_keeps_the_rest_verifiable(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", signer=signing_keys.ready(None, tmp_path, {}).pair)
    week_s = KEEP_NS / 1e9
    for seconds in (0.0, 2 * week_s, 0.0, 2 * week_s):  # the clock was set back for a while
        add(outbox, 2, seconds=seconds)
    outbox.confirm(8)
    outbox.prune(stamp(week_s + 1))
    outbox.close()
    status, report = verify("--outbox", "--state", tmp_path)
    assert (status, report["chains"][0]["first"], report["chains"][0]["verdicts"]) == (0, 3, 6)
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("DELETE FROM verdict WHERE seq = 3")
    db.close()
    assert verify("--outbox", "--state", tmp_path)[1]["kinds"] == {"gap": 1}


def test_an_outbox_from_before_there_were_signatures_goes_on_with_them(tmp_path: Path) -> None:
    unsigned = Outbox(tmp_path / "outbox.db")
    add(unsigned, 3)
    unsigned.close()
    with sqlite3.connect(tmp_path / "outbox.db") as db:
        db.execute("ALTER TABLE verdict DROP COLUMN key_id")
        db.execute("PRAGMA user_version=1")
    db.close()
    outbox = Outbox(tmp_path / "outbox.db", signer=signing_keys.ready(None, tmp_path, {}).pair)
    add(outbox, 2)
    outbox.confirm(4)
    outbox.close()
    status, report = verify("--outbox", "--state", tmp_path)
    assert (status, report["older"], report["chains"][0]["first"], report["verdicts"]) == (0, 3, 4, 2)
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.prune(stamp(2 * KEEP_NS / 1e9))
    outbox.close()
    assert verify("--outbox", "--state", tmp_path)[0] == 0


def test_a_damaged_outbox_is_a_finding(tmp_path: Path) -> None:
    made(tmp_path, 200)
    path = tmp_path / "outbox.db"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = os.urandom(len(data) - len(data) // 2)
    path.write_bytes(data)
    status, report = verify("--outbox", "--state", tmp_path)
    assert status == 1
    assert "unreadable" in report["kinds"]


def test_an_outbox_in_use_can_be_audited(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db", signer=signing_keys.ready(None, tmp_path, {}).pair)
    add(outbox, 3)
    assert verify("--outbox", "--state", tmp_path)[0] == 0
    add(outbox, 3)
    assert verify("--outbox", "--state", tmp_path)[1]["verdicts"] == 6
    outbox.close()


# -- usage


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.jsonl", "--key", "KEY"], "nothing.jsonl cannot be read: No such file or directory"),
        (["FILE", "--key", "nothing.pub"], "signing key nothing.pub: does not exist"),
        (["FILE", "--state", "EMPTY"], "holds no public key of a station; name those to trust with --key"),
        (["--outbox", "--state", "EMPTY", "--key", "KEY"], "outbox.db does not exist; name the state directory"),
        ([], "one of the arguments FILE --outbox is required"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    made(tmp_path, 1)
    (tmp_path / "empty").mkdir()
    key = next((tmp_path / "keys").glob("*.pub"))
    names = {"FILE": written(tmp_path / "f", []), "EMPTY": tmp_path / "empty", "KEY": key}
    done = run_station("audit", "verify", *(str(names.get(name, name)) for name in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


PEAK = """
import resource, sys
from station.cli import main
main(["audit", "verify", sys.argv[1], "--state", sys.argv[2], "--json"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    lines = made(tmp_path, 10)
    small = written(tmp_path / "small", lines)
    large = tmp_path / "large"
    with large.open("w", encoding="utf-8") as file:
        for _ in range(300):  # copies and refusals: lines, findings and numbers
            file.writelines(json.dumps(edited(line, "zeigen", "z" * 10_000)) + "\n" for line in lines)
    peaks = []
    for path in (small, large):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(path), str(tmp_path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stderr))
    assert large.stat().st_size > 30_000_000
    assert peaks[1] - peaks[0] < 8_000  # KiB
