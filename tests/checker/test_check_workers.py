"""`station check --workers`: the same answers in the same order, bounded memory, and every way in which it may end."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.check_lines import Splitter, lines_of
from station.check_workers import Crew, WorkerError
from tests.checker.small import gtin

COMMAND = (sys.executable, "-c", "import sys; from station.cli import main; sys.exit(main())", "check")
MOST = 30  # bytes of a line
TIMING = re.compile(rb'"timing_ms":\{[^}]*\}')


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    file = tmp_path / "products.csv"
    rows = [f"{gtin(at)},Product {at},{200 + 50 * at},2,40" for at in range(40)]
    file.write_text("gtin,name,weight_g,weight_sd_g,weight_n\n" + "\n".join(rows) + "\n")
    return file


def case(number: int) -> bytes:
    line = {"line": 1, "gtin": gtin(number % 40), "quantity": 1 + number % 3}
    claim = {"transaction_id": f"T{number}", "revision": 1, "lines": [line]}
    weight = {"gross_g": 200 + 37 * (number % 50), "sd_g": 2}
    return json.dumps({"type": "case", "case_id": number, "claim": claim, "weight": weight}).encode()


def stream(count: int) -> bytes:
    """Cases, with every kind of line that is none among them, and no newline at the end."""
    lines = []
    for number in range(count):
        lines.append(case(number))
        if number % 7 == 3:
            lines += [b"", b"nonsense", b"x" * 1_000_002, b'{"type":"feedback","transaction_id":"T"}']
    return b"\n".join(lines)


def check(catalogue: Path, *arguments: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "--catalogue", str(catalogue), *arguments], input=given, capture_output=True, check=False
    )


def test_every_number_of_workers_gives_the_same_bytes(catalogue: Path) -> None:
    given = stream(100)
    told = [check(catalogue, *([] if count is None else ["--workers", count]), given=given)
            for count in (None, "1", "2", "4")]  # fmt: skip
    assert [(each.returncode, each.stderr) for each in told] == [(0, b"")] * 4
    outs = [TIMING.sub(b"", each.stdout) for each in told]
    assert outs[0].count(b"\n") == 100 + 14 * 3
    assert outs[1:] == outs[:1] * 3
    numbered = [json.loads(line) for line in told[3].stdout.splitlines()]
    assert [answer["case_id"] for answer in numbered if "case_id" in answer] == list(range(100))
    assert [answer["line"] for answer in numbered if "line" in answer][:4] == [6, 7, 8, 17]


@pytest.mark.parametrize("workers", ["1", "3"])
def test_an_answer_does_not_wait_for_the_next_question(catalogue: Path, workers: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "--catalogue", str(catalogue), "--workers", workers], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as talk:
        assert talk.stdin
        assert talk.stdout
        for number in range(5):
            talk.stdin.write(case(number) + b"\n")
            talk.stdin.flush()
            assert json.loads(talk.stdout.readline())["case_id"] == number
        talk.stdin.close()
        assert talk.stdout.read() == b""
        assert talk.wait() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_has_read_enough_may_leave(catalogue: Path, tmp_path: Path, workers: str) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_bytes(b"\n".join(case(number) for number in range(400)))
    with cases.open("rb") as given, subprocess.Popen(
        [*COMMAND, "--catalogue", str(catalogue), "--workers", workers],
        stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as talk:  # fmt: skip
        assert talk.stdout
        assert talk.stderr
        assert json.loads(talk.stdout.readline())["case_id"] == 0
        talk.stdout.close()
        assert talk.stderr.read() == b""
        assert talk.wait() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_all_processes_without_a_word(catalogue: Path, workers: str) -> None:
    with subprocess.Popen(
        [*COMMAND, "--catalogue", str(catalogue), "--workers", workers],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    ) as talk:  # fmt: skip
        assert talk.stdin
        assert talk.stdout
        assert talk.stderr
        talk.stdin.write(case(0) + b"\n")
        talk.stdin.flush()
        talk.stdout.readline()
        os.killpg(talk.pid, signal.SIGINT)  # as a terminal does
        assert talk.stdout.read() == b""  # ends only once every process that holds it has
        assert talk.stderr.read() == b""
        assert talk.wait() == 130


def test_learning_in_several_processes_is_refused(catalogue: Path) -> None:
    told = check(catalogue, "--learn", "--workers", "2", given=b"")
    assert (told.returncode, told.stderr.count(b"\n")) == (2, 1)
    assert b"leave out --workers" in told.stderr
    assert check(catalogue, "--workers", "0", given=b"").returncode == 2


def test_progress_is_told_beside_the_answers(catalogue: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_bytes(b"\n".join(case(number) for number in range(12)) + b"\n")
    for arguments, shown in ((["--progress", "--workers", "2"], True), (["--progress"], True), ([], False)):
        with cases.open("rb") as given:
            told = subprocess.run(
                [*COMMAND, "--catalogue", str(catalogue), *arguments], stdin=given, capture_output=True, check=True
            )
        assert told.stdout.count(b"\n") == 12
        assert (b"100%" in told.stderr, b"12 lines" in told.stderr) == (shown, shown)


def shouting(first: int, lines: Sequence[bytes]) -> bytes:
    """Answer in capitals; the line `die` ends the worker."""
    if b"die" in lines:
        os.kill(os.getpid(), signal.SIGKILL)
    return b"".join(b"%d %s\n" % (at, line.upper()) for at, line in enumerate(lines, start=first))


def fed(content: bytes) -> tuple[int, threading.Thread]:
    """Return a pipe's end from which the content comes, and who writes it."""
    source, sink = os.pipe()

    def write() -> None:
        with os.fdopen(sink, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    return source, writer


def test_a_worker_that_dies_is_one_clear_error() -> None:
    source, writer = fed(b"\n".join([b"a"] * 100 + [b"die"] + [b"b"] * 1000))
    told: list[bytes] = []
    with pytest.raises(WorkerError, match=r"by signal 9 while it judged lines 97 to 112"), Crew(shouting, 3) as crew:
        told.extend(crew.answers(source, MOST, lambda _bytes, _lines: None))
    answered = [int(line.split()[0]) for line in b"".join(told).splitlines()]
    assert answered == list(range(1, len(answered) + 1))
    assert len(answered) <= 96
    while os.read(source, 65536):
        pass  # so that the writer ends
    os.close(source)
    writer.join()


def test_the_crew_keeps_the_order_and_tells_how_far_it_is() -> None:
    lines = [b"%d" % number for number in range(5000)]
    content = b"\n".join(lines)
    heard: list[tuple[int, int]] = []
    with Crew(shouting, 2) as crew:
        source, writer = fed(content)  # only now: workers would hold its other end open
        told = b"".join(crew.answers(source, MOST, lambda size, count: heard.append((size, count))))
    writer.join()
    os.close(source)
    assert told.splitlines() == [b"%d %s" % (at, line) for at, line in enumerate(lines, start=1)]
    assert tuple(np.sum(heard, axis=0)) == (len(content), 5000)


@given(
    st.lists(st.binary(max_size=MOST + 9).map(lambda line: line.replace(b"\n", b" ")), max_size=12),
    st.integers(1, 90), st.booleans(),
)  # fmt: skip
def test_lines_do_not_depend_on_how_they_arrive(lines: list[bytes], step: int, ended: bool) -> None:
    content = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    chunks = iter([content[at : at + step] for at in range(0, len(content), step)] + [b""])
    found = list(lines_of(lambda _most: next(chunks), MOST, lambda _bytes, _lines: None))
    wanted = content.split(b"\n")
    assert found == [line[: MOST + 1] for line in (wanted if wanted[-1] else wanted[:-1])]


def test_an_endless_line_is_not_kept() -> None:
    splitter = Splitter(MOST)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []
    assert splitter.feed(b"\nnext\n") == [b"x" * (MOST + 1), b"next"]


def resident_kb(pid: int) -> int:
    """Return the private memory of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    rollups = [Path(f"/proc/{each}/smaps_rollup").read_text("ascii") for each in (str(pid), *children)]
    return sum(int(kb) for text in rollups for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("workers", [1, 2])
def test_memory_does_not_grow_with_the_stream(catalogue: Path, workers: int) -> None:
    portion = b"".join(case(number) + b"\n" for number in range(200))
    with subprocess.Popen(
        [*COMMAND, "--catalogue", str(catalogue), "--workers", str(workers)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as talk:  # fmt: skip
        assert talk.stdin
        assert talk.stdout
        sizes = []
        for _ in range(20):
            writer = threading.Thread(target=lambda to=talk.stdin: (to.write(portion), to.flush()))
            writer.start()
            for _ in range(200):
                talk.stdout.readline()
            writer.join()
            sizes.append(resident_kb(talk.pid))
        talk.stdin.close()
        assert talk.wait() == 0
    assert sizes[-1] - sizes[5] < 1500
